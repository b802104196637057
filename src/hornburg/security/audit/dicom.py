"""Who may come in over DICOM."""

from __future__ import annotations

import ipaddress

from hornburg.security.audit.check import (
    Check,
    Facts,
    Verdict,
    failed,
    line_of,
    passed,
    warned,
)
from hornburg.security.doors import Act, doors_of
from hornburg.settings.openid import is_this_machine

__all__ = ["CHECKS"]

_SWITCHES = {
    Act.ECHO: "DicomAlwaysAllowEcho",
    Act.STORE: "DicomAlwaysAllowStore",
    Act.FIND: "DicomAlwaysAllowFind",
    Act.FIND_WORKLIST: "DicomAlwaysAllowFindWorklist",
    Act.GET: "DicomAlwaysAllowGet",
    Act.MOVE: "DicomAlwaysAllowMove",
}
_TAKES_DATA_OUT = (Act.FIND, Act.FIND_WORKLIST, Act.GET, Act.MOVE)

_OFF = "the DICOM server is off (DicomServerEnabled)"


def _listening(facts: Facts) -> Verdict:
    settings = facts.settings
    if not settings.dicom_server_enabled:
        return passed(_OFF)
    if not settings.serves_dicom_to_others:
        return passed("the DICOM server listens on the loopback only")
    if settings.dicom_bind_addresses:
        return passed("the DICOM server listens on " + ", ".join(settings.dicom_binds()))
    return warned(
        "the DICOM server listens on all addresses of the machine",
        line_of("DicomBindAddresses", ["192.0.2.10"]) + " with the one address that is needed",
    )


def _strangers(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    if not settings.dicom_server_enabled:
        return passed(_OFF)
    doors = doors_of(settings)
    public = settings.serves_dicom_to_others
    verdicts: list[Verdict] = []
    for act, option in _SWITCHES.items():
        if not doors.open_to_all(act):
            continue
        fix = line_of(option, False) + ", and the modalities in DicomModalities"
        where = "on a public address" if public else "on this machine"
        found = f"everybody may {act.word} {where}"
        if act in _TAKES_DATA_OUT or (act is Act.STORE and public):
            verdicts.append(failed(found, fix))
        else:
            verdicts.append(warned(found, fix))
    return verdicts or passed("only modalities of DicomModalities may do anything")


def _called_title(facts: Facts) -> Verdict:
    settings = facts.settings
    if not settings.dicom_server_enabled:
        return passed(_OFF)
    if settings.dicom_check_called_aet:
        return passed("callers must call this server by its title")
    return warned(
        "whoever scans for DICOM ports is answered under any title",
        line_of("DicomCheckCalledAet", True),
    )


def _host(facts: Facts) -> Verdict:
    settings = facts.settings
    if not settings.dicom_server_enabled:
        return passed(_OFF)
    names = sorted(
        name for name, entry in settings.dicom_modalities.items() if not _is_address(entry.host)
    )
    if settings.dicom_check_modality_host:
        if names:
            return failed(
                f"modalities known by a host name, which is no address to compare: {names[0]}",
                "the IP address as Host in DicomModalities",
            )
        return passed("modalities are known by title and address")
    fix = line_of("DicomCheckModalityHost", True)
    if names:
        fix += f", with an IP address as Host of {', '.join(names[:5])}"
    return warned("a title is a password that everybody can read on the network", fix)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _modalities(facts: Facts) -> Verdict:
    settings = facts.settings
    free = [
        name
        for name, entry in settings.dicom_modalities.items()
        if entry.allow_store and entry.allow_find and entry.allow_get and entry.allow_move
    ]
    if not free:
        return passed("each modality may do what it is listed for")
    return warned(
        f"modalities that may do everything ({len(free)}): {', '.join(sorted(free)[:5])}",
        f'"AllowFind": false, "AllowMove": false, "AllowGet": false in DicomModalities.{free[0]}',
    )


def _tls(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    if not settings.dicom_server_enabled:
        return passed(_OFF)
    if not settings.dicom_tls_enabled:
        if not settings.serves_dicom_to_others:
            return passed("DICOM does not leave the machine")
        return warned(
            "images and names cross the network in clear",
            line_of("DicomTlsEnabled", True)
            + ", DicomTlsCertificate, DicomTlsPrivateKey, DicomTlsTrustedCertificates",
        )
    if not settings.dicom_tls_remote_certificate_required:
        return warned(
            "callers need no certificate of their own",
            line_of("DicomTlsRemoteCertificateRequired", True),
        )
    clear = sorted(
        name
        for name, entry in settings.dicom_modalities.items()
        if not entry.use_dicom_tls and not is_this_machine(entry.host)
    )
    if clear:
        return warned(
            f"what is sent to modalities crosses the network in clear: {', '.join(clear[:5])}",
            line_of("UseDicomTls", True) + f" in DicomModalities.{clear[0]}",
        )
    return passed("DICOM over TLS, and callers show a certificate")


def _bounds(facts: Facts) -> Verdict:
    settings = facts.settings
    if settings.dicom_server_enabled and not settings.dicom_scp_timeout:
        return warned("an idle association may stay for ever", line_of("DicomScpTimeout", 30))
    if settings.dicom_server_enabled and not settings.dicom_maximum_associations_per_address:
        return warned(
            "one machine may take all associations",
            line_of("DicomMaximumAssociationsPerAddress", 50),
        )
    return passed("associations are bounded in time and number")


def _content(facts: Facts) -> Verdict:
    if facts.settings.unknown_sop_class_accepted:
        return warned(
            "C-STORE accepts classes that nobody knows", line_of("UnknownSopClassAccepted", False)
        )
    return passed("C-STORE accepts known classes only")


CHECKS = (
    Check(
        "dicom-listening",
        "DICOM listens where it is needed",
        "Scanners and workstations are in one network; the others need not reach the port.",
        _listening,
    ),
    Check(
        "dicom-strangers",
        "Unknown callers do nothing",
        "Who reaches the port can fill the disk, forge images, or copy the archive.",
        _strangers,
    ),
    Check(
        "dicom-called-title",
        "Callers know our title",
        "It stops what only tries port after port.",
        _called_title,
    ),
    Check(
        "dicom-host",
        "A modality comes from its address",
        "Titles are sent in clear, and anybody can use any of them.",
        _host,
    ),
    Check(
        "dicom-modalities",
        "A modality may do what it needs",
        "A scanner sends and does not read; who takes it over should not be able to.",
        _modalities,
    ),
    Check(
        "dicom-tls",
        "DICOM is encrypted",
        "Without TLS everybody on the way reads and changes images.",
        _tls,
    ),
    Check(
        "dicom-bounds",
        "Associations are bounded",
        "Open associations that do nothing keep the others out.",
        _bounds,
    ),
    Check(
        "dicom-content",
        "Known classes only",
        "What nobody knows, nobody can show, and programs that read it have holes.",
        _content,
    ),
)

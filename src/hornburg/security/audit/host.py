"""The machine: users, files, and what is kept."""

from __future__ import annotations

from pathlib import Path

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
from hornburg.security.host_files import exposed_files
from hornburg.settings import OverwriteInstances, StorageMode
from hornburg.settings.plugins import NATIVE_SUFFIXES

__all__ = ["CHECKS"]


def _root(facts: Facts) -> Verdict:
    if facts.uid != 0:
        return passed("not run by root")
    if facts.settings.run_as_user:
        return passed(f"root becomes {facts.settings.run_as_user} (RunAsUser)")
    return warned("run by root", line_of("RunAsUser", "hornburg"))


def _files(facts: Facts) -> Verdict | list[Verdict]:
    found = exposed_files(facts.settings)
    if not found:
        return passed("configuration, keys and folders belong to their user alone")
    return [failed(f"others can {each.how} {each.what} {each.path}", each.fix) for each in found]


def _overwrite(facts: Facts) -> Verdict:
    mode = facts.settings.overwrite_instances
    if mode is OverwriteInstances.NEVER:
        return passed("what is stored stays as it is")
    return warned(
        "who may send can replace images that are stored", line_of("OverwriteInstances", "Never")
    )


def _recycling(facts: Facts) -> Verdict:
    settings = facts.settings
    limited = settings.maximum_storage_size or settings.maximum_patient_count
    if not limited:
        return passed("nothing is removed to make room")
    if settings.maximum_storage_mode is StorageMode.REJECT:
        return passed("at a limit, what arrives is refused")
    if doors_of(settings).open_to_all(Act.STORE) and settings.serves_dicom_to_others:
        return warned(
            "at a limit old patients are removed; unknown senders can't cause that, known ones can",
            line_of("MaximumStorageMode", "Reject"),
        )
    return warned("at a limit old patients are removed", line_of("MaximumStorageMode", "Reject"))


def _durable(facts: Facts) -> Verdict:
    if facts.settings.sync_storage_area:
        return passed("a success answer survives a power cut")
    return warned(
        "a power cut may take images that were confirmed", line_of("SyncStorageArea", True)
    )


def _checksums(facts: Facts) -> Verdict:
    if facts.settings.store_md5_for_attachments:
        return passed("a changed file is found (verify-md5)")
    return warned("nobody finds a file that was changed", line_of("StoreMD5ForAttachments", True))


def _logs(facts: Facts) -> Verdict:
    if facts.settings.deidentify_logs:
        return passed("the log holds no patient data")
    return warned("the log holds names of patients", line_of("DeidentifyLogs", True))


def _trail(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    trail = settings.audit_trail
    if trail is None:
        return passed("who did what is written down, in the storage folder")
    verdicts = []
    if not trail.enabled:
        grade = failed if settings.serves_http_to_others else warned
        verdicts.append(grade("nobody can tell who saw what", '"AuditTrail": { "Enabled": true }'))
    if trail.syslog is not None and trail.syslog.protocol != "tls":
        verdicts.append(
            warned(
                "the trail crosses the network in clear",
                '"Protocol": "tls" in AuditTrail.Syslog',
            )
        )
    return verdicts or passed("who did what is written down")


def _without_effect(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    ignored = settings.not_supported()
    verdicts: list[Verdict] = []
    if ignored:
        what = "set, and without effect in this version: " + ", ".join(ignored)
        verdicts.append(warned(what, "take them out"))
    verdicts += [
        warned(f"set, and without effect: {each}", "the right name, or take it out")
        for each in settings.unknown
    ]
    native = [str(path) for folder in settings.plugins for path in _native(folder)]
    if native:
        what = "plug-ins of Orthanc in machine code are not loaded: " + ", ".join(native)
        verdicts.append(warned(what, "take them out of Plugins; AccessRules may do what they did"))
    return verdicts or passed("every option that is set has its effect")


def _native(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if one.suffix in NATIVE_SUFFIXES)
    except OSError:
        # A file, or nothing: one that can't be loaded stops the start.
        return []


def _exceptions(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    found = [
        warned(f"{option}: {reason}", f"take {option} out of HardenedExceptions, and set it safely")
        for option, reason in sorted(settings.hardened_exceptions.items())
    ]
    return found or passed("no exception is made")


CHECKS = (
    Check(
        "host-root",
        "Not run by root",
        "A hole in a program of root is a hole in the machine.",
        _root,
    ),
    Check(
        "host-files",
        "Files are the server's own",
        "Keys, passwords and images are in files that other users of the machine may reach.",
        _files,
    ),
    Check(
        "archive-overwrite",
        "Images are not replaced",
        "A forged image under a known UID takes the place of the true one.",
        _overwrite,
    ),
    Check(
        "archive-recycling",
        "Images are not pushed out",
        "Who sends enough can remove older patients.",
        _recycling,
    ),
    Check(
        "archive-durable",
        "What was confirmed is kept",
        "The scanner deletes its copy after the confirmation.",
        _durable,
    ),
    Check(
        "archive-checksums",
        "Changed files are found",
        "A disk or a person may change a file.",
        _checksums,
    ),
    Check(
        "trail",
        "Who did what is known",
        "After an incident it is the only way to know whom to tell.",
        _trail,
    ),
    Check(
        "logs",
        "Logs without patients",
        "Logs are copied to places where images would never go.",
        _logs,
    ),
    Check(
        "options",
        "No option that does nothing",
        "A protection that is believed in and isn't there is worse than none.",
        _without_effect,
    ),
    Check(
        "profile-exceptions",
        "Exceptions of the profile Hardened",
        "Each was a decision, which somebody should look at again.",
        _exceptions,
    ),
)

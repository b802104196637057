"""Readers of the sections that name other machines: modalities, peers, keys."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hornburg.settings.errors import Refused
from hornburg.settings.rows import Secret
from hornburg.settings.sections import flag, freeze, member, read_section, read_title, text, whole
from hornburg.settings.values import Manufacturer, Modality, Peer, Pkcs11, RetrieveMethod

__all__ = [
    "MODALITY_NAME_ALLOWED",
    "is_modality_name",
    "modality_to_json",
    "read_modalities",
    "read_modality",
    "read_peers",
    "read_pkcs11",
    "refuse_host_name",
]

W = TypeVar("W", bound=enum.Enum)
Field = tuple[str, Callable[[object], Any]]

MODALITY_NAME_ALLOWED = "a name of 1 to 64 letters, digits, - and _"
# The name is a part of paths such as /modalities/{name}/echo; Orthanc takes the same characters.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def _seconds(value: object) -> int:
    return whole(value, 0, 86400, "seconds")


def _port(value: object) -> int:
    # Orthanc takes the digits as a text too.
    if isinstance(value, str) and len(value) <= 5 and value.isascii() and value.isdigit():
        value = int(value)
    return whole(value, 1, 65535, "a TCP port")


def _local_title(value: object) -> str:
    # Empty as Orthanc shows it, when DicomAet is used.
    return "" if value == "" else read_title(value)


def _retrieve_method(value: object) -> RetrieveMethod | None:
    # The word with which Orthanc says that DicomDefaultRetrieveMethod decides.
    return None if value == "SystemDefault" else _word(RetrieveMethod)(value)


def _host(value: object) -> str:
    allowed = "an IP address or a host name"
    host = text(value, allowed, 253)
    if not host or any(character.isspace() for character in host):
        raise Refused(allowed, value)
    return host


def _secret(value: object) -> Secret:
    return Secret(text(value))


def _url(value: object) -> str:
    allowed = "a URL that starts with http:// or https://"
    url = text(value, allowed)
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise Refused(allowed, value)
    return url


def _word(words: type[W]) -> Callable[[object], W]:
    def read(value: object) -> W:
        for word in words:
            if word.value == value:
                return word
        raise Refused("one of " + ", ".join(f'"{word.value}"' for word in words), value)

    return read


_MODALITY: dict[str, Field] = {
    "AET": ("aet", read_title),
    "Host": ("host", _host),
    "Port": ("port", _port),
    "Manufacturer": ("manufacturer", _word(Manufacturer)),
    "AllowEcho": ("allow_echo", flag),
    "AllowFind": ("allow_find", flag),
    "AllowFindWorklist": ("allow_find_worklist", flag),
    "AllowGet": ("allow_get", flag),
    "AllowMove": ("allow_move", flag),
    "AllowStore": ("allow_store", flag),
    "AllowNAction": ("allow_n_action", flag),
    "AllowEventReport": ("allow_n_event_report", flag),
    "AllowNEventReport": ("allow_n_event_report", flag),
    "AllowTranscoding": ("allow_transcoding", flag),
    "UseDicomTls": ("use_dicom_tls", flag),
    "LocalAet": ("local_aet", _local_title),
    "Timeout": ("timeout", _seconds),
    "RetrieveMethod": ("retrieve_method", _retrieve_method),
}
_MODALITY_REQUIRED = ("AET", "Host", "Port")

_PEER: dict[str, Field] = {
    "Url": ("url", _url),
    "Username": ("username", text),
    "Password": ("password", _secret),
    "CertificateFile": ("certificate_file", text),
    "CertificateKeyFile": ("certificate_key_file", text),
    "CertificateKeyPassword": ("certificate_key_password", _secret),
    "Pkcs11": ("pkcs11", flag),
    "Timeout": ("timeout", _seconds),
}


def read_modalities(value: object) -> Mapping[str, Modality]:
    """The modalities of a section, each in one of the forms of :func:`read_modality`."""

    def one(name: str, entry: object) -> Modality:
        if not is_modality_name(name):
            raise Refused(MODALITY_NAME_ALLOWED, name)
        return read_modality(entry)

    return freeze(read_section(value, one))


def is_modality_name(name: str) -> bool:
    """Whether a modality may have this symbolic name."""
    return _NAME.fullmatch(name) is not None


def read_modality(entry: object) -> Modality:
    """``[AET, host, port]``, the same with a manufacturer, or an object with all fields.

    Raises:
        Refused: it is none of these.
    """
    if not isinstance(entry, list):
        return Modality(**_modality(entry))
    if not 3 <= len(entry) <= 4:
        raise Refused("[AET, host, port] or [AET, host, port, manufacturer]", entry)
    fields = zip(("AET", "Host", "Port", "Manufacturer"), entry, strict=False)
    given: dict[str, Any] = {}
    for place, (key, inner) in enumerate(fields):
        attribute, read = _MODALITY[key]
        given[attribute] = member(f"[{place}]", read, inner)
    return Modality(**given)


def modality_to_json(modality: Modality) -> dict[str, Any]:
    """The form in which Orthanc answers ``/modalities/{id}/configuration``; :func:`read_modality`
    takes it back. ``RetrieveMethod`` is there when the modality has one of its own."""
    form: dict[str, Any] = {
        "AET": modality.aet,
        "AllowEcho": modality.allow_echo,
        "AllowEventReport": modality.allow_n_event_report,
        "AllowFind": modality.allow_find,
        "AllowFindWorklist": modality.allow_find_worklist,
        "AllowGet": modality.allow_get,
        "AllowMove": modality.allow_move,
        "AllowNAction": modality.allow_n_action,
        "AllowStore": modality.allow_store,
        "AllowTranscoding": modality.allow_transcoding,
        "Host": modality.host,
        "LocalAet": modality.local_aet,
        "Manufacturer": modality.manufacturer.value,
        "Port": modality.port,
        "Timeout": modality.timeout,
        "UseDicomTls": modality.use_dicom_tls,
    }
    if modality.retrieve_method is not None:
        form["RetrieveMethod"] = modality.retrieve_method.value
    return form


def refuse_host_name(modality: Modality) -> None:
    """With ``DicomCheckModalityHost`` a modality is known by its address, and a name is none.

    Raises:
        Refused: its host isn't an IPv4 or IPv6 address.
    """
    try:
        ipaddress.ip_address(modality.host)
    except ValueError:
        raise Refused(
            "an IPv4 or IPv6 address while DicomCheckModalityHost is true", modality.host, ".Host"
        ) from None


def _modality(entry: object) -> dict[str, Any]:
    given: dict[str, Any] = {}

    def one(key: str, inner: object) -> None:
        if key == "AllowStorageCommitment":  # one word for both halves of storage commitment
            given["allow_n_action"] = given["allow_n_event_report"] = flag(inner)
        elif key in _MODALITY:
            attribute, read = _MODALITY[key]
            given[attribute] = read(inner)
        else:
            raise Refused("one of " + ", ".join((*_MODALITY, "AllowStorageCommitment")), key)

    read_section(entry, one)
    for key in _MODALITY_REQUIRED:
        if _MODALITY[key][0] not in given:
            raise Refused(f"an object with at least {', '.join(_MODALITY_REQUIRED)}", entry)
    return given


def read_peers(value: object) -> Mapping[str, Peer]:
    """``[URL]``, ``[URL, name, password]``, or an object with all fields."""

    def one(_: str, entry: object) -> Peer:
        if isinstance(entry, list):
            if len(entry) not in (1, 3):
                raise Refused("[URL] or [URL, user name, password]", entry)
            url = member("[0]", _url, entry[0])
            if len(entry) == 1:
                return Peer(url=url)
            return Peer(
                url=url,
                username=member("[1]", text, entry[1]),
                password=member("[2]", _secret, entry[2]),
            )
        return _peer(entry)

    return freeze(read_section(value, one))


def _peer(entry: object) -> Peer:
    given: dict[str, Any] = {}
    headers: dict[str, Secret] = {}
    properties: dict[str, Secret] = {}

    def one(key: str, inner: object) -> None:
        if key in _PEER:
            attribute, read = _PEER[key]
            given[attribute] = read(inner)
        elif key == "HttpHeaders":
            headers.update(read_section(inner, lambda _, header: _secret(header)))
        else:
            # Orthanc lets users keep properties of their own here; scripts read them.
            properties[key] = Secret(inner if isinstance(inner, str) else repr(inner))

    read_section(entry, one)
    if "url" not in given:
        raise Refused("an object with at least Url", entry)
    return Peer(**given, http_headers=freeze(headers), properties=freeze(properties))


def read_pkcs11(value: object) -> Pkcs11:
    fields: dict[str, Field] = {
        "Module": ("module", text),
        "Pin": ("pin", _secret),
        "Verbose": ("verbose", flag),
    }
    given: dict[str, Any] = {}

    def one(key: str, inner: object) -> None:
        if key not in fields:
            raise Refused("one of " + ", ".join(fields), key)
        attribute, read = fields[key]
        given[attribute] = read(inner)

    read_section(value, one)
    if "module" not in given:
        raise Refused("an object with at least Module", value)
    return Pkcs11(**given)

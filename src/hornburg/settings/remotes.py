"""Readers of the sections that name other application entities."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from hornburg.settings.errors import Refused
from hornburg.settings.sections import flag, freeze, member, read_section, read_title, text, whole
from hornburg.settings.values import Manufacturer, Modality, RetrieveMethod

__all__ = [
    "MODALITY_NAME_ALLOWED",
    "is_modality_name",
    "modality_to_json",
    "read_modalities",
    "read_modality",
    "refuse_host_name",
    "seconds",
    "with_stated_acts",
]

W = TypeVar("W", bound=enum.Enum)
Field = tuple[str, Callable[[object], Any]]

MODALITY_NAME_ALLOWED = "a name of 1 to 64 letters, digits, - and _"
# The name is a part of paths such as /modalities/{name}/echo; Orthanc takes the same characters.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def seconds(value: object) -> int:
    """A time-out, at most a day."""
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
    "Timeout": ("timeout", seconds),
    "RetrieveMethod": ("retrieve_method", _retrieve_method),
}
#: What a modality may ask of us; C-ECHO tells nothing and changes nothing.
_ACTS = (
    *("allow_store", "allow_find", "allow_find_worklist", "allow_get", "allow_move"),
    *("allow_n_action", "allow_n_event_report"),
)
_MODALITY_REQUIRED = ("AET", "Host", "Port")


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
        given = _modality(entry)
        return Modality(**given, stated=frozenset(given))
    if not 3 <= len(entry) <= 4:
        raise Refused("[AET, host, port] or [AET, host, port, manufacturer]", entry)
    fields = zip(("AET", "Host", "Port", "Manufacturer"), entry, strict=False)
    given = {}
    for place, (key, inner) in enumerate(fields):
        attribute, read = _MODALITY[key]
        given[attribute] = member(f"[{place}]", read, inner)
    return Modality(**given, stated=frozenset(given))


def with_stated_acts(modality: Modality) -> Modality:
    """The same modality, which may do what was written down, and besides C-ECHO nothing."""
    silent: dict[str, Any] = {act: False for act in _ACTS if act not in modality.stated}
    return replace(modality, **silent)


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

"""Events as DICOM audit messages: PS3.15 section A.5, the schema of A.5.1.

A message is about one patient at most, so an entry of the trail may be several messages. Of a
query it has the names of what was searched by, and not, as A.5.3.10 would have it, the values:
those would be names of patients.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from hornburg.security.principals import Kind
from hornburg.security.trail.events import LEVELS, Event, Identity, Outcome
from hornburg.security.trail.files import time_text
from hornburg.security.trail.grouping import Entry

__all__ = ["Source", "messages_of"]

Known = Mapping[tuple[int, str], Identity | None]

#: Resources that one message counts and studies that it names.
_MOST_STUDIES = 100
_LONGEST = 256


class Code(NamedTuple):
    """A coded value: PS3.16 annex D."""

    value: str
    words: str
    system: str = "DCM"


_START_STOP = Code("110100", "Application Activity")
_LOG_USED = Code("110101", "Audit Log Used")
_ACCESSED = Code("110103", "DICOM Instances Accessed")
_TRANSFERRED = Code("110104", "DICOM Instances Transferred")
_STUDY_DELETED = Code("110105", "DICOM Study Deleted")
_EXPORT = Code("110106", "Export")
_IMPORT = Code("110107", "Import")
_ORDER = Code("110109", "Order Record")
_PATIENT = Code("110110", "Patient Record")
_QUERY = Code("110112", "Query")
_ALERT = Code("110113", "Security Alert")
_USER = Code("110114", "User Authentication")

_STARTED = Code("110120", "Application Start")
_STOPPED = Code("110121", "Application Stop")
_LOGIN = Code("110122", "Login")
_LOGOUT = Code("110123", "Logout")
_NODE = Code("110126", "Node Authentication")
_NETWORK = Code("110128", "Network Configuration")
_SOFTWARE = Code("110131", "Software Configuration")
_RESTRICTED = Code("110132", "Use of Restricted Function")
_USER_SECURITY = Code("110137", "User security Attributes Changed")

_APPLICATION = Code("110150", "Application")
_LAUNCHER = Code("110151", "Application Launcher")
_DESTINATION = Code("110152", "Destination")
_SOURCE = Code("110153", "Source")
_SOURCE_MEDIA = Code("110154", "Source Media")

_STUDY_UID = Code("110180", "Study Instance UID")
_SOP_CLASS = Code("110181", "SOP Class UID")
_PATIENT_NUMBER = Code("2", "Patient Number", "RFC-3881")
_URI = Code("12", "URI", "RFC-3881")
_NODE_ID = Code("110182", "Node ID")

#: Study Root Query/Retrieve Information Model - FIND (PS3.4 table C.6.2-2): what all our finds are.
_STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"

#: Routes that give what is made for media and files.
_MEDIA = ("/archive", "/media", "/export")

#: (event, its type, what was done: Create, Read, Update, Delete, Execute)
_Kind = tuple[Code, Code | None, str]

_PLAIN: Mapping[str, _Kind] = {
    "start": (_START_STOP, _STARTED, "E"),
    "stop": (_START_STOP, _STOPPED, "E"),
    "login": (_USER, _LOGIN, "E"),
    "login-failed": (_USER, _LOGIN, "E"),
    "logout": (_USER, _LOGOUT, "E"),
    "association-refused": (_ALERT, _NODE, "E"),
    "request": (_ALERT, _RESTRICTED, "E"),
    "audit": (_LOG_USED, None, "R"),
    "control": (_ALERT, _SOFTWARE, "E"),
    "scripts": (_ALERT, _RESTRICTED, "E"),
    "edit": (_ACCESSED, None, "U"),
    "modify": (_ACCESSED, None, "U"),
    "anonymize": (_ACCESSED, None, "R"),
    "query-remote": (_QUERY, None, "E"),
    "send": (_EXPORT, None, "R"),
}

_BY_METHOD = {"POST": "C", "PUT": "U", "DELETE": "D"}


@dataclass(frozen=True, slots=True)
class Source:
    """This server: its title and its name."""

    aet: str
    name: str


def messages_of(source: Source, entries: Iterable[Entry], known: Known) -> Iterator[bytes]:
    """The messages of some entries of the trail, as UTF-8 without a declaration."""
    for entry in entries:
        kind = _kind_of(entry)
        if kind is None:
            continue
        for patient, studies, level in _by_patient(entry, known):
            yield _message(source, entry, _at_level(kind, level), patient, studies)


def _kind_of(entry: Entry) -> _Kind | None:
    event = entry.event
    if event.outcome is Outcome.REFUSED and event.action not in _PLAIN:
        return _ALERT, _RESTRICTED, "E"
    plain = _PLAIN.get(event.action)
    if plain is not None:
        return plain
    method = _BY_METHOD.get(event.method, "R")
    match event.action:
        case "view":
            return (_ACCESSED if entry.subjects else _QUERY, None, "R" if entry.subjects else "E")
        case "download":
            is_media = event.route.endswith(_MEDIA)
            return _EXPORT if is_media else _TRANSFERRED, None, "R"
        case "upload":
            return _IMPORT if event.door == "command" else _TRANSFERRED, None, "C"
        case "delete":
            return _ACCESSED, None, "D"
        case "settings":
            if method == "R":
                return None
            network = event.what.startswith(("/modalities", "/peers"))
            return _ALERT, _NETWORK if network else _SOFTWARE, "E"
        case "account":
            return _ALERT, _USER_SECURITY, "E"
        case "worklists":
            return (_QUERY, None, "E") if method == "R" else (_ORDER, None, method)
        case _:
            return None


def _at_level(kind: _Kind, level: int | None) -> _Kind:
    """What is done to whole studies and patients has messages of its own."""
    code, more, action = kind
    if code is _ACCESSED and action == "D" and level in (0, 1):
        return _STUDY_DELETED, more, action
    if code is _ACCESSED and action == "U" and level == 0:
        return _PATIENT, more, action
    return kind


_Studies = dict[str, int]
"""Identifiers of studies, and how many resources of each."""


def _by_patient(entry: Entry, known: Known) -> Iterator[tuple[str | None, _Studies, int | None]]:
    """(PatientID, studies, highest level) for each patient that an entry is about; once with
    nothing when it is about none."""
    if not entry.subjects:
        yield None, {}, None
        return
    found: dict[str, tuple[_Studies, int]] = {}
    for (level, public_id), given in entry.subjects.items():
        identity = given if given is not None else known.get((level, public_id))
        patient = f"/{LEVELS[level]}/{public_id}" if identity is None else identity.patient_id
        studies, highest = found.get(patient, ({}, level))
        uid = "" if identity is None else identity.study_uid
        if uid and (uid in studies or len(studies) < _MOST_STUDIES):
            studies[uid] = studies.get(uid, 0) + 1
        found[patient] = (studies, min(highest, level))
    for patient, (studies, highest) in found.items():
        yield patient, studies, highest


def _message(
    source: Source, entry: Entry, kind: _Kind, patient: str | None, studies: _Studies
) -> bytes:
    event, (code, more, action) = entry.event, kind
    parts = [
        "<AuditMessage>",
        _open(
            "EventIdentification",
            EventActionCode=action,
            EventDateTime=time_text(entry.time),
            EventOutcomeIndicator=_indicator(event),
        ),
        _code("EventID", code),
        _code("EventTypeCode", more) if more is not None else "",
        _outcome(event),
        "</EventIdentification>",
        *_participants(source, event, code),
        _empty("AuditSourceIdentification", AuditSourceID=source.name or source.aet),
        *_objects(event, code, patient, studies),
        "</AuditMessage>",
    ]
    return "".join(parts).encode("utf-8", "replace")


def _indicator(event: Event) -> str:
    """0 success, 4 minor failure, 8 serious failure (A.5.2.1, EventOutcomeIndicator)."""
    if event.outcome is Outcome.SUCCESS:
        return "0"
    return "4" if event.outcome is Outcome.REFUSED else "8"


def _outcome(event: Event) -> str:
    if event.outcome is Outcome.SUCCESS:
        return ""
    words = f"{event.outcome.value} {event.status or ''} {event.detail}".split()
    return f"<EventOutcomeDescription>{_escaped(' '.join(words))}</EventOutcomeDescription>"


def _participants(source: Source, event: Event, code: Code) -> Iterator[str]:
    ours, theirs = _roles(event, code)
    who = event.who
    user = who.name or event.aet or ("hornburg" if who.kind is Kind.INSIDE else "anonymous")
    attributes = {"UserID": user}
    if event.aet:
        attributes["AlternativeUserID"] = f"AETITLES={event.aet}"
    attributes["UserIsRequestor"] = "true"
    if who.address:
        attributes |= {"NetworkAccessPointID": who.address, "NetworkAccessPointTypeCode": "2"}
    yield _open("ActiveParticipant", **attributes)
    yield _code("RoleIDCode", theirs)
    yield "</ActiveParticipant>"
    yield _open(
        "ActiveParticipant",
        UserID=event.called or source.aet,
        AlternativeUserID=str(os.getpid()),
        UserIsRequestor="false",
    )
    yield _code("RoleIDCode", ours)
    yield "</ActiveParticipant>"
    if code is _EXPORT and event.action == "send" and event.what:
        yield _open("ActiveParticipant", UserID=_named(event.what), UserIsRequestor="false")
        yield _code("RoleIDCode", _DESTINATION)
        yield "</ActiveParticipant>"
    elif code is _IMPORT:
        yield _open("ActiveParticipant", UserID="files", UserIsRequestor="false")
        yield _code("RoleIDCode", _SOURCE_MEDIA)
        yield "</ActiveParticipant>"


def _named(what: str) -> str:
    """The modality or peer of a path such as ``/modalities/pacs/store``."""
    parts = what.split("/")
    return parts[2] if len(parts) > 2 else what


def _roles(event: Event, code: Code) -> tuple[Code, Code]:
    """(ours, theirs)."""
    if code is _START_STOP:
        return _APPLICATION, _LAUNCHER
    if event.action == "upload":
        return _DESTINATION, _SOURCE
    if code is _EXPORT and event.action == "send":
        return _SOURCE, _APPLICATION
    if code in (_TRANSFERRED, _EXPORT):
        return _SOURCE, _DESTINATION
    if code is _QUERY:
        return _DESTINATION, _SOURCE
    return _APPLICATION, _APPLICATION


def _objects(event: Event, code: Code, patient: str | None, studies: _Studies) -> Iterator[str]:
    if code is _QUERY:
        yield _object(_STUDY_ROOT_FIND, "2", "3", _SOP_CLASS, query=event.keys)
    elif code is _ALERT:
        what = event.what or event.route or event.called or event.door
        id_type = _URI if what.startswith("/") else _NODE_ID
        yield _object(what, "2", "13", id_type)
    elif code is _LOG_USED:
        yield _object("/tools/audit-trail", "2", "13", _URI)
    for uid, count in studies.items():
        yield _object(uid, "2", "3", _STUDY_UID, instances=count)
    if patient is None:
        return
    if patient.startswith("/") and not studies:
        # It is gone, or never was: all that is known of it is how it was asked for.
        yield _object(patient, "2", "3", _URI)
    else:
        yield _object(patient or "(none)", "1", "1", _PATIENT_NUMBER)


def _object(
    identifier: str,
    type_code: str,
    role: str,
    id_type: Code,
    *,
    instances: int = 0,
    query: Sequence[str] | None = None,
) -> str:
    inner = _code("ParticipantObjectIDTypeCode", id_type)
    if query is not None:
        names = base64.b64encode("\\".join(query).encode()).decode("ascii")
        inner += f"<ParticipantObjectQuery>{names}</ParticipantObjectQuery>"
    if instances:
        inner += _empty("SOPClass", NumberOfInstances=str(instances))
    start = _open(
        "ParticipantObjectIdentification",
        ParticipantObjectID=identifier,
        ParticipantObjectTypeCode=type_code,
        ParticipantObjectTypeCodeRole=role,
    )
    return f"{start}{inner}</ParticipantObjectIdentification>"


# -- XML --------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    """What XML 1.0 can hold (section 2.2), bounded."""
    short = text[:_LONGEST]
    return "".join(letter if letter.isprintable() else "?" for letter in short)


def _escaped(text: str) -> str:
    return quoteattr(_plain(text), {'"': "&quot;"})[1:-1]


def _start(name: str, attributes: Mapping[str, str]) -> str:
    inner = "".join(f' {key}="{_escaped(value)}"' for key, value in attributes.items())
    return f"<{name}{inner}"


def _open(name: str, **attributes: str) -> str:
    return _start(name, attributes) + ">"


def _empty(name: str, **attributes: str) -> str:
    return _start(name, attributes) + "/>"


def _code(name: str, code: Code) -> str:
    return (
        _start(
            name,
            {"csd-code": code.value, "codeSystemName": code.system, "originalText": code.words},
        )
        + "/>"
    )

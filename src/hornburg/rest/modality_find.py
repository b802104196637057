"""``/modalities/{name}/find…``: queries whose answers are not kept.

All but ``find-worklist`` are deprecated in Orthanc. Which tags they ask for, and what the body
must name, was watched on Orthanc 1.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response, post

from hornburg.archive.query_remote import find, find_worklist
from hornburg.archive.remote import Target
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements
from hornburg.dicom.elements_json import elements_of_json
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.errors import BadRequestError, TooLargeError
from hornburg.rest.answers import raw_json
from hornburg.rest.fields import Fields
from hornburg.rest.requests import archive_of, remote_of
from hornburg.rest.scu import (
    ModalityName,
    boolean,
    elements_field,
    json_of_answers,
    members_of_body,
    target_for,
)
from hornburg.rest.scu_operations import FindWorklistOperation, TagsOperation
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]
_DEPRECATED = "Deprecated in favour of /modalities/{name}/query."

_PATIENT_ID, _ACCESSION = 0x00100020, 0x00080050
_STUDY_UID, _SERIES_UID = 0x0020000D, 0x0020000E

# What is asked for besides the keys of the hierarchy.
_TEMPLATES = {
    Level.PATIENT: ("PatientName", "PatientBirthDate", "PatientSex", "OtherPatientIDs"),
    Level.STUDY: (
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "StudyID",
        "ReferringPhysicianName",
    ),
    Level.SERIES: (
        "SeriesDate",
        "SeriesTime",
        "Modality",
        "SeriesDescription",
        "OperatorsName",
        "BodyPartExamined",
        "ProtocolName",
        "SeriesNumber",
        "PerformedProcedureStepDescription",
    ),
    Level.INSTANCE: ("InstanceCreationDate", "InstanceCreationTime", "InstanceNumber"),
}

#: Studies below all patients of one hierarchical find: each is a C-FIND of its own.
_MOST_STUDIES = 2000

#: A key of fewer characters would ask for half of the archive.
_LEAST_KEY = 3


def _template(request: Asked, level: Level) -> Elements:
    dictionary = archive_of(request).dictionary
    return elements_of_json(dict.fromkeys(_TEMPLATES[level], ""), dictionary)


async def _asked(request: Asked) -> Elements:
    query = _whole(request, await members_of_body(request))
    if any(not isinstance(value.content, str) for value in query.values()):
        raise BadRequestError("Tags are associated with strings")
    return query


def _whole(request: Asked, members: Mapping[str, msgspec.Raw]) -> Elements:
    fields = Fields(members)
    query = {name: fields.get(name) for name in members}
    return elements_of_json(query, archive_of(request).dictionary)


def _has(query: Elements, tag: int) -> bool:
    value = query.get(tag)
    return value is not None and isinstance(value.content, str) and len(value.content) >= _LEAST_KEY


async def _found(request: Asked, target: Target, level: Level, query: Elements) -> list[DataSet]:
    return await find(
        archive_of(request),
        remote_of(request),
        target,
        level,
        {**_template(request, level), **query},
    )


async def _find(request: Asked, name: str, level: Level, *needed: int) -> Response[bytes]:
    target = target_for(request, name, Fields({}))
    query = await _asked(request)
    if level > Level.PATIENT and not (_has(query, _PATIENT_ID) or _has(query, _ACCESSION)):
        raise BadRequestError("PatientID or AccessionNumber is needed, of at least 3 characters")
    if not all(_has(query, tag) for tag in needed):
        raise BadRequestError(
            "The unique identifiers of the levels above are needed: StudyInstanceUID, and for "
            "instances SeriesInstanceUID"
        )
    return raw_json(json_of_answers(await _found(request, target, level, query), "simplify"))


@post(
    "/modalities/{name:str}/find-patient",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Find patients",
    description=_DEPRECATED,
    deprecated=True,
    tags=_TAGS,
    operation_class=TagsOperation,
)
async def find_patient(request: Asked, name: ModalityName) -> Response[bytes]:
    return await _find(request, name, Level.PATIENT)


@post(
    "/modalities/{name:str}/find-study",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Find studies of a patient",
    description=_DEPRECATED,
    deprecated=True,
    tags=_TAGS,
    operation_class=TagsOperation,
)
async def find_study(request: Asked, name: ModalityName) -> Response[bytes]:
    return await _find(request, name, Level.STUDY)


@post(
    "/modalities/{name:str}/find-series",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Find series of a study",
    description=_DEPRECATED,
    deprecated=True,
    tags=_TAGS,
    operation_class=TagsOperation,
)
async def find_series(request: Asked, name: ModalityName) -> Response[bytes]:
    return await _find(request, name, Level.SERIES, _STUDY_UID)


@post(
    "/modalities/{name:str}/find-instance",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Find instances of a series",
    description=_DEPRECATED,
    deprecated=True,
    tags=_TAGS,
    operation_class=TagsOperation,
)
async def find_instance(request: Asked, name: ModalityName) -> Response[bytes]:
    return await _find(request, name, Level.INSTANCE, _STUDY_UID, _SERIES_UID)


@post(
    "/modalities/{name:str}/find",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Find patients with their studies and series",
    description=_DEPRECATED,
    deprecated=True,
    tags=_TAGS,
    operation_class=TagsOperation,
)
async def find_all(request: Asked, name: ModalityName) -> Response[bytes]:
    target = target_for(request, name, Fields({}))
    query = await _asked(request)
    found = []
    room = _MOST_STUDIES
    for patient in await _found(request, target, Level.PATIENT, query):
        of_patient = elements_of_json({"PatientID": patient.text(_PATIENT_ID) or ""})
        studies = []
        for study in await _found(request, target, Level.STUDY, of_patient):
            room -= 1
            if room < 0:
                raise TooLargeError(f"There are more than {_MOST_STUDIES} studies: ask for less")
            of_study = {
                **of_patient,
                **elements_of_json({"StudyInstanceUID": study.text(_STUDY_UID) or ""}),
            }
            series = await _found(request, target, Level.SERIES, of_study)
            studies.append(_with(study, "Series", json_of_answers(series, "simplify")))
        found.append(_with(patient, "Studies", b"[" + b",".join(studies) + b"]"))
    return raw_json(b"[" + b",".join(found) + b"]")


def _with(answer: DataSet, name: str, below: bytes) -> bytes:
    shown = encode(answer, "simplify", max_length=0)
    members = msgspec.json.decode(shown, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**members, name: msgspec.Raw(below)})


@post(
    "/modalities/{name:str}/find-worklist",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Find in the worklist of a modality",
    tags=_TAGS,
    operation_class=FindWorklistOperation,
)
async def worklist(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-FIND of the modality worklist. Sequences are lists of objects.

    A body without Query is the query itself, as clients of old versions of Orthanc send it.
    """
    members = await members_of_body(request)
    fields = Fields(members)
    target = target_for(request, name, fields)
    if "Query" in fields:
        query = elements_field(request, fields)
        form: Form = (
            "short"
            if boolean(fields, "Short")
            else "full"
            if boolean(fields, "Full")
            else "simplify"
        )
    else:
        query = _whole(request, members)
        form = "simplify"
    answers = await find_worklist(archive_of(request), remote_of(request), target, query)
    return raw_json(json_of_answers(answers, form))


ROUTES = (find_patient, find_study, find_series, find_instance, find_all, worklist)

"""``/queries/{id}/retrieve`` and ``/queries/{id}/answers/{n}/retrieve``.

Source: Orthanc Book, users/rest, "Performing Retrieve (C-Move)"; bodies, answers and errors were
watched on Orthanc 1.10.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post

from hornburg.archive.identifiers import wanted_of_answer
from hornburg.archive.jobs.get import GetJob
from hornburg.archive.jobs.move import MoveJob
from hornburg.archive.jobs.retrieving import RetrieveJob, RetrieveRequest, Wanted
from hornburg.archive.queries import StoredQuery
from hornburg.archive.targets import check_title
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.orthanc_json import Form
from hornburg.errors import BadFileFormatError, BadRequestError, ParameterOutOfRangeError
from hornburg.rest.body import read_body
from hornburg.rest.fields import Fields
from hornburg.rest.job_submit import answer_job, job_options
from hornburg.rest.queries import AnswerNumber, QueryId, answer_of, query_of
from hornburg.rest.requests import archive_of
from hornburg.rest.scu import boolean, parsed, timeout_field, tools_of, word
from hornburg.rest.scu_operations import RetrieveOperation
from hornburg.security.principals import Permission
from hornburg.settings import Settings
from hornburg.settings.values import RetrieveMethod

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]

_MOST_BODY = 64 << 10


async def _retrieve(
    request: Asked, query: StoredQuery, answers: tuple[DataSet, ...]
) -> Response[bytes]:
    archive = archive_of(request)
    fields = _fields(await read_body(request, _MOST_BODY))
    options = job_options(fields)
    target = timeout_field(query.target, fields)
    destination = _destination(fields, archive.settings)
    wanted = tuple(
        Wanted(query.level, *wanted_of_answer(query.level, one, query.query)) for one in answers
    )
    for one in wanted:
        one.identifier(archive.runtime.default_encoding)  # says what is missing
    kind: type[RetrieveJob] = MoveJob
    if _method(query, fields, archive.settings) is RetrieveMethod.C_GET:
        kind = GetJob
        archive.refuse_if_read_only()
        if destination not in (target.local_aet, archive.settings.dicom_aet):
            raise BadRequestError(
                "TargetAet: a C-GET brings instances to this server alone; use the RetrieveMethod "
                "C-MOVE for another target"
            )
    wish = RetrieveRequest(target, wanted, destination, options.permissive, _form(fields))
    return await answer_job(request, kind(tools_of(request), wish), options)


def _fields(content: bytes) -> Fields:
    """An object, or the title of the target as it is or as a JSON string."""
    if content.lstrip()[:1] in (b"{", b"[", b'"'):
        body = parsed(content)
        if isinstance(body, str):
            return Fields({"TargetAet": body} if body else {})
        if not isinstance(body, dict):
            raise BadFileFormatError("Must provide a JSON object, or the title of the target")
        return Fields(body)
    title = content.decode("ascii", "replace").strip()
    return Fields({"TargetAet": title} if title else {})


def _destination(fields: Fields, settings: Settings) -> str:
    return check_title("TargetAet", word(fields, "TargetAet", settings.dicom_aet))


def _method(query: StoredQuery, fields: Fields, settings: Settings) -> RetrieveMethod:
    text = word(fields, "RetrieveMethod", "")
    if text not in ("", "SystemDefault"):
        for method in RetrieveMethod:
            if method.value == text:
                return method
        raise ParameterOutOfRangeError("RetrieveMethod: it is C-MOVE or C-GET")
    return query.target.modality.retrieve_method or settings.dicom_default_retrieve_method


def _form(fields: Fields) -> Form:
    if boolean(fields, "Simplify"):
        return "simplify"
    return "full" if boolean(fields, "Full") else "short"


@post(
    "/queries/{query_id:str}/retrieve",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Retrieve all answers of a query",
    tags=_TAGS,
    operation_class=RetrieveOperation,
)
async def retrieve_all(request: Asked, query_id: QueryId) -> Response[bytes]:
    """C-MOVE or C-GET of what was found."""
    query = query_of(request, query_id)
    return await _retrieve(request, query, query.answers)


@post(
    "/queries/{query_id:str}/answers/{number:str}/retrieve",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Retrieve an answer of a query",
    tags=_TAGS,
    operation_class=RetrieveOperation,
)
async def retrieve_one(request: Asked, query_id: QueryId, number: AnswerNumber) -> Response[bytes]:
    """C-MOVE or C-GET of one answer."""
    query, answer = answer_of(request, query_id, number)
    return await _retrieve(request, query, (answer,))


ROUTES = (retrieve_all, retrieve_one)

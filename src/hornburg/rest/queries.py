"""``/modalities/{name}/query`` and ``/queries``: queries whose answers are kept for a while.

Source: Orthanc Book, users/rest, "Performing Query/Retrieve (C-Find) and Find with REST"; bodies,
answers and errors were watched on Orthanc 1.10.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, delete, get, post
from litestar.params import PathParameter, QueryParameter

from hornburg.archive.identifiers import UNIQUE_KEYS, json_of_elements, key_of
from hornburg.archive.queries import StoredQuery
from hornburg.archive.query_remote import find
from hornburg.archive.remote import Target
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import encode
from hornburg.errors import UnknownResourceError
from hornburg.rest.answers import json_answer, raw_json, text_answer
from hornburg.rest.requests import (
    account_seen,
    archive_of,
    flag,
    own_account,
    queries_of,
    remote_of,
)
from hornburg.rest.scu import (
    ModalityName,
    boolean,
    elements_field,
    form_argument,
    json_of_answers,
    level_word,
    number_in_path,
    object_body,
    target_for,
    timeout_field,
)
from hornburg.rest.scu_operations import QueryBelowOperation, QueryOperation
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "AnswerNumber", "QueryId", "answer_of", "query_of"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]

QueryId = Annotated[str, PathParameter(description="Identifier of the query")]
AnswerNumber = Annotated[str, PathParameter(description="Number of the answer, from 0")]
Simplify = Annotated[str | None, QueryParameter(name="simplify", description="Tags by their names")]
Short = Annotated[str | None, QueryParameter(name="short", description="Tags as gggg,eeee alone")]
Expand = Annotated[
    str | None, QueryParameter(name="expand", description="Show the answers, not their numbers")
]


def query_of(request: Asked, query_id: str) -> StoredQuery:
    """A query of who asks; with the permission ``jobs`` anybody's.

    Raises:
        UnknownResourceError: there is no such query, or it is of somebody else.
    """
    return queries_of(request).get(query_id, account_seen(request))


def answer_of(request: Asked, query_id: str, number: str) -> tuple[StoredQuery, DataSet]:
    """A query and one of its answers.

    Raises:
        UnknownResourceError: there is no such query.
        ParameterOutOfRangeError: it has no such answer.
        BadParameterTypeError: the number is none.
    """
    query = query_of(request, query_id)
    return query, query.answer(number_in_path(number))


async def _run(
    request: Asked, target: Target, level: Level, query: Elements, *, normalize: bool = True
) -> Response[bytes]:
    archive = archive_of(request)
    answers = await find(archive, remote_of(request), target, level, query, normalize=normalize)
    stored = StoredQuery(target, level, query, tuple(answers), own_account(request))
    query_id = queries_of(request).add(stored)
    return json_answer({"ID": query_id, "Path": f"/queries/{query_id}"})


@post(
    "/modalities/{name:str}/query",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Query a modality",
    tags=_TAGS,
    operation_class=QueryOperation,
)
async def query_modality(request: Asked, name: ModalityName) -> Response[bytes]:
    """C-FIND; the answers can be asked for and retrieved under /queries."""
    fields = await object_body(request)
    level = level_word(fields)
    query = elements_field(request, fields)
    normalize = boolean(fields, "Normalize", True)
    return await _run(request, target_for(request, name, fields), level, query, normalize=normalize)


@get("/queries", permission=Permission.QUERY_REMOTE, summary="List the queries", tags=_TAGS)
async def list_queries(request: Asked) -> Response[bytes]:
    """The identifiers of the queries that are remembered (QueryRetrieveSize), sorted."""
    return json_answer(queries_of(request).ids(account_seen(request)))


@get(
    "/queries/{query_id:str}",
    permission=Permission.QUERY_REMOTE,
    summary="List what can be asked of a query",
    tags=_TAGS,
)
async def list_query(request: Asked, query_id: QueryId) -> Response[bytes]:
    """The routes below."""
    query_of(request, query_id)
    return json_answer(("answers", "level", "modality", "query", "retrieve"))


@delete(
    "/queries/{query_id:str}",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    media_type="text/plain",
    summary="Forget a query",
    tags=_TAGS,
)
async def delete_query(request: Asked, query_id: QueryId) -> Response[bytes]:
    """One that isn't there is no error."""
    if query_id in queries_of(request).ids(account_seen(request)):
        queries_of(request).remove(query_id)
    return text_answer("")


@get(
    "/queries/{query_id:str}/level",
    permission=Permission.QUERY_REMOTE,
    media_type="text/plain",
    summary="Get the level of a query",
    tags=_TAGS,
)
async def level(request: Asked, query_id: QueryId) -> Response[bytes]:
    """Patient, Study, Series or Instance."""
    return text_answer(query_of(request, query_id).level.word)


@get(
    "/queries/{query_id:str}/modality",
    permission=Permission.QUERY_REMOTE,
    media_type="text/plain",
    summary="Get the modality of a query",
    tags=_TAGS,
)
async def modality(request: Asked, query_id: QueryId) -> Response[bytes]:
    """Its symbolic name."""
    return text_answer(query_of(request, query_id).target.name)


@get(
    "/queries/{query_id:str}/query",
    permission=Permission.QUERY_REMOTE,
    summary="Get a query",
    tags=_TAGS,
)
async def original(
    request: Asked, query_id: QueryId, simplify: Simplify = None, short: Short = None
) -> Response[bytes]:
    """What the user asked for."""
    query = query_of(request, query_id).query
    dictionary = archive_of(request).dictionary
    return json_answer(json_of_elements(query, dictionary, form_argument(request)))


@get(
    "/queries/{query_id:str}/answers",
    permission=Permission.QUERY_REMOTE,
    summary="List the answers of a query",
    tags=_TAGS,
)
async def list_answers(
    request: Asked,
    query_id: QueryId,
    expand: Expand = None,
    simplify: Simplify = None,
    short: Short = None,
) -> Response[bytes]:
    """Their numbers, or what they hold."""
    answers = query_of(request, query_id).answers
    if flag(request, "expand"):
        form = form_argument(request)
        return raw_json(await archive_of(request).work(json_of_answers, answers, form))
    return json_answer([str(number) for number in range(len(answers))])


@get(
    "/queries/{query_id:str}/answers/{number:str}",
    permission=Permission.QUERY_REMOTE,
    summary="List what can be asked of an answer",
    tags=_TAGS,
)
async def list_answer(request: Asked, query_id: QueryId, number: AnswerNumber) -> Response[bytes]:
    """The routes below."""
    query, _ = answer_of(request, query_id, number)
    below = [f"query-{one.plural}" for one in Level if one > query.level]
    return json_answer(["content", "retrieve", *below])


@get(
    "/queries/{query_id:str}/answers/{number:str}/content",
    permission=Permission.QUERY_REMOTE,
    summary="Get an answer",
    tags=_TAGS,
)
async def content(
    request: Asked,
    query_id: QueryId,
    number: AnswerNumber,
    simplify: Simplify = None,
    short: Short = None,
) -> Response[bytes]:
    """Its tags."""
    _, answer = answer_of(request, query_id, number)
    return raw_json(encode(answer, form_argument(request), max_length=0))


async def _below(request: Asked, query_id: str, number: str, wanted: Level) -> Response[bytes]:
    query, answer = answer_of(request, query_id, number)
    if wanted <= query.level:
        raise UnknownResourceError(
            f"There are no {wanted.plural} below an answer at the level {query.level.word}"
        )
    fields = await object_body(request)
    asked = elements_field(request, fields)
    for above in Level:
        if above > query.level or (above is Level.PATIENT and query.level > Level.PATIENT):
            continue
        tag = UNIQUE_KEYS[above]
        vr = "LO" if above is Level.PATIENT else "UI"
        asked[tag] = Value(vr, key_of(answer, tag, query.query))
    return await _run(request, timeout_field(query.target, fields), wanted, asked)


@post(
    "/queries/{query_id:str}/answers/{number:str}/query-studies",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Query the studies of an answer",
    tags=_TAGS,
    operation_class=QueryBelowOperation,
)
async def query_studies(request: Asked, query_id: QueryId, number: AnswerNumber) -> Response[bytes]:
    """C-FIND below a patient."""
    return await _below(request, query_id, number, Level.STUDY)


@post(
    "/queries/{query_id:str}/answers/{number:str}/query-series",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Query the series of an answer",
    tags=_TAGS,
    operation_class=QueryBelowOperation,
)
async def query_series(request: Asked, query_id: QueryId, number: AnswerNumber) -> Response[bytes]:
    """C-FIND below a patient or study."""
    return await _below(request, query_id, number, Level.SERIES)


@post(
    "/queries/{query_id:str}/answers/{number:str}/query-instances",
    permission=Permission.QUERY_REMOTE,
    status_code=200,
    summary="Query the instances of an answer",
    tags=_TAGS,
    operation_class=QueryBelowOperation,
)
async def query_instances(
    request: Asked, query_id: QueryId, number: AnswerNumber
) -> Response[bytes]:
    """C-FIND below a patient, study or series."""
    return await _below(request, query_id, number, Level.INSTANCE)


ROUTES = (
    query_modality,
    list_queries,
    list_query,
    delete_query,
    level,
    modality,
    original,
    list_answers,
    list_answer,
    content,
    query_studies,
    query_series,
    query_instances,
)

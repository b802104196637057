"""``/tools/find`` and ``/tools/count-resources``.

Source: Orthanc Book, users/rest, "Finding resources within Orthanc"; the members of the body are
those of Orthanc 1.12.11.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import ResponseHeader

from hornburg.archive.find import count, find, find_ids
from hornburg.archive.search import Order, Search
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form
from hornburg.errors import BadRequestError, ParameterOutOfRangeError
from hornburg.rest.answers import json_answer
from hornburg.rest.fields import Fields, read_fields
from hornburg.rest.operations import CountOperation, FindOperation
from hornburg.rest.requests import archive_of
from hornburg.rest.resource_json import USUAL, ResourceWriter, contents_of
from hornburg.rest.resources import found_answer
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "form_of", "level_field"]

Asked = Request[Any, Any, Any]

_DIRECTIONS = {"ASC": False, "DESC": True}
_KINDS = {"dicomtag": "DicomTag", "metadata": "Metadata"}
_PARENTS = (Level.PATIENT, Level.STUDY, Level.SERIES)


def level_field(fields: Fields, name: str = "Level") -> Level:
    """A member that names a level, in any case, singular or plural."""
    word = fields.text(name)
    # PS3.4 C.6.1.1 calls the instances IMAGE, and so may clients of Orthanc.
    word = {"image": "instance", "images": "instance"}.get(word.lower(), word)
    try:
        return Level.from_word(word)
    except ValueError:
        raise ParameterOutOfRangeError(
            f"{name}: {word[:64]!r} is none of Patient, Study, Series, Instance"
        ) from None


def form_of(fields: Fields) -> Form:
    """``Short`` and ``Full``; of both, Orthanc takes the former."""
    short, full = fields.form_flag("Short"), fields.form_flag("Full")
    return "short" if short else "full" if full else "simplify"


def _ancestor(fields: Fields) -> tuple[Level, str] | None:
    given = [level for level in _PARENTS if f"Parent{level.word}" in fields]
    if len(given) > 1:
        raise BadRequestError("Only one of ParentPatient, ParentStudy and ParentSeries can be used")
    return (given[0], fields.text(f"Parent{given[0].word}")) if given else None


def _order(fields: Fields) -> Order:
    kind = _KINDS.get(fields.text("Type").lower())
    if kind is None:
        raise ParameterOutOfRangeError("OrderBy: the Type is DicomTag or Metadata")
    descending = _DIRECTIONS.get(fields.text("Direction", "ASC").upper())
    if descending is None:
        raise ParameterOutOfRangeError("OrderBy: the Direction is ASC or DESC")
    return Order(kind, fields.text("Key"), descending)


def _search(fields: Fields) -> Search:
    """What both routes understand."""
    return Search(
        level_field(fields),
        fields.mapping("Query", "Tag", required=True),
        fields.boolean("CaseSensitive") if "CaseSensitive" in fields else None,
        fields.texts("Labels"),
        fields.text("LabelsConstraint", "All"),
        fields.mapping("MetadataQuery", "Metadata"),
        _ancestor(fields),
        form=form_of(fields),
    )


@post(
    "/tools/find",
    permission=Permission.VIEW,
    status_code=200,
    summary="Find resources",
    operation_class=FindOperation,
    response_headers=[
        ResponseHeader(
            name="Warning",
            description="Present when LimitFindResults or LimitFindInstances left something out",
            documentation_only=True,
        )
    ],
)
async def find_resources(request: Asked) -> Response[bytes]:
    """Look for patients, studies, series or instances by their tags, labels and metadata.

    Texts are compared without case and accents; ``*`` and ``?`` are wildcards, a backslash
    separates the values of a list, and ``a-b``, ``a-`` and ``-b`` are ranges of dates and times.
    """
    archive = archive_of(request)
    fields = await read_fields(request)
    common = _search(fields)
    search = Search(
        common.level,
        common.tags,
        common.case_sensitive,
        common.labels,
        common.labels_constraint,
        common.metadata,
        common.ancestor,
        tuple(_order(one) for one in fields.objects("OrderBy")),
        fields.number("Since"),
        fields.number("Limit"),
        fields.texts("RequestedTags"),
        common.form,
    )
    contents = contents_of(fields.texts("ResponseContent")) if "ResponseContent" in fields else None
    expand = fields.boolean("Expand", numbers=True)
    if contents is None and not expand:
        return found_answer(archive, search.level, await find_ids(archive, search))
    write = ResourceWriter(archive, search.form, USUAL if contents is None else contents)
    return found_answer(archive, search.level, await find(archive, search, write))


@post(
    "/tools/count-resources",
    permission=Permission.VIEW,
    status_code=200,
    summary="Count resources",
    operation_class=CountOperation,
)
async def count_resources(request: Asked) -> Response[bytes]:
    """How many resources ``/tools/find`` would find."""
    search = _search(await read_fields(request))
    return json_answer({"Count": await count(archive_of(request), search)})


ROUTES = (find_resources, count_resources)

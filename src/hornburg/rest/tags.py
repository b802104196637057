"""Tags as Orthanc's JSON: of an instance, shared by the instances of a resource, of all of them.

Source: Orthanc Book, users/rest, and Orthanc's OpenAPI. The forms are those of
:mod:`hornburg.dicom.orthanc_json`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse

from hornburg.archive.parts import Archive
from hornburg.archive.read import dicom_of, look_into
from hornburg.archive.shared import first_dicom, locations, shared_tags
from hornburg.dicom.levels import Level
from hornburg.dicom.modules import MODULE_TAGS
from hornburg.dicom.orthanc_json import Form, encode
from hornburg.dicom.reader import DicomFile
from hornburg.errors import InexistentItemError
from hornburg.index.base import Attachment
from hornburg.rest.answers import JSON
from hornburg.rest.files import Answer, StreamAnswer
from hornburg.rest.paths import ABOVE_INSTANCES, PublicId, at_levels
from hornburg.rest.requests import archive_of, flag, level_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "IgnoreLength", "Short", "Simplify", "form_of"]

Asked = Request[Any, Any, Any]
_HEADERS = [(b"content-type", JSON.encode())]

#: Names in one ``ignore-length``; a data set has some hundred tags.
_MOST_NAMES = 1000

_PIXEL_DATA = 0x7FE00010

Short = Annotated[str | None, QueryParameter(name="short", description="Only values, by tag")]
Simplify = Annotated[
    str | None, QueryParameter(name="simplify", description="Only values, by name")
]
IgnoreLength = Annotated[
    str | None,
    QueryParameter(name="ignore-length", description="Tags that are shown however long they are"),
]
Whole = Annotated[
    str | None,
    QueryParameter(name="whole", description="'false' leaves out what comes after the pixel data"),
]


def form_of(request: Asked) -> Form:
    """The form that the arguments ask for; ``simplify`` wins, as in Orthanc."""
    if not request.scope["query_string"]:
        return "full"
    if flag(request, "simplify"):
        return "simplify"
    return "short" if flag(request, "short") else "full"


def _ignored_lengths(request: Asked, archive: Archive) -> Collection[int]:
    """The tags of ``ignore-length``, joined by commas, and in several arguments.

    A tag as ``gggg,eeee`` would be cut at its comma, so that form is put together again.

    Raises:
        InexistentItemError: one is no tag.
    """
    if not request.scope["query_string"]:
        return ()
    tags = set()
    for value in request.query_params.getall("ignore-length", []):
        names = value.split(",", _MOST_NAMES)
        while names:
            name = names.pop(0)
            tag = archive.dictionary.tag(name)
            if tag is None and names:
                tag = archive.dictionary.tag(f"{name},{names[0]}")
                if tag is not None:
                    names.pop(0)
            if tag is None:
                raise InexistentItemError(f"{name[:64]!r} in ignore-length is no DICOM tag")
            tags.add(tag)
    return tags


def _encoder(request: Asked, archive: Archive, only: Collection[int] | None = None) -> Any:
    form, lengths = form_of(request), _ignored_lengths(request, archive)
    return lambda file: encode(file, form, ignore_length=lengths, only=only)


@get(
    "/instances/{public_id:str}/tags",
    permission=Permission.VIEW,
    summary="The tags of an instance",
    tags=["Instances"],
)
async def get_tags(
    request: Asked,
    public_id: PublicId,
    short: Short = None,
    simplify: Simplify = None,
    ignore_length: IgnoreLength = None,
    whole: Whole = None,
) -> ASGIResponse:
    """All tags of the data set: those of the meta header are in ``/header``. Binary values and,
    unless ``ignore-length`` names them, values of more than 256 bytes are null."""
    archive = archive_of(request)
    attachment = await dicom_of(archive, public_id)
    return await _tags(request, archive, attachment, form_of(request))


@get(
    "/instances/{public_id:str}/simplified-tags",
    permission=Permission.VIEW,
    summary="The tags of an instance, by name",
    tags=["Instances"],
)
async def get_simplified_tags(
    request: Asked, public_id: PublicId, ignore_length: IgnoreLength = None, whole: Whole = None
) -> ASGIResponse:
    """The same as ``/tags?simplify``."""
    archive = archive_of(request)
    attachment = await dicom_of(archive, public_id)
    return await _tags(request, archive, attachment, "simplify")


async def _tags(
    request: Asked, archive: Archive, attachment: Attachment, form: Form
) -> ASGIResponse:
    lengths: Collection[int] = ()
    cut = False
    if request.scope["query_string"]:
        lengths = _ignored_lengths(request, archive)
        cut = "whole" in request.query_params and not flag(request, "whole")

    def work(file: DicomFile) -> bytes:
        only = [tag for tag in file.dataset.entries if tag <= _PIXEL_DATA] if cut else None
        return encode(file, form, ignore_length=lengths, only=only)

    if lengths or cut:
        return Answer(await look_into(archive, attachment, work), _HEADERS)
    kind = f"{form} {archive.runtime.default_encoding}"
    kept = archive.cache.get((attachment.uuid, kind))
    if kept is not None:
        return Answer(kept, _HEADERS)
    body = await look_into(archive, attachment, work)
    archive.cache.put((attachment.uuid, kind), body)
    return Answer(body, _HEADERS)


@get(
    at_levels("/module"),
    permission=Permission.VIEW,
    summary="The module of a resource",
    tags=["Tags"],
)
async def get_module(
    request: Asked,
    public_id: PublicId,
    short: Short = None,
    simplify: Simplify = None,
    ignore_length: IgnoreLength = None,
) -> ASGIResponse:
    """The tags of the Patient, General Study, General Series or SOP Common module, as one of the
    instances has them."""
    level = level_of(request)
    return await _module(request, level, public_id, level)


@get(
    "/studies/{public_id:str}/module-patient",
    permission=Permission.VIEW,
    summary="The patient of a study",
    tags=["Tags"],
)
async def get_patient_module(
    request: Asked,
    public_id: PublicId,
    short: Short = None,
    simplify: Simplify = None,
    ignore_length: IgnoreLength = None,
) -> ASGIResponse:
    """The tags of the Patient module, as one of the study's instances has them."""
    return await _module(request, Level.STUDY, public_id, Level.PATIENT)


async def _module(request: Asked, level: Level, public_id: str, of: Level) -> ASGIResponse:
    archive = archive_of(request)
    encoder = _encoder(request, archive, MODULE_TAGS[of])
    attachment = await first_dicom(archive, level, public_id)
    return Answer(await look_into(archive, attachment, encoder), _HEADERS)


@get(
    at_levels("/shared-tags", ABOVE_INSTANCES),
    permission=Permission.VIEW,
    summary="The shared tags",
    tags=["Tags"],
)
async def get_shared_tags(
    request: Asked, public_id: PublicId, short: Short = None, simplify: Simplify = None
) -> ASGIResponse:
    """The texts that are the same in all instances of a resource."""
    archive, level = archive_of(request), level_of(request)
    body = await shared_tags(archive, level, public_id, form_of(request))
    return Answer(body, _HEADERS)


@get(
    at_levels("/instances-tags", ABOVE_INSTANCES),
    permission=Permission.VIEW,
    summary="The tags of all instances",
    tags=["Tags"],
)
async def get_instances_tags(
    request: Asked,
    public_id: PublicId,
    short: Short = None,
    simplify: Simplify = None,
    ignore_length: IgnoreLength = None,
) -> ASGIResponse:
    """The tags of each instance of a resource, by the identifier of the instance."""
    archive, level = archive_of(request), level_of(request)
    encoder = _encoder(request, archive)
    found = await locations(archive, level, public_id)
    rest = _instances_tags(archive, found, encoder)
    # The first instance is read before the answer begins, so that its damage is told.
    return StreamAnswer(await anext(rest), rest, _HEADERS)


async def _instances_tags(
    archive: Archive, found: list[tuple[str, Attachment]], encoder: Any
) -> AsyncIterator[bytes]:
    separator = b'{"'
    for identifier, attachment in found:
        tags = await look_into(archive, attachment, encoder)
        yield separator + identifier.encode() + b'":' + tags
        separator = b',"'
    yield b"}"


ROUTES = (
    get_tags,
    get_simplified_tags,
    get_module,
    get_patient_module,
    get_shared_tags,
    get_instances_tags,
)

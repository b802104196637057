"""``/instances/{id}/file``, ``/header`` and ``/content``: the stored file and its raw parts."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from litestar import Request, get
from litestar.params import PathParameter, QueryParameter
from litestar.response.base import ASGIResponse

from hornburg.archive.parts import Archive
from hornburg.archive.read import PIECE, dicom_of, look_into, pieces
from hornburg.archive.revisions import Revision
from hornburg.dicom import dicom_json
from hornburg.dicom.content import Listing, content
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import encode_header
from hornburg.dicom.reader import DicomFile
from hornburg.errors import NotAcceptableError
from hornburg.index.base import Attachment
from hornburg.rest.answers import JSON
from hornburg.rest.disposition import OCTETS
from hornburg.rest.files import Answer, PiecesAnswer, attachment_answer, file_name, unchanged
from hornburg.rest.paths import IfNoneMatch, IfRange, PublicId, Range
from hornburg.rest.requests import archive_of
from hornburg.rest.revisions import etag, is_unchanged
from hornburg.rest.tags import Short, Simplify, form_of
from hornburg.rest.transcoded import refuse_if_impossible, transcoded_answer
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
Path = Annotated[str, PathParameter(description="Tags and item numbers, joined by slashes")]

_DICOM = "application/dicom"
_DICOM_JSON = "application/dicom+json"
_DICOM_XML = "application/dicom+xml"
_JSON_HEADERS = [(b"content-type", JSON.encode())]
_OCTETS_HEADERS = [(b"content-type", OCTETS.encode())]


@get(
    "/instances/{public_id:str}/file",
    permission=Permission.DOWNLOAD,
    summary="Download a DICOM file",
    media_type=_DICOM,
    tags=["Instances"],
    opt={"as_it_is": True},
)
async def get_file(
    request: Asked,
    public_id: PublicId,
    filename: Annotated[
        str | None, QueryParameter(name="filename", description="Name under which it is saved")
    ] = None,
    transcode: Annotated[
        str | None,
        QueryParameter(
            name="transcode", description="UID of the transfer syntax that the file is changed to"
        ),
    ] = None,
    lossy_quality: Annotated[
        int | None,
        QueryParameter(
            name="lossy-quality",
            description="From 1 to 100, when that transfer syntax loses something; else that of "
            "the option DicomLossyTranscodingQuality",
        ),
    ] = None,
    range_: Range = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> ASGIResponse:
    """The file as it was received, or a range of it, or whole in another transfer syntax; with
    ``Accept: application/dicom+json`` the data set in the DICOM JSON Model (PS3.18 annex F)."""
    archive = archive_of(request)
    attachment = await dicom_of(archive, public_id)
    refuse_if_impossible(transcode, lossy_quality)
    accept = request.headers.get("accept", "*/*")
    if accept != "*/*" and _preferred(accept) == _DICOM_JSON:
        return await _dicom_json(request, archive, attachment)
    name = file_name(request, f"{attachment.uuid}.dcm")
    if transcode is not None and transcode != await _syntax_of(archive, public_id):
        return await transcoded_answer(request, attachment, transcode, lossy_quality, name)
    return await attachment_answer(request, archive, attachment, mime=_DICOM, name=name)


async def _syntax_of(archive: Archive, public_id: str) -> str:
    """The transfer syntax of an instance as the index knows it; empty when it doesn't."""
    metadata = await archive.index.look(
        lambda reader: reader.metadata(Level.INSTANCE, public_id) or {}
    )
    there = metadata.get("TransferSyntax")
    return there.value if there is not None else ""


def _preferred(accept: str) -> str:
    """The form that the client likes best (RFC 9110, 12.5.1); like Orthanc, the file when it
    names none that we have.

    Raises:
        NotAcceptableError: it wants nothing but DICOM XML.
    """
    best, best_quality, only_xml = _DICOM, 0.0, True
    for part in accept.split(",")[:64]:
        kind, *parameters = (field.strip().lower() for field in part.split(";"))
        only_xml = only_xml and kind == _DICOM_XML
        quality = _quality(parameters)
        if quality <= best_quality:
            continue
        if kind == _DICOM_JSON:
            best, best_quality = _DICOM_JSON, quality
        elif kind in (_DICOM, "*/*", "application/*", OCTETS):
            best, best_quality = _DICOM, quality
    if only_xml:
        raise NotAcceptableError(f"Available are {_DICOM} and {_DICOM_JSON}")
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


async def _dicom_json(request: Asked, archive: Archive, attachment: Attachment) -> ASGIResponse:
    revision = Revision.of_attachment(attachment)
    # Other bytes than the file, so another tag (RFC 9110, 8.8.3.3).
    tag = etag(revision).removesuffix('"') + '-json"'
    if is_unchanged(request, tag):
        return unchanged(tag)
    body = await look_into(archive, attachment, dicom_json.encode)
    headers = [
        (b"content-type", _DICOM_JSON.encode()),
        (b"etag", tag.encode()),
        (b"vary", b"Accept"),
    ]
    return Answer(body, headers)


@get(
    "/instances/{public_id:str}/header",
    permission=Permission.VIEW,
    summary="The meta header",
    tags=["Instances"],
)
async def get_header(
    request: Asked, public_id: PublicId, short: Short = None, simplify: Simplify = None
) -> ASGIResponse:
    """The File Meta Information (PS3.10 section 7.1) of an instance."""
    archive = archive_of(request)
    attachment = await dicom_of(archive, public_id)
    form = form_of(request)
    body = await look_into(archive, attachment, lambda file: encode_header(file, form))
    return Answer(body, _JSON_HEADERS)


class _Place(NamedTuple):
    """A value inside the stored file."""

    start: int
    end: int


def _look(file: DicomFile, path: str) -> Listing | _Place | bytes:
    found = content(file, path)
    if isinstance(found, Listing):
        return found
    inside = found.buffer is file.dataset.buffer and not file.deflated
    if inside and found.length > PIECE:
        return _Place(found.offset, found.offset + found.length)
    with found.view() as view:
        return bytes(view)


@get(
    ["/instances/{public_id:str}/content", "/instances/{public_id:str}/content/{path:path}"],
    permission=Permission.DOWNLOAD,
    summary="Raw content of a tag",
    media_type=OCTETS,
    tags=["Instances"],
)
async def get_content(request: Asked, public_id: PublicId, path: Path = "") -> ASGIResponse:
    """The value at a path of tags and item numbers, such as ``/0008-1140/0/0008-1150``, as it is
    in the file; for a data set, a sequence or pixel data, the list of what is below."""
    archive = archive_of(request)
    attachment = await dicom_of(archive, public_id)
    found = await look_into(archive, attachment, lambda file: _look(file, str(path)))
    if isinstance(found, Listing):
        return Answer(_names(found), _JSON_HEADERS)
    if isinstance(found, bytes):
        return Answer(found, _OCTETS_HEADERS)
    return PiecesAnswer(await pieces(archive, attachment, found.start, found.end), _OCTETS_HEADERS)


def _names(listing: Listing) -> bytes:
    # Names are digits and dashes: nothing to escape.
    return b"[" + ",".join([f'"{name}"' for name in listing.names]).encode() + b"]"


ROUTES = (get_file, get_header, get_content)

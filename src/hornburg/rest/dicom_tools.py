"""``/tools`` of the DICOM network: a test without a known modality, and what C-STORE accepts.

Bodies, answers and errors were watched on Orthanc 1.10.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post, put

from hornburg.archive.modalities import modality_of_json
from hornburg.archive.query_remote import check
from hornburg.archive.targets import target_of
from hornburg.errors import BadFileFormatError
from hornburg.rest.answers import done, json_answer, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.conformance import statement
from hornburg.rest.fields import Fields
from hornburg.rest.modalities import decoded
from hornburg.rest.requests import accepted_of, archive_of, remote_of
from hornburg.rest.scu import boolean, parsed
from hornburg.rest.scu_operations import ModalityOperation
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["System"]

_MOST_MODALITY = 64 << 10
_MOST_SYNTAXES = 128 << 10

_SWITCHES = {"1": True, "true": True, "0": False, "false": False}


@post(
    "/tools/dicom-echo",
    permission=Permission.SETTINGS,
    status_code=200,
    summary="Test an application entity",
    tags=["Networking"],
    operation_class=ModalityOperation,
)
async def dicom_echo(request: Asked) -> Response[bytes]:
    """C-ECHO to a modality that the body describes; with CheckFind a C-FIND too."""
    archive = archive_of(request)
    body = decoded(await read_body(request, _MOST_MODALITY))
    with_find = archive.settings.dicom_echo_checks_find
    if isinstance(body, dict):
        with_find = boolean(Fields(body), "CheckFind", with_find)
        body = {name: value for name, value in body.items() if name != "CheckFind"}
    target = target_of(archive.settings, "", modality_of_json(body))
    await check(archive, remote_of(request), target, with_find=with_find)
    return done()


@get(
    "/tools/dicom-conformance",
    permission=Permission.ANYONE,
    media_type="text/plain",
    summary="Get the DICOM conformance statement",
    tags=_TAGS,
)
async def conformance(request: Asked) -> Response[bytes]:
    """Which SOP classes and transfer syntaxes are supported, as a text (PS3.2)."""
    return text_answer(statement(accepted_of(request)))


@get(
    "/tools/accepted-transfer-syntaxes",
    permission=Permission.SETTINGS,
    summary="List accepted transfer syntaxes",
    tags=_TAGS,
)
async def accepted_syntaxes(request: Asked) -> Response[bytes]:
    """Those that C-STORE accepts."""
    return json_answer(accepted_of(request).syntaxes())


@put(
    "/tools/accepted-transfer-syntaxes",
    permission=Permission.SETTINGS,
    status_code=200,
    summary="Change the accepted transfer syntaxes",
    tags=_TAGS,
)
async def set_accepted_syntaxes(request: Asked) -> Response[bytes]:
    """A JSON array of UIDs, or one UID as it is; * and ? stand for any characters.

    What matches no transfer syntax is refused; an empty array accepts none. A restart brings the
    configuration back.
    """
    content = await read_body(request, _MOST_SYNTAXES)
    accepted = accepted_of(request)
    accepted.set_syntaxes(_patterns(content))
    return json_answer(accepted.syntaxes())


def _patterns(content: bytes) -> list[str]:
    if content.lstrip()[:1] in (b"[", b"{", b'"'):
        body = parsed(content)
        if isinstance(body, dict):
            raise BadFileFormatError("A JSON array of transfer syntaxes is needed")
        return [body] if isinstance(body, str) else list(body)
    text = content.decode("ascii", "replace").strip()
    if not text:
        raise BadFileFormatError("A JSON array of transfer syntaxes is needed")
    return [text]


@get(
    "/tools/unknown-sop-class-accepted",
    permission=Permission.SETTINGS,
    media_type="text/plain",
    summary="Tell whether unknown SOP classes are accepted",
    tags=_TAGS,
)
async def unknown_accepted(request: Asked) -> Response[bytes]:
    """1 or 0."""
    return text_answer("1" if accepted_of(request).unknown_classes else "0")


@put(
    "/tools/unknown-sop-class-accepted",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Change whether unknown SOP classes are accepted",
    tags=_TAGS,
)
async def set_unknown_accepted(request: Asked) -> Response[bytes]:
    """1 or 0. A restart brings the configuration back."""
    text = (await read_body(request, 64)).decode("ascii", "replace").strip().lower()
    if text not in _SWITCHES:
        raise BadFileFormatError("Boolean value expected: 1 or 0")
    accepted_of(request).unknown_classes = _SWITCHES[text]
    return text_answer("")


@get(
    "/tools/accepted-sop-classes",
    permission=Permission.SETTINGS,
    summary="List accepted SOP classes",
    tags=_TAGS,
)
async def accepted_classes(request: Asked) -> Response[bytes]:
    """Those that C-STORE accepts."""
    return json_answer(accepted_of(request).storage_classes())


ROUTES = (
    dicom_echo,
    conformance,
    accepted_syntaxes,
    set_accepted_syntaxes,
    unknown_accepted,
    set_unknown_accepted,
    accepted_classes,
)

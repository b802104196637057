"""The small ``/tools``: times, identifiers, the default encoding, stop and start."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

from litestar import Request, Response, get, post, put
from litestar.params import QueryParameter

from hornburg.archive.parts import stamp
from hornburg.dicom.uids import generate_uid
from hornburg.errors import ParameterOutOfRangeError
from hornburg.rest.answers import done, json_answer, text_answer
from hornburg.rest.body import read_body
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission
from hornburg.settings import ENCODINGS

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]

_ENCODINGS = {name.lower(): name for name in ENCODINGS}


@get("/tools/now", permission=Permission.ANYONE, media_type="text/plain", summary="The time in UTC")
async def now(request: Asked) -> Response[bytes]:
    """As ``20200131T235959``."""
    return text_answer(stamp(archive_of(request).clock()))


@get(
    "/tools/now-local",
    permission=Permission.ANYONE,
    media_type="text/plain",
    summary="The local time",
)
async def now_local(request: Asked) -> Response[bytes]:
    """As ``20200131T235959``, in the time zone of the server."""
    moment = time.localtime(archive_of(request).clock())
    return text_answer(time.strftime("%Y%m%dT%H%M%S", moment))


@get(
    "/tools/generate-uid",
    permission=Permission.ANYONE,
    media_type="text/plain",
    summary="Make an identifier",
)
async def uid(
    level: Annotated[
        str, QueryParameter(name="level", description="patient, study, series or instance")
    ] = "",
) -> Response[bytes]:
    """A DICOM UID; for a patient a UUID."""
    if level == "patient":
        return text_answer(str(uuid.uuid4()))
    if level not in ("study", "series", "instance"):
        raise ParameterOutOfRangeError("level must be patient, study, series or instance")
    return text_answer(generate_uid())


@get(
    "/tools/default-encoding",
    permission=Permission.SETTINGS,
    media_type="text/plain",
    summary="The default character set",
)
async def default_encoding(request: Asked) -> Response[bytes]:
    """The character set of files that name none."""
    return text_answer(archive_of(request).runtime.default_encoding)


@put(
    "/tools/default-encoding",
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Change the default character set",
)
async def set_default_encoding(request: Asked) -> Response[bytes]:
    """Until the server stops; the configuration is not changed."""
    word = (await read_body(request, 1024)).decode("ascii", "replace")
    name = _ENCODINGS.get(word.lower())
    if name is None:
        raise ParameterOutOfRangeError(f"Allowed is one of {', '.join(ENCODINGS)}")
    archive_of(request).runtime.default_encoding = name
    return text_answer(name)


@post("/tools/shutdown", permission=Permission.CONTROL, status_code=200, summary="Stop the server")
async def shutdown(request: Asked) -> Response[bytes]:
    """Finish what runs, then end the process."""
    request.app.state.control.shut_down()
    return done()


@post(
    "/tools/reset", permission=Permission.CONTROL, status_code=200, summary="Start the server anew"
)
async def reset(request: Asked) -> Response[bytes]:
    """Finish what runs, read the configuration again, and start."""
    request.app.state.control.reset()
    return done()


@get("/tools", permission=Permission.ANYONE, summary="The tools there are")
async def tools(request: Asked) -> Response[bytes]:
    """The names of all routes below ``/tools``."""
    names = {
        route.path.split("/")[2] for route in request.app.routes if route.path.startswith("/tools/")
    }
    return json_answer(sorted(names))


ROUTES = (
    now,
    now_local,
    uid,
    default_encoding,
    set_default_encoding,
    shutdown,
    reset,
    tools,
)

"""``/tools/execute-script``: run a script of Lua on the server.

Source: Orthanc Book, users/lua, "Installing a Lua script"; answers were watched on Orthanc 1.10.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from litestar import Request, Response, post

from hornburg.errors import ForbiddenError
from hornburg.rest.answers import text_answer
from hornburg.rest.body import read_body
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "Scripts"]

#: Bytes of one script.
_MOST_SOURCE = 1 << 20


class Scripts(Protocol):
    """What runs scripts; the composition root puts it into the state as ``scripts``."""

    async def execute(self, source: bytes) -> str:
        """Run a script; answers what it prints.

        Raises:
            HornburgError: it fails, or takes too long.
        """
        ...


@post(
    "/tools/execute-script",
    permission=Permission.SCRIPTS,
    status_code=200,
    media_type="text/plain",
    summary="Run a Lua script",
    tags=["System"],
)
async def execute_script(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The body is the script; the answer is what it prints. What it defines stays defined until
    the server stops.

    Raises:
        ForbiddenError: ``ExecuteLuaEnabled`` is false.
    """
    scripts = cast("Scripts | None", getattr(request.app.state, "scripts", None))
    if scripts is None:
        raise ForbiddenError(
            "This server runs no scripts that it is sent; the option ExecuteLuaEnabled allows it"
        )
    return text_answer(await scripts.execute(await read_body(request, _MOST_SOURCE)))


ROUTES = (execute_script,)

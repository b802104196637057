"""``/login/openid``: logging in by an OpenID Connect provider."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any, cast

from litestar import Request, Response, get
from litestar.params import QueryParameter

from hornburg.errors import UnknownResourceError
from hornburg.rest.cookies import cookie, cookie_name, value_of
from hornburg.security.openid_login import OpenIdLogin
from hornburg.security.principals import Permission
from hornburg.security.sessions import Sessions

__all__ = ["CALLBACK", "ROUTES", "own_path"]

Asked = Request[Any, Any, Any]

CALLBACK = "/login/openid/callback"

_COOKIE = "hornburg-openid"
_MINUTES = 600

# The browser comes from the provider's site, so a redirect would not bring our strict cookie along
# (RFC 6265bis 5.2); a page of ours that leads on does.
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Logged in</title>
<meta http-equiv="refresh" content="0;url={path}">
<p><a href="{path}">Go on</a></p></html>
"""

_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


def own_path(path: str | None) -> str:
    """A path of this server, whatever was asked for: never another host, never a script."""
    if path is None or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    return path if len(path) <= 1024 and path.isascii() and path.isprintable() else "/"


def _login_of(request: Asked) -> OpenIdLogin:
    login = request.app.state.get("openid")
    if login is None:
        raise UnknownResourceError("There is no provider to log in by (OpenIdConnect)")
    return cast("OpenIdLogin", login)


@get(
    "/login/openid",
    include_in_schema=False,
    permission=Permission.ANYONE,
)
async def begin_login(
    request: Asked,
    next_path: Annotated[str | None, QueryParameter(name="next")] = None,
) -> Response[bytes]:
    """Sends the browser to the provider."""
    scheme = request.scope["scheme"]
    host = (request.scope["state"].get("host") or b"").decode("latin-1")
    begun = await _login_of(request).begin(f"{scheme}://{host}{CALLBACK}", own_path(next_path))
    return Response(
        b"",
        status_code=303,
        headers={
            "Location": begun.location,
            "Set-Cookie": cookie(scheme, begun.cookie, age=_MINUTES, name=_COOKIE, same_site="Lax"),
        },
        media_type="text/plain",
    )


@get(CALLBACK, include_in_schema=False, permission=Permission.ANYONE)
async def finish_login(request: Asked) -> Response[bytes]:
    """Where the provider sends the browser back to: begins a session."""
    scheme = request.scope["scheme"]
    sealed = value_of(cookie_name(scheme, _COOKIE), request.headers.get("cookie", "").encode())
    principal, path = await _login_of(request).finish(sealed, dict(request.query_params.items()))
    sessions = cast("Sessions", request.app.state.sessions)
    identifier = await sessions.open(principal.name, roles=principal.roles, by_provider=True)
    response = Response(
        _PAGE.format(path=escape(path)).encode(), media_type="text/html", headers=_PAGE_HEADERS
    )
    response.headers["Set-Cookie"] = cookie(scheme, identifier)
    return response


ROUTES = (begin_login, finish_login)

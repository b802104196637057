"""``/login/openid``: logging in by an OpenID Connect provider."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Annotated, Any, cast

from litestar import Request, Response, get
from litestar.params import QueryParameter

from hornburg.errors import UnknownResourceError
from hornburg.rest.cookies import cookie, cookie_name, value_of
from hornburg.rest.pages import own_path, page
from hornburg.security.openid_login import OpenIdLogin
from hornburg.security.principals import Permission
from hornburg.security.sessions import Sessions

__all__ = ["CALLBACK", "ROUTES"]

Asked = Request[Any, Any, Any]

CALLBACK = "/login/openid/callback"

_COOKIE = "hornburg-openid"
#: Seconds that a user has to log in at the provider.
_AGE = 600

# The browser comes from the provider's site, so a redirect would not bring our strict cookie along
# (RFC 6265bis 5.2); a page of ours that leads on does.
_ON = '<meta http-equiv="refresh" content="0;url={path}">\n<p><a href="{path}">Go on</a></p>'


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
            "Set-Cookie": cookie(scheme, begun.cookie, age=_AGE, name=_COOKIE, same_site="Lax"),
        },
        media_type="text/plain",
    )


@get(CALLBACK, include_in_schema=False, permission=Permission.ANYONE)
async def finish_login(request: Asked) -> Response[bytes]:
    """Where the provider sends the browser back to: begins a session."""
    scheme = request.scope["scheme"]
    sealed = value_of(cookie_name(scheme, _COOKIE), request.headers.get("cookie", "").encode())
    principal, path = await _login_of(request).finish(sealed, dict(request.query_params.items()))
    # The cookie of another session is strict, so it did not come along; the new one replaces it.
    sessions = cast("Sessions", request.app.state.sessions)
    identifier = await sessions.open(principal.name, roles=principal.roles, by_provider=True)
    state = request.scope["state"]
    state["principal"] = replace(principal, address=state["address"])
    answer = page("Logged in - Hornburg", _ON.format(path=escape(path)))
    answer.headers["Set-Cookie"] = cookie(scheme, identifier)
    return answer


ROUTES = (begin_login, finish_login)

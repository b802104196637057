"""``/login`` and ``/logout``: sessions of browsers, by a form that needs no script.

Programs have no use for them: they send a name and a password, or a token, with each request.
"""

from __future__ import annotations

import hmac
from html import escape
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from hornburg.errors import BadRequestError, ForbiddenError
from hornburg.rest.body import read_body
from hornburg.rest.cookies import cookie, cookie_name, session_of, value_of
from hornburg.rest.pages import own_path, page
from hornburg.security.form_tokens import FormTokens
from hornburg.security.identify import Identities, WrongCredentialsError
from hornburg.security.principals import Permission
from hornburg.security.throttle import TooManyAttemptsError

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]

_COOKIE = "hornburg-login"

#: Seconds that a form is good for.
_AGE = 3600

#: Bytes of a form, and its fields: a name, a password, a path and a token.
_MOST_BYTES = 8192
_MOST_FIELDS = 10

_FORM = """<h1>Hornburg</h1>
{note}<form method="post" action="/login">
<label>Name <input name="name" autocomplete="username" required autofocus maxlength="256"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required
maxlength="1024"></label>
<input type="hidden" name="next" value="{next}">
<input type="hidden" name="token" value="{token}">
<button>Log in</button>
</form>{more}"""

_PROVIDER = '\n<p><a href="/login/openid">Log in by the provider of your organisation</a></p>'


@get("/login", permission=Permission.ANYONE, media_type="text/html", include_in_schema=False)
async def login_form(
    request: Asked, next_path: Annotated[str | None, QueryParameter(name="next")] = None
) -> Response[bytes]:
    """The form; where nobody has to log in, the home page."""
    if not _identities(request).required:
        return _lead("/")
    return _form(request, own_path(next_path))


@post("/login", permission=Permission.ANYONE, media_type="text/html", include_in_schema=False)
async def log_in(request: Asked) -> Response[bytes]:
    """Begin a session."""
    identities = _identities(request)
    if not identities.required:
        return _lead("/")
    fields = await _fields(request)
    path = own_path(fields.get("next"))
    scheme, state = request.scope["scheme"], request.scope["state"]
    given = value_of(cookie_name(scheme, _COOKIE), _cookies(request))
    if not _tokens(request).fits(given, fields.get("token", "")):
        return _form(request, path, "This form was too old. Please try again.", 403)
    try:
        principal = await identities.log_in(
            fields.get("name", ""), fields.get("password", ""), state["address"]
        )
    except WrongCredentialsError as error:
        state["tried"] = error.user
        return _form(request, path, "This name and this password don't go together.", 401)
    except TooManyAttemptsError as error:
        state["tried"] = error.user
        note = f"Too many wrong passwords. Please wait {error.seconds} seconds."
        answer = _form(request, path, note, 429)
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    # An identifier that was there before the login, whoever had put it there, is worth nothing.
    earlier = session_of(scheme, _cookies(request))
    if earlier is not None:
        await identities.sessions.close(earlier)
    identifier = await identities.sessions.open(principal.name)
    state["principal"] = principal
    answer = _lead(path)
    answer.headers["Set-Cookie"] = cookie(scheme, identifier)
    return answer


@post("/logout", permission=Permission.ANYONE, media_type="text/html", include_in_schema=False)
async def log_out(request: Asked) -> Response[bytes]:
    """End the session; the token comes as a field ``token`` or as ``X-CSRF-Token``."""
    identities = _identities(request)
    scheme, state = request.scope["scheme"], request.scope["state"]
    identifier = session_of(scheme, _cookies(request))
    session = None if identifier is None else await identities.sessions.find(identifier)
    if identifier is not None and session is not None:
        given = request.headers.get("x-csrf-token") or (await _fields(request)).get("token", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), session.token().encode()):
            raise ForbiddenError("Logging out needs the token of the session")
        await identities.sessions.close(identifier)
        state["principal"] = session.principal(state["address"])
    answer = _lead("/login" if identities.required else "/")
    answer.headers["Set-Cookie"] = cookie(scheme, "", age=0)
    return answer


def _form(request: Asked, path: str, note: str = "", status: int = 200) -> Response[bytes]:
    scheme, tokens = request.scope["scheme"], _tokens(request)
    # One cookie for all tabs of a browser.
    given = value_of(cookie_name(scheme, _COOKIE), _cookies(request)) or tokens.new_cookie()
    body = _FORM.format(
        note=f'<p class="wrong">{escape(note)}</p>\n' if note else "",
        next=escape(path),
        token=tokens.field(given),
        more=_PROVIDER if request.app.state.get("openid") is not None else "",
    )
    answer = page("Log in - Hornburg", body, status=status, forms=True)
    answer.headers["Set-Cookie"] = cookie(scheme, given, age=_AGE, name=_COOKIE)
    return answer


async def _fields(request: Asked) -> dict[str, str]:
    body = await read_body(request, _MOST_BYTES)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadRequestError("This is no form of ours") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequestError("A field of the form is there twice")
    return fields


def _lead(path: str) -> Response[bytes]:
    """303: the browser shows another page, and asks for it with GET."""
    return Response(b"", status_code=303, headers={"Location": path}, media_type="text/plain")


def _cookies(request: Asked) -> bytes:
    return request.headers.get("cookie", "").encode("latin-1", "replace")


def _identities(request: Asked) -> Identities:
    return cast("Identities", request.app.state.identities)


def _tokens(request: Asked) -> FormTokens:
    return cast("FormTokens", request.app.state.form_tokens)


ROUTES = (login_form, log_in, log_out)

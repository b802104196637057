"""``/account``: who is asking, what they may, their sessions and API tokens. Ours alone."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import PathParameter

from hornburg.errors import BadJsonError, ForbiddenError, ParameterOutOfRangeError
from hornburg.rest.answers import done, json_answer
from hornburg.rest.body import read_body
from hornburg.rest.noting import note_what
from hornburg.rest.permission import access_of
from hornburg.security.identify import Identities
from hornburg.security.policy import Policy
from hornburg.security.principals import Kind, Permission, Principal
from hornburg.security.tokens import USUAL_LIFE

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
Identifier = Annotated[str, PathParameter(description="ID of the token")]
_TAGS = ["Account"]

#: Bytes of the body that describes a token.
_MOST_BYTES = 8192

#: Who may make tokens: not a token, which could so outlive its end and its limits.
_MAKERS = frozenset({Kind.PASSWORD, Kind.SESSION, Kind.CERTIFICATE})


@get("/account", permission=Permission.ANYONE, summary="Who is asking", tags=_TAGS)
async def account(request: Asked) -> Response[bytes]:
    """The user, how that was shown, what they may do; and, in a session, ``CsrfToken``: what
    requests that change something send as ``X-CSRF-Token``."""
    access = access_of(request.scope)
    principal = access.principal
    answer: dict[str, object] = {
        "User": principal.name,
        "Proof": principal.kind.value,
        "Permissions": [
            one.value for one in Permission if one is not Permission.ANYONE and access.may(one)
        ],
    }
    session = request.scope["state"].get("session")
    if session is not None:
        answer["CsrfToken"] = session.token()
        answer["Sessions"] = _identities(request).sessions.count(session)
    return json_answer(answer)


@delete(
    "/account/sessions",
    status_code=200,
    permission=Permission.ANYONE,
    summary="End all sessions of the user",
    tags=_TAGS,
)
async def end_sessions(request: Asked) -> Response[bytes]:
    """Everywhere, the own one included."""
    principal = _with_name(request)
    await _identities(request).sessions.close_all(
        principal.name, by_provider=principal.kind is Kind.OPENID
    )
    return done()


@get("/account/tokens", permission=Permission.ANYONE, summary="List the API tokens", tags=_TAGS)
async def list_tokens(request: Asked) -> Response[bytes]:
    """Those of the user; with the permission ``settings``, those of everybody. The tokens
    themselves are shown when they are made, and never again."""
    return json_answer(_identities(request).tokens.all(_whose(request)))


@post(
    "/account/tokens",
    status_code=200,
    permission=Permission.ANYONE,
    summary="Make an API token",
    tags=_TAGS,
)
async def create_token(request: Asked) -> Response[bytes]:
    """For the user. The body is an object with the optional members ``Name``, ``ExpiresIn``
    (seconds, 90 days by default), and ``Permissions`` (a list) or ``Role``, to which the token is
    limited. ``Token`` of the answer is sent as ``Authorization: Bearer``."""
    principal = _with_name(request)
    if principal.kind not in _MAKERS:
        raise ForbiddenError("A token is made by who has shown a password or a certificate")
    form = await _form(request)
    identities = _identities(request)
    archive = request.app.state.archive
    identifier, token = await archive.work(lambda: identities.tokens.create(principal.name, **form))
    note_what(request.scope, f"/account/tokens/{identifier}")
    return json_answer({"ID": identifier, "Token": token})


@delete(
    "/account/tokens/{identifier:str}",
    status_code=200,
    permission=Permission.ANYONE,
    summary="Revoke an API token",
    tags=_TAGS,
)
async def revoke_token(request: Asked, identifier: Identifier) -> Response[bytes]:
    """One of the user's; with the permission ``settings``, anybody's. It is worthless at once."""
    whose = _whose(request)
    tokens = _identities(request).tokens
    await request.app.state.archive.work(lambda: tokens.revoke(identifier, whose))
    return done()


async def _form(request: Asked) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(await read_body(request, _MOST_BYTES) or b"{}")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadJsonError("The body is no JSON") from None
    if not isinstance(body, dict) or body.keys() - {"Name", "ExpiresIn", "Permissions", "Role"}:
        raise BadJsonError("Allowed is an object with Name, ExpiresIn, and Permissions or Role")
    name, life = body.get("Name", ""), body.get("ExpiresIn", USUAL_LIFE)
    words, role = body.get("Permissions"), body.get("Role")
    if not isinstance(name, str):
        raise BadJsonError("Name is a text")
    if not isinstance(life, int) or isinstance(life, bool):
        raise BadJsonError("ExpiresIn is a number of seconds")
    if words is not None and not (
        isinstance(words, list) and all(isinstance(word, str) for word in words)
    ):
        raise BadJsonError("Permissions is a list of texts")
    if role is not None:
        if words is not None or not isinstance(role, str):
            raise BadJsonError("Role is a text, and stands instead of Permissions")
        words = _of_role(cast("Policy", request.app.state.policy), role)
    return {"name": name, "life": life, "permissions": words}


def _of_role(policy: Policy, role: str) -> list[str]:
    found = policy.role(role)
    if found is None:
        raise ParameterOutOfRangeError(f"There is no role {role[:64]!a}")
    return [one.value for one in found]


def _whose(request: Asked) -> str | None:
    """Whose tokens the one who asks may see: ``None`` for those of everybody."""
    access = access_of(request.scope)
    if access.may_all(Permission.SETTINGS):
        return None
    principal = _with_name(request)
    if principal.kind is Kind.OPENID:
        # The name may be that of another one, who is in RegisteredUsers.
        raise ForbiddenError("Only users of RegisteredUsers have tokens")
    return principal.name


def _with_name(request: Asked) -> Principal:
    principal = access_of(request.scope).principal
    if not principal.name:
        raise ForbiddenError("Nobody has logged in, so there is no account")
    if principal.narrowed is not None:
        raise ForbiddenError("A token that is limited can't speak for the account of its user")
    return principal


def _identities(request: Asked) -> Identities:
    return cast("Identities", request.app.state.identities)


ROUTES = (account, end_sessions, list_tokens, create_token, revoke_token)

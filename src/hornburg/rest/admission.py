"""What is looked at before anything is done for a request: where from, by which page, by whom.

The order matters. The address comes first, because everything else is held against it; then what
a browser says, so that pages of other sites can't even try passwords; then who is asking, and
what they may; then the filters of plug-ins, which see nobody but who has shown who they are.
"""

from __future__ import annotations

import hmac
import posixpath
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from hornburg.archive.parts import Archive
from hornburg.errors import (
    BadRequestError,
    ForbiddenError,
    LengthRequiredError,
    TooLargeError,
)
from hornburg.hooks.manager import NO_HOOKS, Hooks
from hornburg.hooks.specs import HttpRequest
from hornburg.rest.cookies import session_of
from hornburg.security.browsers import Browsers
from hornburg.security.identify import Forgotten, Identified, Identities, Proof
from hornburg.security.policy import Access
from hornburg.security.principals import Principal
from hornburg.security.proxies import (
    Network,
    forwarded,
    trusted_networks,
    without_forwarding,
)
from hornburg.security.sessions import Session
from hornburg.security.web_tls import ClientCertificate, user_of

__all__ = ["OPEN_PATHS", "Admission", "Head", "one_form"]

OPEN_PATHS = frozenset({"/login", "/login/openid", "/login/openid/callback", "/logout"})
"""What is there for those who have not said yet who they are. Their handlers check tokens of
their own, which forms without script can bring."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: Headers that mean nothing when they are there twice.
_ONCE = frozenset({b"authorization", b"content-length", b"host", b"origin", b"sec-fetch-site"})
_READ = _ONCE | {b"cookie", b"x-csrf-token"}

#: What plug-ins are not shown.
_SECRET = frozenset({b"authorization", b"cookie", b"x-csrf-token"})

#: Arguments of a request that plug-ins are shown.
_MOST_ARGUMENTS = 1000

Head = Mapping[bytes, bytes]


class Admission:
    """Lets requests in, or raises.

    Args:
        identities: who is asking.
        browsers: what pages may have a browser do.
        hooks: filters of plug-ins.
    """

    def __init__(
        self,
        archive: Archive,
        identities: Identities,
        browsers: Browsers,
        hooks: Hooks = NO_HOOKS,
    ) -> None:
        settings = archive.settings
        self._identities = identities
        self._browsers = browsers
        self._hooks = hooks
        self._trusted: tuple[Network, ...] = trusted_networks(settings.trusted_proxies)
        self._certificates = settings.ssl_certificate_users or {}
        self._filters = hooks.has("filter_http")
        # Then every request has more to tell than its plain headers.
        self._closer = bool(self._trusted or self._certificates or self._filters)
        self._most_body = settings.maximum_request_body_size_mb << 20

    @property
    def forgotten(self) -> Forgotten:
        """Tells when an answer of :meth:`at_once` is not to be relied on any more."""
        return self._identities.forgotten

    def at_once(self, authorization: bytes | None, host: bytes | None, peer: str) -> Access | None:
        """What a plain request may, when that is at hand; ``None`` when it takes a closer look."""
        if self._closer or not self._browsers.knows_host(host):
            return None
        return self._identities.at_once(authorization, peer)

    def receive(self, scope: Any) -> Head:
        """Find out where a request comes from, and bring its path into one form.

        Sets in the scope: ``path``, ``scheme``; in its state: ``address``, ``host``, ``origin``
        (of a page that may read the answer), and ``username`` as long as nobody is known.

        Raises:
            BadRequestError: it contradicts itself.
            ForeignHostError: it is meant for another server.
        """
        state = scope.setdefault("state", {})
        head = _read(scope["headers"])
        client = scope.get("client")
        state["address"] = client[0] if client else ""
        state["username"] = ""
        host = head.get(b"host")
        if self._trusted:
            seen = forwarded(state["address"], scope["headers"], self._trusted)
            state["address"] = seen.address
            if seen.scheme is not None:
                scope["scheme"] = seen.scheme
            if seen.host is not None:
                host = seen.host.encode()
        state["host"] = host
        if host is None and scope.get("http_version", "1.0") not in ("1.0", "0.9"):
            raise BadRequestError("The Host header is missing")  # RFC 9112 3.2
        self._browsers.check_host(host)
        origin = head.get(b"origin")
        if origin is not None and self._browsers.may_read(origin):
            state["origin"] = origin
        one_form(scope)
        return head

    async def admit(self, scope: Any, head: Head) -> None:
        """Find out who is asking.

        Sets in the state of the scope: ``principal``, ``access``, ``username``, and ``session``
        when it is one.

        Raises:
            UnauthorizedError: nobody knows who is asking.
            ForbiddenError: a page of another site is, a session lacks its token, or a filter says
                no.
            LengthRequiredError, TooLargeError: the body can't be.
        """
        state = scope["state"]
        authorization = head.get(b"authorization")
        if not (self._identities.required and _is_bearer(authorization)):
            self._browsers.refuse_other_sites(
                scope["method"], head.get(b"sec-fetch-site"), head.get(b"origin"), state["host"]
            )
        access = None
        if not self._certificates:
            access = self._identities.at_once(authorization, state["address"])
        if access is None:
            found = await self._identify(scope, head)
            access = found.access
            if found.session is not None:
                _check_token(scope, head, found.session)
                state["session"] = found.session
        principal = access.principal
        state["principal"] = principal
        state["access"] = access
        state["username"] = principal.name
        if b"content-length" in head:
            self._check_length(head[b"content-length"])
        if self._filters:
            await self._filter(scope, principal)

    async def _identify(self, scope: Any, head: Head) -> Identified:
        state = scope["state"]
        if self._identities.required and scope["path"] in OPEN_PATHS:
            return Identified(Access(Principal(address=state["address"]), {}))
        return await self._identities.identify(
            Proof(
                state["address"],
                head.get(b"authorization"),
                session_of(scope["scheme"], head.get(b"cookie")),
                self._certificate(state),
            )
        )

    def _certificate(self, state: Mapping[str, Any]) -> tuple[str, str] | None:
        if not self._certificates:
            return None
        shown = cast("ClientCertificate | None", state.get("certificate"))
        user = user_of(shown, self._certificates)
        return None if user is None or shown is None else (user, shown.subject)

    def _check_length(self, length: bytes) -> None:
        if not length.isdigit():
            raise LengthRequiredError("Content-Length is no number of bytes")
        if self._most_body and int(length) > self._most_body:
            raise TooLargeError(
                f"The body is larger than {self._most_body >> 20} MB, which is the most "
                "allowed (MaximumRequestBodySizeMB)"
            )

    async def _filter(self, scope: Any, principal: Principal) -> None:
        method, path = scope["method"], scope["path"]
        arguments = scope.get("query_string", b"")
        uri = path + ("?" + arguments.decode("latin-1") if arguments else "")
        try:
            query = dict(
                parse_qsl(
                    arguments.decode("latin-1"),
                    keep_blank_values=True,
                    max_num_fields=_MOST_ARGUMENTS,
                )
            )
        except ValueError:
            raise BadRequestError(f"More than {_MOST_ARGUMENTS} arguments") from None
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in without_forwarding(scope["headers"])
            if name not in _SECRET
        }
        request = HttpRequest(
            method="GET" if method == "HEAD" else method,
            uri=uri,
            path=path,
            query=query,
            address=principal.address,
            username=principal.name,
            headers=headers,
            principal=principal,
        )
        if not await self._hooks.filter_http(request):
            raise ForbiddenError("A filter of this server does not allow this")


def _read(headers: Any) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            value = value.strip(b" \t")  # RFC 9110 5.5: the parser leaves those at the end
            if name in found:
                if name in _ONCE:
                    raise BadRequestError(f"The {name.decode().title()} header is there twice")
                if name == b"cookie":  # RFC 9113 8.2.3
                    value = found[name] + b"; " + value
            found[name] = value
    return found


def one_form(scope: Any) -> None:
    """Orthanc takes /a//b/ for /a/b; rules that look at paths must see one form only.

    Raises:
        BadRequestError: there is a NUL character in it.
    """
    path = scope["path"]
    if "//" in path or "/." in path or (path[-1:] == "/" and len(path) > 1):
        scope["path"] = posixpath.normpath("/" + path.lstrip("/"))
        scope["raw_path"] = scope["path"].encode()
    if "\0" in path:
        raise BadRequestError("The path holds a NUL character")


def _is_bearer(authorization: bytes | None) -> bool:
    """No browser sends those by itself, for any page."""
    return authorization is not None and authorization[:7].lower() == b"bearer "


def _check_token(scope: Any, head: Head, session: Session) -> None:
    if scope["method"] in _SAFE:
        return
    if not hmac.compare_digest(head.get(b"x-csrf-token", b""), session.token().encode()):
        raise ForbiddenError(
            "With a session, what changes something needs the header X-CSRF-Token; GET /account "
            "tells its value"
        )

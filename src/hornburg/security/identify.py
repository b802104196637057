"""Who is asking: what a request brings, and whom that proves.

A name is never taken on trust: where nobody has to log in, everybody is nobody, whatever name
they give (but for a certificate that was verified).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Protocol

from hornburg.errors import UnauthorizedError
from hornburg.security.passwords import basic_credentials
from hornburg.security.policy import Access
from hornburg.security.principals import Kind, Principal
from hornburg.security.sessions import Session, Sessions
from hornburg.security.throttle import Throttle, TooManyAttemptsError, network_of
from hornburg.security.tokens import PREFIX, Tokens
from hornburg.security.users import Users

__all__ = ["BearerProof", "Forgotten", "Identified", "Identities", "Proof", "WrongCredentialsError"]

#: Proofs whose access is at hand.
_REMEMBERED = 1024

#: No header that proves something is longer (a token of OpenID Connect may hold many claims).
_LONGEST_HEADER = 16_384

#: The names under which failures count that belong to no user.
_SOME_TOKEN = "\0token"  # noqa: S105 - a word, and no password
_SOME_BEARER = "\0bearer"


class WrongCredentialsError(UnauthorizedError):
    """Credentials were given, and they prove nobody.

    ``user`` is whose password was tried, if there is such a user; another name may be a password
    in the wrong field, and is told to nobody.
    """

    def __init__(self, user: str = "") -> None:
        super().__init__("A name and a password are needed, and these are not right")
        self.user = user


class BearerProof(Protocol):
    """Checks bearer tokens that are not our own, such as those of OpenID Connect."""

    async def check(self, token: str, address: str) -> Principal | None:
        """Whom a token proves; ``None`` when it proves nobody. Must not raise for bad tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request brings.

    ``authorization`` is the header as it came, ``session`` the value of our cookie,
    ``certificate`` the user that a verified client certificate names and its subject.
    """

    address: str
    authorization: bytes | None = field(default=None, repr=False)
    session: str | None = field(default=None, repr=False)
    certificate: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Identified:
    """Who is asking, what they may, and their session when they have one."""

    access: Access
    session: Session | None = None


@dataclass(slots=True)
class Forgotten:
    """How many times something that was at hand was taken away; whoever keeps a copy compares."""

    times: int = 0


class Identities:
    """Finds out who is asking.

    Args:
        required: whether nobody comes in without a proof (``AuthenticationEnabled``).
        access: what a principal may do (:class:`hornburg.security.policy.Policy`).
        bearer: who checks bearer tokens that are not ours.
    """

    def __init__(
        self,
        *,
        required: bool,
        access: Callable[[Principal], Access],
        users: Users,
        throttle: Throttle,
        sessions: Sessions,
        tokens: Tokens,
        bearer: BearerProof | None = None,
    ) -> None:
        self.required = required
        self.users = users
        self.sessions = sessions
        self.tokens = tokens
        self.bearer = bearer
        self._access = access
        self._throttle = throttle
        self._key = secrets.token_bytes(32)
        self.forgotten = Forgotten()
        self._known: OrderedDict[Hashable, Access] = OrderedDict()
        self._checks: dict[bytes, asyncio.Future[str | None]] = {}

    def at_once(self, authorization: bytes | None, address: str) -> Access | None:
        """What the one who asks may do, when that is at hand; ``None`` when it takes a closer
        look, which may refuse."""
        if not self.required:
            return self._known.get(address)
        if authorization is None:
            return None
        return self._known.get((self._digest(authorization), address))

    async def identify(self, proof: Proof) -> Identified:
        """Who is asking.

        Raises:
            UnauthorizedError: nothing proves who it is.
            WrongCredentialsError: something was to prove it, and doesn't.
            TooManyAttemptsError: there were too many failures before.
        """
        if not self.required:
            return Identified(self._nobody(proof))
        if proof.authorization is not None:
            return Identified(await self._by_header(proof.authorization, proof.address))
        if proof.session is not None:
            session = await self.sessions.find(proof.session)
            if session is not None:
                return Identified(self._access(session.principal(proof.address)), session)
        if proof.certificate is not None:
            return Identified(self._by_certificate(proof))
        raise UnauthorizedError("This needs a name and a password, or another proof of identity")

    async def log_in(self, name: str, password: str, address: str) -> Principal:
        """The one whom a name and a password prove.

        Raises:
            WrongCredentialsError: nobody.
            TooManyAttemptsError: there were too many failures before.
        """
        if ":" in name:
            raise WrongCredentialsError()
        return await self._by_password(f"{name}:{password}".encode("utf-8", "replace"), address)

    def _nobody(self, proof: Proof) -> Access:
        if proof.certificate is not None:
            return self._by_certificate(proof)
        access = self._known.get(proof.address)
        if access is None:
            access = self._keep(proof.address, self._access(Principal(address=proof.address)))
        return access

    def _by_certificate(self, proof: Proof) -> Access:
        assert proof.certificate is not None
        name, subject = proof.certificate
        return self._access(
            Principal(name, Kind.CERTIFICATE, address=proof.address, detail=subject)
        )

    async def _by_header(self, authorization: bytes, address: str) -> Access:
        if len(authorization) > _LONGEST_HEADER:
            raise WrongCredentialsError()
        key = (self._digest(authorization), address)
        known = self._known.get(key)
        if known is not None:
            return known
        credentials = basic_credentials(authorization)
        if credentials is not None:
            return self._keep(key, self._access(await self._by_password(credentials, address)))
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and token.isascii():
            return self._access(await self._by_token(token.strip().decode(), address))
        raise WrongCredentialsError()

    async def _by_password(self, credentials: bytes, address: str) -> Principal:
        name = credentials.partition(b":")[0].decode("utf-8", "replace")
        tried = name if name in self.users else ""
        try:
            self._refuse(name, address)
        except TooManyAttemptsError as error:
            error.user = tried
            raise
        user = await self._check(credentials, name, address)
        if user is None:
            raise WrongCredentialsError(tried)
        return Principal(user, Kind.PASSWORD, address=address)

    def _refuse(self, name: str, address: str) -> None:
        self._throttle.refuse_user(address, name)
        try:
            self._throttle.refuse(address)
        except TooManyAttemptsError:
            # What is at hand goes on working for its owner, and must not answer guesses.
            if self._throttle.failed_user(address, name):
                self._forget(name, address)
            raise

    async def _check(self, credentials: bytes, name: str, address: str) -> str | None:
        """Equal credentials that come at the same time are checked once."""
        key = self._digest(credentials + b"\0" + address.encode())
        running = self._checks.get(key)
        if running is None:
            # A failure until it is known to be right: a hundred tries at once are a hundred.
            if self._throttle.failed(address, name):
                self._forget(name, address)
            running = asyncio.ensure_future(self.users.check(credentials))
            self._checks[key] = running
            running.add_done_callback(lambda _: self._checks.pop(key, None))
        user = await asyncio.shield(running)
        if user is not None:
            self._throttle.right(address, name)
        return user

    async def _by_token(self, token: str, address: str) -> Principal:
        """Tokens can't be guessed, so right ones are not kept waiting for wrong ones: to look at a
        digest or a signature costs less than the rest of a request."""
        if token.startswith(PREFIX):
            principal = await self.tokens.find(token, address)
            name = _SOME_TOKEN
        elif self.bearer is not None:
            name = _SOME_BEARER
            principal = await self.bearer.check(token, address)
        else:
            raise WrongCredentialsError()
        if principal is not None:
            return replace(principal, address=address)
        self._throttle.refuse_user(address, name)
        self._throttle.failed(address, name)
        raise WrongCredentialsError()

    def _digest(self, text: bytes) -> bytes:
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()

    def _keep(self, key: Hashable, access: Access) -> Access:
        self._known[key] = access
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
            self.forgotten.times += 1
        return access

    def _forget(self, name: str, address: str) -> None:
        """What is at hand would tell at once whether a guess is right."""
        place = network_of(address)
        for key, access in list(self._known.items()):
            principal = access.principal
            if (
                principal.kind is Kind.PASSWORD
                and principal.name == name
                and network_of(principal.address) == place
            ):
                del self._known[key]
                self.forgotten.times += 1

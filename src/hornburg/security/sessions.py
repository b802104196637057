"""Sessions of browsers.

A session is a random identifier of 256 bits in a cookie. What is kept of it is a digest, so that
who reads the file can't use it. Sessions survive a restart; they end when they weren't used for
``SessionIdleTimeout``, after ``SessionLifetime`` in any case, on logging out, and when the user is
gone or has another password.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from hornburg.errors import HornburgError
from hornburg.security.principals import Kind, Principal
from hornburg.security.private_file import PrivateFile

__all__ = ["Session", "Sessions"]

log = logging.getLogger("hornburg.security")

#: Sessions at the same time, of all users and of one; beyond, the ones that were used longest ago
#: end.
_MOST = 10_000
_MOST_OF_ONE = 100

#: Characters of an identifier: 32 bytes in base64.
_LENGTH = 43

#: Part of the idle time after which it is written down that a session was used.
_PART = 10


class Session(msgspec.Struct):
    """One session. Times are Unix times in seconds.

    ``mark`` changes with the password of the user; it is "" for who has no password here
    (OpenID Connect), and then ``roles`` are what the provider said.
    """

    user: str
    created: float
    seen: float
    mark: str = ""
    roles: tuple[str, ...] = ()
    by_provider: bool = False
    key: str = ""

    def __repr__(self) -> str:
        return f"Session({self.user!r})"

    def principal(self, address: str) -> Principal:
        """The one whose session it is. Who came by a provider stays so: a name at the provider is
        nobody's name here."""
        kind = Kind.OPENID if self.by_provider else Kind.SESSION
        return Principal(self.user, kind, address=address, roles=self.roles)

    def is_of(self, user: str, by_provider: bool) -> bool:
        """Whether it is a session of this user."""
        return self.user == user and self.by_provider is by_provider

    def token(self) -> str:
        """What an unsafe request has to bring besides the cookie (``X-CSRF-Token``)."""
        return self.key


class Sessions:
    """All sessions.

    Args:
        file: where they survive a restart; ``None`` keeps them in memory alone.
        idle: seconds without use after which a session ends.
        lifetime: seconds after which it ends in any case.
        clock: Unix time.
        mark: what changes with the password of a user, "" for who is none, made with a key.
        tasks: what the server waits for before it stops.
    """

    def __init__(
        self,
        file: PrivateFile | None,
        *,
        idle: int,
        lifetime: int,
        clock: Callable[[], float],
        mark: Callable[[str, bytes], str],
        tasks: set[asyncio.Task[Any]] | None = None,
    ) -> None:
        self._file = file
        self._idle = idle
        self._lifetime = lifetime
        self._clock = clock
        self._mark = mark
        self._sessions: dict[str, Session] | None = None
        self._written: dict[str, float] = {}
        self._saving: asyncio.Lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set() if tasks is None else tasks

    async def open(
        self, user: str, *, roles: tuple[str, ...] = (), by_provider: bool = False
    ) -> str:
        """Begin a session; answers its identifier, which is told nobody but the browser."""
        sessions = self._all()
        self._sweep(sessions)
        self._make_room(sessions, user, by_provider)
        identifier = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
        now = self._clock()
        mark = "" if by_provider else self._mark(user, identifier.encode())
        sessions[_digest(identifier)] = Session(
            user, now, now, mark, roles, by_provider, _token(identifier)
        )
        await self._save()
        return identifier

    async def find(self, identifier: str) -> Session | None:
        """The session of an identifier, if it goes on; that makes it go on for longer."""
        if len(identifier) != _LENGTH or not identifier.isascii():
            return None
        sessions = self._all()
        digest = _digest(identifier)
        session = sessions.get(digest)
        if session is None:
            return None
        now = self._clock()
        if not self._goes_on(session, now):
            await self._end([digest])
            return None
        if not session.key:
            # The first use since the start, at which passwords may have changed.
            if not session.by_provider and not self._is_marked(session, identifier):
                await self._end([digest])
                return None
            session.key = _token(identifier)
        session.seen = now
        if now - self._written.get(digest, 0.0) > self._idle / _PART:
            self._written[digest] = now
            self._save_later()
        return session

    async def close(self, identifier: str) -> None:
        """End a session, on logging out. It is gone for good when this returns."""
        await self._end([_digest(identifier)])

    async def close_all(self, user: str, *, by_provider: bool = False) -> int:
        """End all sessions of a user; answers how many there were."""
        gone = [key for key, one in self._all().items() if one.is_of(user, by_provider)]
        await self._end(gone)
        return len(gone)

    def count(self, like: Session) -> int:
        """How many sessions the user of this one has."""
        sessions = self._all()
        self._sweep(sessions)
        return sum(one.is_of(like.user, like.by_provider) for one in sessions.values())

    def _goes_on(self, session: Session, now: float) -> bool:
        # A clock that was set back makes nobody's session longer than it could be.
        return (
            -self._idle <= now - session.seen <= self._idle
            and now - session.created <= self._lifetime
        )

    def _is_marked(self, session: Session, identifier: str) -> bool:
        now = self._mark(session.user, identifier.encode())
        return bool(now) and hmac.compare_digest(now, session.mark)

    def _all(self) -> dict[str, Session]:
        if self._sessions is None:
            self._sessions = self._load()
        return self._sessions

    def _load(self) -> dict[str, Session]:
        if self._file is None:
            return {}
        try:
            kept: dict[str, Session] = msgspec.convert(
                self._file.content(), dict[str, Session], strict=True
            )
        except (HornburgError, msgspec.ValidationError) as error:
            log.warning("the sessions that were kept can't be read, all have ended: %s", error)
            return {}
        self._written = {digest: one.seen for digest, one in kept.items()}
        return kept

    def _sweep(self, sessions: dict[str, Session]) -> None:
        now = self._clock()
        for digest in [key for key, one in sessions.items() if not self._goes_on(one, now)]:
            del sessions[digest]
            self._written.pop(digest, None)

    def _make_room(self, sessions: dict[str, Session], user: str, by_provider: bool) -> None:
        own = [digest for digest, one in sessions.items() if one.is_of(user, by_provider)]
        for group, most in ((own, _MOST_OF_ONE), (list(sessions), _MOST)):
            if len(group) >= most:
                oldest = min(group, key=lambda digest: sessions[digest].seen)
                sessions.pop(oldest, None)
                self._written.pop(oldest, None)

    async def _end(self, digests: list[str]) -> None:
        sessions = self._all()
        there = [digest for digest in digests if sessions.pop(digest, None) is not None]
        for digest in there:
            self._written.pop(digest, None)
        if there:
            await self._save()

    def _save_later(self) -> None:
        task = asyncio.ensure_future(self._save())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _save(self) -> None:
        """Write all of them down; a file that can't be written costs no login, only its memory."""
        file = self._file
        if file is None:
            return
        async with self._saving:
            kept = {
                digest: {**msgspec.structs.asdict(one), "key": ""}
                for digest, one in self._all().items()
            }

            def replace(content: dict[str, Any]) -> None:
                content.clear()
                content.update(kept)

            try:
                await asyncio.to_thread(file.change, replace)
            except HornburgError as error:
                log.error("sessions are not kept: %s", error)


def _digest(identifier: str) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()


def _token(identifier: str) -> str:
    """From the identifier, which it doesn't give away."""
    digest = hashlib.sha256(b"csrf " + identifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

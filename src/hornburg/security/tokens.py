"""API tokens: ``hbt_<id>_<secret>``, for programs.

The secret has 256 bits, so a plain digest of it is enough: nothing can be guessed from it. A token
is for one user, may be narrower than that user, and always ends. Tokens are in a file beside the
index, which the command ``hornburg token`` changes while the server runs.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from hornburg.errors import HornburgError, InexistentItemError, ParameterOutOfRangeError
from hornburg.security.principals import Kind, Permission, Principal
from hornburg.security.private_file import PrivateFile

__all__ = ["LONGEST_LIFE", "PREFIX", "TOKENS_FILE", "USUAL_LIFE", "Token", "Tokens"]

log = logging.getLogger("hornburg.security")

PREFIX = "hbt_"

TOKENS_FILE = "hornburg-tokens.json"
"""The file of the tokens, beside the index."""

#: Seconds: how long a token is good when nobody says, and at most.
USUAL_LIFE = 90 * 86_400
LONGEST_LIFE = 3650 * 86_400

#: Tokens that there may be.
_MOST = 1000

#: Characters of the name of a token, and of a whole one as it is sent.
_LONGEST_NAME = 100
_LONGEST = 100

#: Seconds after which it is written down anew when a token was used.
_USED_EVERY = 60

_WORDS = {one.value: one for one in Permission if one is not Permission.ANYONE}


class Token(msgspec.Struct):
    """What is kept of a token. Times are Unix times in seconds.

    ``permissions`` are the words that it is limited to, ``None`` for all that its user may do.
    """

    user: str
    name: str
    digest: str
    created: float
    expires: float
    permissions: tuple[str, ...] | None = None
    used: float = 0.0

    def as_json(self, identifier: str) -> dict[str, object]:
        """What may be shown of it."""
        return {
            "ID": identifier,
            "User": self.user,
            "Name": self.name,
            "Created": _time(self.created),
            "Expires": _time(self.expires),
            "LastUse": _time(self.used) if self.used else None,
            "Permissions": None if self.permissions is None else list(self.permissions),
        }


class Tokens:
    """All tokens.

    Args:
        file: where they are.
        clock: Unix time.
        is_user: whether there is (still) a user of this name.
        tasks: what the server waits for before it stops.
    """

    def __init__(
        self,
        file: PrivateFile,
        *,
        clock: Callable[[], float],
        is_user: Callable[[str], bool],
        tasks: set[asyncio.Task[Any]] | None = None,
    ) -> None:
        self._file = file
        self._clock = clock
        self._is_user = is_user
        self._content: object = None
        self._known: dict[str, Token] = {}
        self._used: dict[str, float] = {}
        self._tasks: set[asyncio.Task[Any]] = set() if tasks is None else tasks

    async def find(self, text: str, address: str) -> Principal | None:
        """The one whom a token proves, ``None`` when it proves nobody."""
        token = self._right(text)
        if token is None:
            return None
        identifier = text.split("_", 2)[1]
        now = self._clock()
        if not token.created - 1 <= now < token.expires or not self._is_user(token.user):
            return None
        if now - max(self._used.get(identifier, 0.0), token.used) > _USED_EVERY:
            self._used[identifier] = now
            self._write_use(identifier, now)
        return Principal(
            token.user,
            Kind.TOKEN,
            address=address,
            narrowed=None if token.permissions is None else _permissions(token.permissions),
            detail=f"{token.name} ({identifier})" if token.name else identifier,
        )

    def create(
        self,
        user: str,
        *,
        name: str = "",
        life: int = USUAL_LIFE,
        permissions: Collection[str] | None = None,
    ) -> tuple[str, str]:
        """Make a token; answers its identifier and the token itself, which nobody can see again.

        Blocks: for threads.

        Args:
            life: seconds.
            permissions: the words that it is limited to.

        Raises:
            ParameterOutOfRangeError: a value that can't be, or too many tokens.
            HornburgError: the file can't be written.
        """
        _check(self._is_user(user), name, life, permissions)
        identifier = secrets.token_hex(6)
        secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
        now = self._clock()
        token = Token(
            user,
            name,
            _digest(secret),
            now,
            now + life,
            None if permissions is None else tuple(sorted(set(permissions))),
        )

        def add(content: dict[str, Any]) -> None:
            known = _decode(content)
            for key in [key for key, one in known.items() if one.expires <= now]:
                del content[key]
            if len(content) >= _MOST:
                raise ParameterOutOfRangeError(f"There are {_MOST} tokens, and no room for more")
            content[identifier] = msgspec.structs.asdict(token)

        self._file.change(add)
        log.info("token %s was made for %s", identifier, ascii(user))
        return identifier, f"{PREFIX}{identifier}_{secret}"

    def revoke(self, identifier: str, user: str | None = None) -> None:
        """Make a token worthless at once. Blocks: for threads.

        Args:
            user: whose it has to be; ``None`` for anybody's.

        Raises:
            InexistentItemError: there is none of that identifier.
            HornburgError: the file can't be written.
        """

        def remove(content: dict[str, Any]) -> None:
            token = _decode(content).get(identifier)
            if token is None or (user is not None and token.user != user):
                raise InexistentItemError(f"There is no token {identifier[:64]!r}")
            del content[identifier]

        self._file.change(remove)
        log.info("token %s was revoked", identifier)

    def all(self, user: str | None = None) -> list[dict[str, object]]:
        """What may be shown of the tokens (of a user), the oldest first.

        Raises:
            HornburgError: the file can't be read.
        """
        found = sorted(self._load().items(), key=lambda item: (item[1].created, item[0]))
        return [one.as_json(key) for key, one in found if user is None or one.user == user]

    def _right(self, text: str) -> Token | None:
        parts = text.split("_", 2)
        if len(parts) != 3 or len(text) > _LONGEST:
            return None
        try:
            token = self._load().get(parts[1])
        except HornburgError as error:
            log.error("no token is good: %s", error)
            return None
        # As much work for an unknown identifier.
        known = token.digest if token is not None else "0" * 64
        right = hmac.compare_digest(known, _digest(parts[2]))
        return token if right else None

    def _load(self) -> dict[str, Token]:
        content = self._file.content()
        if content is not self._content:
            self._known = _decode(content)
            self._content = content
        return self._known

    def _write_use(self, identifier: str, now: float) -> None:
        def note(content: dict[str, Any]) -> None:
            if isinstance(content.get(identifier), dict):
                content[identifier]["used"] = now

        async def write() -> None:
            try:
                await asyncio.to_thread(self._file.change, note)
            except HornburgError as error:
                log.error("the use of a token is not written down: %s", error)

        task = asyncio.ensure_future(write())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check(is_user: bool, name: str, life: int, permissions: Collection[str] | None) -> None:
    if not is_user:
        raise ParameterOutOfRangeError("There is no user of that name (RegisteredUsers)")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise ParameterOutOfRangeError(
            f"The name of a token has at most {_LONGEST_NAME} printable characters"
        )
    if not 1 <= life <= LONGEST_LIFE:
        raise ParameterOutOfRangeError(f"A token is good for 1 to {LONGEST_LIFE} seconds")
    unknown = [word for word in permissions or () if word not in _WORDS]
    if unknown:
        raise ParameterOutOfRangeError(
            f"No permission is called {unknown[0][:64]!a}; allowed are {', '.join(_WORDS)}"
        )


def _permissions(words: Collection[str]) -> frozenset[Permission]:
    return frozenset(_WORDS[word] for word in words if word in _WORDS)


def _decode(content: dict[str, Any]) -> dict[str, Token]:
    try:
        return msgspec.convert(content, dict[str, Token], strict=True)
    except msgspec.ValidationError as error:
        raise HornburgError(f"The tokens that were kept can't be read: {error}") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _time(stamp: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stamp))

"""Guessing is slowed: after some failures each further one costs a longer wait.

Failures are counted for an address, and for an address together with a user. They are not counted
for a user alone: whoever knows a name could then keep its owner out, from anywhere. The right
password takes back the failures of its user from that address, and no others: an attacker with an
account of their own wins nothing by logging in between guesses.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from hornburg.errors import HornburgError, Outside

__all__ = ["Throttle", "TooManyAttemptsError", "network_of"]

#: Failures that cost no wait: of one user from one address, and of one address.
_FREE_OF_USER = 5
_FREE_OF_ADDRESS = 20

#: Seconds: the longest wait, and how long a failure is remembered after the last one.
_LONGEST_WAIT = 300
_MEMORY = 3600

#: Callers that are remembered; beyond, those whose last failure is longest ago are forgotten.
_MOST = 20_000

#: Users of one address of these: a flood of made-up names makes nobody else's failures forgotten.
_MOST_OF_ADDRESS = 200

#: Characters of a name that count; nobody has a longer one.
_LONGEST_NAME = 256

_Key = tuple[str, str | None]


class TooManyAttemptsError(HornburgError):
    """Too many failures; ``seconds`` until the next try is looked at (``Retry-After``).

    ``user`` is whose password was tried, if there is such a user.
    """

    outside = Outside(HTTPStatus.TOO_MANY_REQUESTS, 29, "Too many wrong credentials", 0x0124)

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong credentials from there: wait {seconds} seconds")
        self.seconds = seconds
        self.user = ""


@dataclass(slots=True)
class _Count:
    """``shared`` are those failures of a user that count for the address, too."""

    failures: int = 0
    until: float = 0.0
    last: float = 0.0
    shared: int = 0


class Throttle:
    """Counts failures.

    Args:
        clock: seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float], most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._counts: OrderedDict[_Key, _Count] = OrderedDict()
        self._users: dict[str, set[str]] = {}

    def refuse(self, address: str) -> None:
        """Ask before credentials are looked at.

        Raises:
            TooManyAttemptsError: this address has to wait.
        """
        self._refuse((network_of(address), None))

    def refuse_user(self, address: str, user: str) -> None:
        """The same for one user, whatever else was tried from this address.

        Raises:
            TooManyAttemptsError: this user from this address has to wait.
        """
        self._refuse((network_of(address), user[:_LONGEST_NAME]))

    def failed(self, address: str, user: str) -> bool:
        """Count a failure; answers whether this user from this address has to wait now.

        To be called before the answer of a check is known, and taken back by :meth:`right`, so
        that many tries at the same time are as many failures.

        One user is not more than five failures to the address: a program with an old password,
        which tries for ever, must not shut out its neighbours.
        """
        shared = self._failures(address, user) < _FREE_OF_USER
        if shared:
            self._count((network_of(address), None), _FREE_OF_ADDRESS)
        return self._count((network_of(address), user[:_LONGEST_NAME]), _FREE_OF_USER, shared)

    def failed_user(self, address: str, user: str) -> bool:
        """The same without counting it for the address."""
        return self._count((network_of(address), user[:_LONGEST_NAME]), _FREE_OF_USER)

    def right(self, address: str, user: str) -> None:
        """The credentials of this user were right."""
        place = network_of(address)
        gone = self._drop((place, user[:_LONGEST_NAME]))
        whole = self._counts.get((place, None))
        if gone is None or whole is None:
            return
        whole.failures -= gone.shared
        if whole.failures <= _FREE_OF_ADDRESS:
            whole.until = 0.0
        if whole.failures <= 0:
            self._drop((place, None))

    def __len__(self) -> int:
        return len(self._counts)

    def _refuse(self, key: _Key) -> None:
        count = self._counts.get(key)
        wait = 0.0 if count is None else count.until - self._clock()
        if wait > 0:
            raise TooManyAttemptsError(math.ceil(wait))

    def _failures(self, address: str, user: str) -> int:
        count = self._counts.get((network_of(address), user[:_LONGEST_NAME]))
        fresh = count is not None and self._clock() - count.last <= _MEMORY
        return count.failures if fresh and count is not None else 0

    def _count(self, key: _Key, free: int, shared: bool = False) -> bool:
        now = self._clock()
        count = self._drop(key)
        if count is None and key[1] is not None and self._is_full(key[0], now):
            # Who can't be counted has to wait.
            return True
        if count is None or now - count.last > _MEMORY:
            count = _Count()
        count.failures += 1
        count.shared += shared
        count.last = now
        above = count.failures - free
        if above > 0:
            # 1, 2, 4 … seconds; a power beyond any bound would be a large number for nothing.
            count.until = now + min(1 << min(above - 1, 16), _LONGEST_WAIT)
        self._counts[key] = count
        if key[1] is not None:
            self._users.setdefault(key[0], set()).add(key[1])
        while len(self._counts) > self._most:
            self._drop(next(iter(self._counts)))
        return above > 0

    def _is_full(self, place: str, now: float) -> bool:
        """Whether no more users of an address are counted."""
        users = self._users.get(place, set())
        if len(users) < _MOST_OF_ADDRESS:
            return False
        for user in [one for one in users if now - self._counts[(place, one)].last > _MEMORY]:
            self._drop((place, user))
        return len(users) >= _MOST_OF_ADDRESS

    def _drop(self, key: _Key) -> _Count | None:
        count = self._counts.pop(key, None)
        place, user = key
        if count is not None and user is not None:
            self._users[place].discard(user)
            if not self._users[place]:
                del self._users[place]
        return count


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 of an IPv6 address, which is what
    one household has (RFC 6177)."""
    if ":" not in address:
        return address
    try:
        seen = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if seen.ipv4_mapped is not None:
        return str(seen.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(seen) >> 64 << 64, 64)))

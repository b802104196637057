"""How many connections each address has, so that one can't take them all."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable

from hornburg.security.addresses import parse_address
from hornburg.security.complaints import Complaints
from hornburg.security.proxies import is_trusted, trusted_networks
from hornburg.security.throttle import network_of

__all__ = ["Crowd"]

log = logging.getLogger("hornburg.rest")


class Crowd:
    """Counts connections by address, IPv6 by network.

    Args:
        most: of one address; 0 is no limit.
        proxies: addresses and networks that bring the connections of others, and have no limit.
    """

    def __init__(self, most: int, proxies: Iterable[str] = ()) -> None:
        self._most = most
        self._proxies = trusted_networks(proxies)
        self._here: Counter[str] = Counter()
        self._complaints = Complaints(log)

    def enter(self, address: str) -> bool:
        """Whether there is room for one more of this address; if so, :meth:`leave` is due."""
        place = network_of(address)
        if (
            self._most
            and self._here[place] >= self._most
            and not is_trusted(parse_address(address), self._proxies)
        ):
            self._complaints.tell(
                address, f"it has {self._most} already (HttpMaximumConnectionsPerAddress)"
            )
            return False
        self._here[place] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection that had entered is gone."""
        place = network_of(address)
        self._here[place] -= 1
        if not self._here[place]:
            del self._here[place]

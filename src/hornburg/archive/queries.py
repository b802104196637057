"""The queries to other application entities whose answers can be asked for later.

Source: Orthanc Book, users/rest, "Performing Query/Retrieve".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from hornburg.archive.remote import Target
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements
from hornburg.dicom.levels import Level
from hornburg.errors import ParameterOutOfRangeError, UnknownResourceError

__all__ = ["Queries", "StoredQuery"]

#: Bytes of answers that all queries together may hold; the oldest queries go first.
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A query and what came back. ``query`` is as the user wrote it, ``owner`` the account that
    asked."""

    target: Target
    level: Level
    query: Elements
    answers: tuple[DataSet, ...]
    owner: str = ""

    @property
    def size(self) -> int:
        """The bytes that the answers hold."""
        return sum(len(answer.buffer) for answer in self.answers)

    def answer(self, number: int) -> DataSet:
        """One answer, from 0.

        Raises:
            ParameterOutOfRangeError: there is no such answer.
        """
        if not 0 <= number < len(self.answers):
            raise ParameterOutOfRangeError(
                f"There is no answer {number}: the query has {len(self.answers)}"
            )
        return self.answers[number]


class Queries:
    """At most ``most`` queries, the one that was used least recently forgotten first.

    Methods that are given an ``owner`` know the queries of that account alone.
    """

    def __init__(self, most: int, *, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._queries: dict[str, StoredQuery] = {}

    def ids(self, owner: str | None = None) -> list[str]:
        """The identifiers, sorted."""
        return sorted(
            public_id
            for public_id, query in self._queries.items()
            if owner is None or query.owner == owner
        )

    def add(self, query: StoredQuery) -> str:
        """Remember a query; answers its identifier."""
        public_id = str(uuid.uuid4())
        self._queries[public_id] = query
        self._bytes += query.size
        while len(self._queries) > self._most or (
            self._bytes > self._most_bytes and len(self._queries) > 1
        ):
            self.remove(next(iter(self._queries)))
        return public_id

    def get(self, public_id: str, owner: str | None = None) -> StoredQuery:
        """A query by its identifier.

        Raises:
            UnknownResourceError: there is none, or it is forgotten already.
        """
        query = self._queries.get(public_id)
        if query is None or (owner is not None and query.owner != owner):
            raise UnknownResourceError(f"There is no query {public_id[:64]!r}")
        # Behind all others: it was used last.
        self._queries[public_id] = self._queries.pop(public_id)
        return query

    def remove(self, public_id: str) -> None:
        """Forget a query; one that isn't there is no error."""
        query = self._queries.pop(public_id, None)
        if query is not None:
            self._bytes -= query.size

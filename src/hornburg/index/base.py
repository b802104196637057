"""The index as the rest of the server sees it: an async port, and the values that cross it.

Work is a plain function that is given a :class:`Reader` or a :class:`Writer`. A read may run on
the event loop when it is a point look-up (tens of microseconds), and on a thread when it is not;
a write runs in the one writer, several of them sharing one commit. A write function may be run
again and must not keep what an earlier run left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from hornburg.dicom.levels import Level
from hornburg.index.values import (
    MOST_METADATA_CHARACTERS,
    Attachment,
    Bounds,
    Change,
    Compression,
    Condition,
    Counts,
    Deletion,
    Export,
    Line,
    Match,
    MetadataValue,
    NewInstance,
    OrderBy,
    Query,
    Resource,
    ResourceStatistics,
    Scope,
    Statistics,
    Stored,
)

__all__ = [
    "MOST_METADATA_CHARACTERS",
    "Attachment",
    "Bounds",
    "Change",
    "Compression",
    "Condition",
    "Counts",
    "Deletion",
    "Export",
    "Index",
    "Line",
    "Match",
    "MetadataValue",
    "NewInstance",
    "OrderBy",
    "Query",
    "Reader",
    "Resource",
    "ResourceStatistics",
    "Scope",
    "Statistics",
    "Stored",
    "Writer",
]

T = TypeVar("T")


class Reader(ABC):
    """What can be asked of the index. A missing resource is ``None``, never an error.

    A ``scope`` says what is looked at; what is beyond is as if it were not there.
    """

    @property
    def whole(self) -> Reader:
        """The same without bounds, for what the server has to know for itself (quotas)."""
        return self

    @abstractmethod
    def within(self, level: Level, public_ids: Sequence[str], scope: Scope) -> set[str]:
        """Those of the resources of a level that are there and within the scope."""

    @abstractmethod
    def resource(self, level: Level, public_id: str) -> Resource | None:
        """One resource with all that an answer about it needs."""

    @abstractmethod
    def find(self, query: Query) -> list[Resource]:
        """The resources that match, in index order unless ordered otherwise."""

    @abstractmethod
    def find_ids(self, query: Query) -> list[str]:
        """The public identifiers of what matches."""

    @abstractmethod
    def lines(
        self, level: Level, public_ids: Sequence[str], top: Level, metadata: str = ""
    ) -> list[Line]:
        """Many resources of a level, in the order given; those that are not there are left out.

        Args:
            level: their level.
            public_ids: which of them.
            top: the highest level that is shown.
            metadata: the name of a metadata that is shown.
        """

    @abstractmethod
    def counts(
        self, level: Level, public_ids: Sequence[str], *, modalities: bool = False
    ) -> dict[str, Counts]:
        """What is below patients, studies or series, by public identifier."""

    @abstractmethod
    def count(self, query: Query) -> int:
        """How many match; ``since`` and ``limit`` are not looked at."""

    @abstractmethod
    def level_of(self, public_id: str) -> Level | None:
        """The level at which an identifier exists."""

    @abstractmethod
    def lookup(self, value: str) -> list[tuple[Level, str]]:
        """Resources whose DICOM identifier is the value, without case and accents."""

    @abstractmethod
    def attachments(self, level: Level, public_id: str) -> list[Attachment] | None:
        """All attachments of a resource, by number."""

    @abstractmethod
    def attachment(self, level: Level, public_id: str, number: int) -> Attachment | None:
        """One attachment of a resource."""

    @abstractmethod
    def metadata(self, level: Level, public_id: str) -> dict[str, MetadataValue] | None:
        """All metadata of a resource, by name."""

    @abstractmethod
    def all_labels(self, scope: Scope = None) -> tuple[str, ...]:
        """Every label in use, sorted."""

    @abstractmethod
    def statistics(self, scope: Scope = None) -> Statistics:
        """What the archive holds; without a scope, without a scan."""

    @abstractmethod
    def resource_statistics(self, level: Level, public_id: str) -> ResourceStatistics | None:
        """What one resource holds."""

    @abstractmethod
    def changes(
        self,
        since: int,
        to: int | None,
        limit: int,
        types: Sequence[str],
        last: bool,
        scope: Scope = None,
    ) -> list[Change]:
        """At most ``limit`` entries after ``since`` and up to and with ``to``, oldest first.

        With ``last``, or with ``to`` and no ``since`` (0), they are the newest ones, still oldest
        first. ``limit`` 0 is as many as one answer may hold (100,000). Ask for one more than you
        show: if it comes, there is more (at the end, or, among the newest, at the beginning).
        """

    @abstractmethod
    def last_change(self) -> int:
        """The number of the newest change ever written."""

    @abstractmethod
    def exports(self, since: int, limit: int, last: bool) -> list[Export]:
        """Entries of the log of exports after ``since``, as :meth:`changes` gives them."""

    @abstractmethod
    def removals(self, limit: int) -> list[str]:
        """Identifiers of files that no longer belong to anything and may still lie there.

        Whatever takes a file from the index notes it here in the same transaction; remove the
        file, then tell with :meth:`Writer.removed`. After a crash these are left to do.
        """

    @abstractmethod
    def property(self, name: str) -> str | None:
        """A value that belongs to the whole archive."""

    @abstractmethod
    def known_uuids(self, uuids: Sequence[str]) -> set[str]:
        """Those of the given attachment identifiers that the index knows."""

    @abstractmethod
    def oldest_unprotected_patient(self, besides: str | None) -> str | None:
        """The patient that recycling removes next, never ``besides``."""

    @abstractmethod
    def dicom_locations(self, level: Level, public_id: str) -> list[tuple[str, Attachment]]:
        """(instance, its DICOM attachment) for every instance of a resource."""


class Writer(Reader):
    """What can be changed, inside a transaction."""

    @property
    def whole(self) -> Writer:
        """The same without bounds."""
        return self

    @abstractmethod
    def store(self, new: NewInstance) -> Stored:
        """Add an instance and whatever of its ancestors is missing, with the changes."""

    @abstractmethod
    def delete(self, level: Level, public_id: str) -> Deletion | None:
        """Remove a resource, what is below it, and ancestors that are left empty."""

    @abstractmethod
    def set_metadata(self, level: Level, public_id: str, number: int, value: str) -> int | None:
        """Set a metadata and answer its new revision, from 0.

        Raises:
            TooLargeError: more than ``MOST_METADATA_CHARACTERS``.
        """

    @abstractmethod
    def delete_metadata(self, level: Level, public_id: str, number: int) -> bool:
        """Remove a metadata; tells whether it was there."""

    @abstractmethod
    def put_attachment(
        self, level: Level, public_id: str, attachment: Attachment
    ) -> tuple[int, str | None] | None:
        """Set an attachment; answers its revision and the identifier of the file it replaces."""

    @abstractmethod
    def delete_attachment(self, level: Level, public_id: str, number: int) -> str | None:
        """Remove an attachment; answers the identifier of its file."""

    @abstractmethod
    def set_label(self, level: Level, public_id: str, label: str, present: bool) -> bool:
        """Add or remove a label; tells whether the resource exists."""

    @abstractmethod
    def set_protected(self, public_id: str, protected: bool) -> bool:
        """Protect a patient from recycling; tells whether it exists."""

    @abstractmethod
    def log_change(self, kind: str, level: Level, public_id: str, date: str) -> None:
        """Append to the log of changes; of a resource that is not there, nothing is said."""

    @abstractmethod
    def clear_changes(self) -> None:
        """Empty the log of changes; numbers go on."""

    @abstractmethod
    def log_export(self, export: Export) -> None:
        """Append to the log of exports; ``seq`` is given by the log."""

    @abstractmethod
    def clear_exports(self) -> None:
        """Empty the log of exports; numbers go on."""

    @abstractmethod
    def removed(self, uuids: Sequence[str]) -> None:
        """These files are gone: :meth:`Reader.removals` needs no longer name them."""

    @abstractmethod
    def settle(self, quiet_since: float, date: str, limit: int) -> list[tuple[Level, str]]:
        """Mark as stable what received nothing after ``quiet_since`` (Unix time), and log it."""

    @abstractmethod
    def set_property(self, name: str, value: str) -> None:
        """Set a value that belongs to the whole archive."""


class Index(ABC):
    """The port.

    ``generation`` is another number after each change, so that what was made of the index before
    can be used again as long as it stays; ``None`` when changes may come from elsewhere.
    """

    generation: int | None = None

    @abstractmethod
    async def open(self) -> None:
        """Make ready: check the version, bring the schema up to date.

        Raises:
            IncompatibleDatabaseError: another program's index, a newer one, or one in use.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what was accepted, then let go; what comes later gets a DatabaseError."""

    @abstractmethod
    async def look(self, work: Callable[[Reader], T]) -> T:
        """Run a point look-up, at once, on the event loop: tens of microseconds, no scan.

        Each question sees the newest commit; for several on one snapshot there is ``read``.
        """

    def look_now(self, work: Callable[[Reader], T | None]) -> T | None:
        """The same without a coroutine; ``None`` also when the backend can't answer at once."""
        return None

    @abstractmethod
    async def read(self, work: Callable[[Reader], T]) -> T:
        """Run a read that may take long, off the event loop, on one snapshot."""

    @abstractmethod
    async def write(
        self, work: Callable[[Writer], T], *, needs: str | None = None, quick: bool = False
    ) -> T:
        """Run a change; when this returns it is durable.

        A caller that stops waiting does not undo it. ``needs`` is a file that must be
        durable before the change is, and that the change itself may write. Changes that wait
        together share that flush too. A ``quick`` change takes less than handing it to another
        thread, so it may run on the event loop. With ``needs`` it may do nothing but store an
        instance: when the storage keeps a note of that one, the note is durable in its place.

        Raises:
            StorageFullError: no room on the disk.
            UnavailableError: too many changes wait already.
            DatabaseError: the index can't be written.
        """

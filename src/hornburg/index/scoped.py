"""An index of which only a part is to be seen, over any other.

What is beyond the scope does not exist: look-ups find nothing, lists and sums leave it out,
changes of it do nothing. Whoever is given such an index can't forget to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hornburg.dicom.levels import Level
from hornburg.errors import ForbiddenError
from hornburg.index.base import (
    Attachment,
    Change,
    Counts,
    Deletion,
    Export,
    Index,
    Line,
    MetadataValue,
    NewInstance,
    Query,
    Reader,
    Resource,
    ResourceStatistics,
    Scope,
    Statistics,
    Stored,
    Writer,
)

__all__ = ["ScopedIndex", "ScopedReader", "ScopedWriter"]

T = TypeVar("T")

#: Entries of the log of exports that are looked at together.
_PAGE = 500
_MOST_EXPORTS = 100_000


class ScopedReader(Reader):
    """What is within ``scope`` of what another reader sees."""

    def __init__(self, inner: Reader, scope: Scope) -> None:
        self._inner = inner
        self._scope = scope

    @property
    def whole(self) -> Reader:
        return self._inner.whole

    def _sees(self, level: Level, public_id: str) -> bool:
        return bool(self._inner.within(level, (public_id,), self._scope))

    def _studies(self, patient: str) -> list[str]:
        """The studies of a patient that are within, in index order."""
        query = Query(Level.STUDY, ancestor=(Level.PATIENT, patient), scope=self._scope)
        return self._inner.find_ids(query)

    def _with_children(self, resources: list[Resource]) -> list[Resource]:
        """Patients have the children that are within; all those of the others are."""
        patients = [one for one in resources if one.level is Level.PATIENT]
        if patients:
            children = [each for one in patients for each in one.children]
            seen = self._inner.within(Level.STUDY, children, self._scope)
            for one in patients:
                one.children = tuple(each for each in one.children if each in seen)
        return resources

    def within(self, level: Level, public_ids: Sequence[str], scope: Scope) -> set[str]:
        seen = self._inner.within(level, public_ids, self._scope)
        return seen if scope is None else self._inner.within(level, tuple(seen), scope)

    def resource(self, level: Level, public_id: str) -> Resource | None:
        if not self._sees(level, public_id):
            return None
        resource = self._inner.resource(level, public_id)
        return None if resource is None else self._with_children([resource])[0]

    def find(self, query: Query) -> list[Resource]:
        return self._with_children(self._inner.find(self._narrowed(query)))

    def find_ids(self, query: Query) -> list[str]:
        return self._inner.find_ids(self._narrowed(query))

    def count(self, query: Query) -> int:
        return self._inner.count(self._narrowed(query))

    def _narrowed(self, query: Query) -> Query:
        return replace(query, scope=self._own(query.scope))

    def _own(self, scope: Scope) -> Scope:
        # One scope in another would need both; nobody asks so.
        if scope is not None and scope != self._scope:
            raise ForbiddenError("What is narrowed already can't be narrowed otherwise")
        return self._scope

    def lines(
        self, level: Level, public_ids: Sequence[str], top: Level, metadata: str = ""
    ) -> list[Line]:
        seen = self._inner.within(level, public_ids, self._scope)
        return self._inner.lines(
            level, [each for each in public_ids if each in seen], top, metadata
        )

    def counts(
        self, level: Level, public_ids: Sequence[str], *, modalities: bool = False
    ) -> dict[str, Counts]:
        seen = self._inner.within(level, public_ids, self._scope)
        ids = [each for each in public_ids if each in seen]
        if level is not Level.PATIENT:
            return self._inner.counts(level, ids, modalities=modalities)
        answers = {}
        for patient in ids:
            studies = self._studies(patient)
            below = self._inner.counts(Level.STUDY, studies, modalities=modalities).values()
            answers[patient] = Counts(
                len(studies),
                sum(one.series for one in below),
                sum(one.instances for one in below),
                tuple(sorted({each for one in below for each in one.modalities})),
            )
        return answers

    def level_of(self, public_id: str) -> Level | None:
        level = self._inner.level_of(public_id)
        return level if level is not None and self._sees(level, public_id) else None

    def lookup(self, value: str) -> list[tuple[Level, str]]:
        return [one for one in self._inner.lookup(value) if self._sees(*one)]

    def attachments(self, level: Level, public_id: str) -> list[Attachment] | None:
        return self._inner.attachments(level, public_id) if self._sees(level, public_id) else None

    def attachment(self, level: Level, public_id: str, number: int) -> Attachment | None:
        if not self._sees(level, public_id):
            return None
        return self._inner.attachment(level, public_id, number)

    def metadata(self, level: Level, public_id: str) -> dict[str, MetadataValue] | None:
        return self._inner.metadata(level, public_id) if self._sees(level, public_id) else None

    def all_labels(self, scope: Scope = None) -> tuple[str, ...]:
        return self._inner.all_labels(self._own(scope))

    def statistics(self, scope: Scope = None) -> Statistics:
        return self._inner.statistics(self._own(scope))

    def resource_statistics(self, level: Level, public_id: str) -> ResourceStatistics | None:
        if not self._sees(level, public_id):
            return None
        if level is not Level.PATIENT:
            return self._inner.resource_statistics(level, public_id)
        studies = self._studies(public_id)
        found = [self._inner.resource_statistics(Level.STUDY, each) for each in studies]
        below = [one for one in found if one is not None]
        own = self._inner.attachments(level, public_id) or ()
        return ResourceStatistics(
            len(below),
            sum(one.series for one in below),
            sum(one.instances for one in below),
            sum(one.disk_size for one in below) + sum(one.compressed_size for one in own),
            sum(one.uncompressed_size for one in below) + sum(one.size for one in own),
            sum(one.dicom_disk_size for one in below),
            sum(one.dicom_uncompressed_size for one in below),
        )

    def changes(
        self,
        since: int,
        to: int | None,
        limit: int,
        types: Sequence[str],
        last: bool,
        scope: Scope = None,
    ) -> list[Change]:
        return self._inner.changes(since, to, limit, types, last, self._own(scope))

    def last_change(self) -> int:
        newest = self.changes(0, None, 1, (), True)
        return newest[-1].seq if newest else 0

    def exports(self, since: int, limit: int, last: bool) -> list[Export]:
        """Entries of what is still there and within; what is gone belongs to nobody."""
        most = limit if 0 < limit < _MOST_EXPORTS else _MOST_EXPORTS
        found: list[Export] = []
        if last:
            size = _PAGE
            while True:
                page = self._inner.exports(since, size, True)
                found = self._shown(page)
                if len(found) >= most or len(page) < size or size >= _MOST_EXPORTS:
                    return found[-most:]
                size = min(size * 8, _MOST_EXPORTS)
        while len(found) < most and (page := self._inner.exports(since, _PAGE, False)):
            found += self._shown(page)
            since = page[-1].seq
        return found[:most]

    def _shown(self, page: Sequence[Export]) -> list[Export]:
        seen = {
            level: self._inner.within(
                level, [one.public_id for one in page if one.level is level], self._scope
            )
            for level in {one.level for one in page}
        }
        return [one for one in page if one.public_id in seen[one.level]]

    def removals(self, limit: int) -> list[str]:
        raise _not_narrowed("The list of files to remove")

    def property(self, name: str) -> str | None:
        raise _not_narrowed("A property of the archive")

    def known_uuids(self, uuids: Sequence[str]) -> set[str]:
        raise _not_narrowed("The list of files")

    def oldest_unprotected_patient(self, besides: str | None) -> str | None:
        raise _not_narrowed("Recycling")

    def dicom_locations(self, level: Level, public_id: str) -> list[tuple[str, Attachment]]:
        if not self._sees(level, public_id):
            return []
        if level is not Level.PATIENT:
            return self._inner.dicom_locations(level, public_id)
        return [
            one
            for study in self._studies(public_id)
            for one in self._inner.dicom_locations(Level.STUDY, study)
        ]


def _not_narrowed(what: str) -> ForbiddenError:
    return ForbiddenError(f"{what} is for those alone who may see the whole archive")


def _not_within() -> ForbiddenError:
    return ForbiddenError("Instances of this patient, study or label may not be stored")


class ScopedWriter(ScopedReader, Writer):
    """Changes of what is within; a patient is changed by those alone who see all of it."""

    def __init__(self, inner: Writer, scope: Scope) -> None:
        super().__init__(inner, scope)
        self._writer = inner

    @property
    def whole(self) -> Writer:
        return self._writer.whole

    def _may_change(self, level: Level, public_id: str) -> bool:
        """Whether a resource is within.

        Raises:
            ForbiddenError: only a part of a patient is. A label on it would reach the other part.
        """
        if not self._sees(level, public_id):
            return False
        if level is Level.PATIENT and not self._sees_all_of(public_id):
            raise ForbiddenError(
                "Only some studies of this patient may be changed, not the patient"
            )
        return True

    def _sees_all_of(self, patient: str) -> bool:
        resource = self._inner.resource(Level.PATIENT, patient)
        studies = () if resource is None else resource.children
        return len(self._inner.within(Level.STUDY, studies, self._scope)) == len(studies)

    def store(self, new: NewInstance) -> Stored:
        """Add an instance to a study that is within, or that is afterwards.

        Raises:
            ForbiddenError: it isn't, or it would show a patient who is not seen; all of this
                transaction is undone.
        """
        study, patient = new.public_ids[Level.STUDY], new.public_ids[Level.PATIENT]
        # A study that loses its only instance to a newer one loses its labels too.
        was_within = self._sees(Level.STUDY, study)
        hides = not was_within and self._hides(patient)
        stored = self._writer.store(new)
        if not was_within and not self._sees(Level.STUDY, study):
            raise _not_within()
        if hides and not self._is_by_patient(study):
            # Whoever brings a study writes its UID, and whose it is.
            raise _not_within()
        return stored

    def _hides(self, patient: str) -> bool:
        there = bool(self._inner.within(Level.PATIENT, (patient,), None))
        return there and not self._sees(Level.PATIENT, patient)

    def _is_by_patient(self, study: str) -> bool:
        """Whether bounds that name the patient hold a study."""
        bounds = tuple(one for one in self._scope or () if one.patients)
        return bool(self._inner.within(Level.STUDY, (study,), bounds))

    def delete(self, level: Level, public_id: str) -> Deletion | None:
        if not self._sees(level, public_id):
            return None
        if level is Level.PATIENT and not self._sees_all_of(public_id):
            return self._delete_studies(public_id)
        deletion = self._writer.delete(level, public_id)
        if deletion is None or deletion.remaining is None or self._sees(*deletion.remaining):
            return deletion
        return Deletion(deletion.uuids, None)

    def _delete_studies(self, patient: str) -> Deletion:
        """The part of a patient that is within; the other part stays, unsaid."""
        uuids: list[str] = []
        for study in self._studies(patient):
            deletion = self._writer.delete(Level.STUDY, study)
            uuids += () if deletion is None else deletion.uuids
        return Deletion(tuple(uuids), None)

    def set_metadata(self, level: Level, public_id: str, number: int, value: str) -> int | None:
        if not self._may_change(level, public_id):
            return None
        return self._writer.set_metadata(level, public_id, number, value)

    def delete_metadata(self, level: Level, public_id: str, number: int) -> bool:
        return self._may_change(level, public_id) and self._writer.delete_metadata(
            level, public_id, number
        )

    def put_attachment(
        self, level: Level, public_id: str, attachment: Attachment
    ) -> tuple[int, str | None] | None:
        if not self._may_change(level, public_id):
            return None
        return self._writer.put_attachment(level, public_id, attachment)

    def delete_attachment(self, level: Level, public_id: str, number: int) -> str | None:
        if not self._may_change(level, public_id):
            return None
        return self._writer.delete_attachment(level, public_id, number)

    def set_label(self, level: Level, public_id: str, label: str, present: bool) -> bool:
        return self._may_change(level, public_id) and self._writer.set_label(
            level, public_id, label, present
        )

    def set_protected(self, public_id: str, protected: bool) -> bool:
        return self._may_change(Level.PATIENT, public_id) and self._writer.set_protected(
            public_id, protected
        )

    def log_change(self, kind: str, level: Level, public_id: str, date: str) -> None:
        if self._sees(level, public_id):
            self._writer.log_change(kind, level, public_id, date)

    def clear_changes(self) -> None:
        raise _not_narrowed("The log of changes")

    def log_export(self, export: Export) -> None:
        self._writer.log_export(export)

    def clear_exports(self) -> None:
        raise _not_narrowed("The log of exports")

    def removed(self, uuids: Sequence[str]) -> None:
        self._writer.removed(uuids)

    def settle(self, quiet_since: float, date: str, limit: int) -> list[tuple[Level, str]]:
        raise _not_narrowed("What is stable")

    def set_property(self, name: str, value: str) -> None:
        raise _not_narrowed("A property of the archive")


class ScopedIndex(Index):
    """A view of an index that others open and close.

    It has no ``generation``: what is made of it is kept for nobody else.
    """

    def __init__(self, inner: Index, scope: Scope) -> None:
        self._inner = inner
        self._scope = scope

    async def open(self) -> None:
        raise NotImplementedError("a view is open as long as its index is")

    async def close(self) -> None:
        raise NotImplementedError("a view is closed with its index")

    async def look(self, work: Callable[[Reader], T]) -> T:
        return await self._inner.look(lambda reader: work(ScopedReader(reader, self._scope)))

    def look_now(self, work: Callable[[Reader], T | None]) -> T | None:
        return self._inner.look_now(lambda reader: work(ScopedReader(reader, self._scope)))

    async def read(self, work: Callable[[Reader], T]) -> T:
        return await self._inner.read(lambda reader: work(ScopedReader(reader, self._scope)))

    async def write(
        self, work: Callable[[Writer], T], *, needs: str | None = None, quick: bool = False
    ) -> T:
        return await self._inner.write(
            lambda writer: work(ScopedWriter(writer, self._scope)), needs=needs, quick=quick
        )

"""Storage commitments that we asked for, and what became of them.

Source: PS3.4 annex J; Orthanc Book, users/storage-commitment.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from hornburg.archive.remote import Failed, Reference
from hornburg.errors import InexistentItemError

__all__ = ["CONFLICT", "MISSING", "Commitments", "Report", "Status", "reason"]

log = logging.getLogger("hornburg.archive")

MISSING = 0x0112
"""Failure reason: there is no such instance."""

CONFLICT = 0x0119
"""Failure reason: the instance is there, and is of another SOP class."""

_REASONS = {
    0x0110: "The instance could not be processed",
    MISSING: "The instance is not there",
    0x0213: "The other side lacks the resources to store the instance",
    0x0122: "The SOP class is not supported",
    CONFLICT: "The instance is of another SOP class",
    0x0131: "The transaction UID is in use already",
}


def reason(number: int) -> str:
    """A failure reason of PS3.3 C.14.1.1 in words."""
    return _REASONS.get(number, "The other side gave a reason that the standard doesn't know")


class Status(enum.Enum):
    """What became of a transaction, in Orthanc's words."""

    PENDING = "Pending"
    SUCCESS = "Success"
    FAILURE = "Failure"


@dataclass(slots=True)
class Report:
    """One transaction: what was asked of whom, and what they answered so far."""

    remote_aet: str
    asked: frozenset[Reference]
    success: tuple[Reference, ...] = ()
    failed: tuple[Failed, ...] = ()
    complete: bool = field(default=False)

    @property
    def status(self) -> Status:
        """Success only if the other side answered for every instance, and well."""
        if not self.complete:
            return Status.PENDING
        return Status.FAILURE if self.failed else Status.SUCCESS


#: Instances of all transactions together: some 200 MB.
_MOST_REFERENCES = 500_000


class Commitments:
    """At most ``most`` transactions, the oldest forgotten first; fewer when they are very large."""

    def __init__(self, most: int, *, most_references: int = _MOST_REFERENCES) -> None:
        self._most = most
        self._most_references = most_references
        self._references = 0
        self._reports: dict[str, Report] = {}

    def expect(
        self, transaction_uid: str, remote_aet: str, references: Sequence[Reference]
    ) -> None:
        """Note a request before it goes out: the report may come back before its answer."""
        report = Report(remote_aet, frozenset(references))
        self._reports[transaction_uid] = report
        self._references += len(report.asked)
        while len(self._reports) > self._most or (
            self._references > self._most_references and len(self._reports) > 1
        ):
            self.forget(next(iter(self._reports)))

    def forget(self, transaction_uid: str) -> None:
        """The request did not get through."""
        report = self._reports.pop(transaction_uid, None)
        if report is not None:
            self._references -= len(report.asked)

    def report(
        self,
        transaction_uid: str,
        remote_aet: str,
        success: Sequence[Reference],
        failed: Sequence[Failed],
    ) -> bool:
        """Take a report of another application entity; whether it belongs to a request of ours.

        Only the one that was asked may answer, and only for what it was asked: users remove
        instances because of what it says. What it doesn't mention is missing.
        """
        known = self._reports.get(transaction_uid)
        if known is None:
            log.warning("a storage commitment report of %s belongs to no request", remote_aet)
            return False
        if known.remote_aet.strip().casefold() != remote_aet.strip().casefold():
            log.warning(
                "a storage commitment report of %s answers a request to %s: it is left out",
                remote_aet,
                known.remote_aet,
            )
            return False
        if known.complete:
            return True
        good = [one for one in dict.fromkeys(success) if one in known.asked]
        bad = {(one[0], one[1]): one for one in failed if (one[0], one[1]) in known.asked}
        for one in sorted(known.asked.difference(good)):
            bad.setdefault(one, (*one, MISSING))
        known.success = tuple(one for one in good if one not in bad)
        known.failed = tuple(bad.values())
        known.complete = True
        return True

    def get(self, transaction_uid: str) -> Report:
        """What is known of a transaction.

        Raises:
            InexistentItemError: nothing, or it is forgotten already.
        """
        report = self._reports.get(transaction_uid)
        if report is None:
            raise InexistentItemError(
                f"There is no storage commitment with the transaction UID {transaction_uid[:64]!r}"
            )
        return report

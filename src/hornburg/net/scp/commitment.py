"""Storage commitment (PS3.4 annex J): the requests of others, and their reports on ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from hornburg.archive.jobs.commitment import CommitmentJob, unseen
from hornburg.archive.remote import Failed, Reference
from hornburg.archive.targets import target_of
from hornburg.dicom.dataset import DataSet
from hornburg.dimse import uids
from hornburg.errors import BadRequestError, ForbiddenError, Outside
from hornburg.net.scp.request import Request
from hornburg.security.dicom_rules import Act
from hornburg.security.principals import Permission

__all__ = ["serve_action", "serve_event_report"]

log = logging.getLogger("hornburg.dicom")

T = TypeVar("T")

_TRANSACTION_UID = 0x00081195
_REFERENCED = 0x00081199
_FAILED = 0x00081198
_REFERENCED_CLASS = 0x00081150
_REFERENCED_INSTANCE = 0x00081155
_FAILURE_REASON = 0x00081197

_REQUEST_COMMITMENT = 1
_COMMITTED, _FAILURES_EXIST = 1, 2
_PROCESSING_FAILURE = 0x0110

#: Bytes of a request: a reference takes some 150, so that 50,000 instances fit.
_LIMIT = 8 << 20


class _ArgumentError(BadRequestError):
    """PS3.7 annex C: 0x0115, invalid argument value."""

    outside = Outside(BadRequestError.outside.http, 8, "Bad request", 0x0115)


class _NoSuchActionError(BadRequestError):
    """PS3.7 annex C: 0x0123, no such action type."""

    outside = Outside(BadRequestError.outside.http, 8, "Bad request", 0x0123)


class _NoSuchEventError(BadRequestError):
    """PS3.7 annex C: 0x0113, no such event type."""

    outside = Outside(BadRequestError.outside.http, 8, "Bad request", 0x0113)


class _NoSuchInstanceError(BadRequestError):
    """PS3.7 annex C: 0x0112, no such SOP instance."""

    outside = Outside(BadRequestError.outside.http, 8, "Bad request", 0x0112)


async def serve_action(request: Request) -> None:
    """N-ACTION: look whether instances are safe here. The report follows on an association of our
    own, to the address that ``DicomModalities`` has for the caller.

    Raises:
        ForbiddenError: the caller is no modality, so that there is no way back; or rules name it,
            and none lets it view.
    """

    def read(dataset: DataSet) -> tuple[str, list[Reference]]:
        return _transaction(dataset), _references(dataset)

    archive = request.seen(Permission.VIEW)
    transaction, references = await _read(request, read)
    if request.command.action_type != _REQUEST_COMMITMENT:
        raise _NoSuchActionError("The only action is 1, to request storage commitment")
    if not references:
        raise _ArgumentError("Referenced SOP Sequence (0008,1199) is empty or missing")
    parts = request.parts
    name = parts.rules.may(request.caller, Act.STORAGE_COMMITMENT).modality
    if name is None:
        raise ForbiddenError("The caller is not in DicomModalities")
    target = target_of(
        parts.archive.settings,
        name,
        parts.modalities.get(name),
        local_aet=request.caller.called_aet,
    )
    number = len(references)
    parts.pledges.check(number)
    job = CommitmentJob(
        parts.tools, target, transaction, references, await unseen(archive, references)
    )
    parts.pledges.hold(number, parts.jobs, await parts.jobs.submit(job))
    await request.answer(0x0000, action_type=_REQUEST_COMMITMENT)


async def serve_event_report(request: Request) -> None:
    """N-EVENT-REPORT: what became of a request of ours."""

    def read(dataset: DataSet) -> tuple[str, list[Reference], list[Failed]]:
        return _transaction(dataset), _references(dataset), _failures(dataset)

    transaction, success, failed = await _read(request, read)
    if request.command.event_type not in (_COMMITTED, _FAILURES_EXIST):
        raise _NoSuchEventError("The events are 1 and 2, the results of storage commitment")
    request.parts.commitments.report(transaction, request.caller.aet, success, failed)
    await request.answer(0x0000, event_type=request.command.event_type)


async def _read(request: Request, read: Callable[[DataSet], T]) -> T:
    if request.command.sop_instance_uid != uids.STORAGE_COMMITMENT_PUSH_INSTANCE:
        raise _NoSuchInstanceError(
            "Storage commitment has one instance, 1.2.840.10008.1.20.1.1 (PS3.4 J.3.5)"
        )
    return await request.identifier(read, _LIMIT)


def _transaction(dataset: DataSet) -> str:
    uid = (dataset.text(_TRANSACTION_UID) or "").strip(" \0")
    if not uid or len(uid) > 64:
        raise _ArgumentError("Transaction UID (0008,1195) is missing, or is no UID")
    return uid


def _references(dataset: DataSet) -> list[Reference]:
    element = dataset.get(_REFERENCED)
    if element is None:
        return []
    # The few SOP classes are kept once.
    classes: dict[str, str] = {}
    found = map(_reference, element.items)
    return [(classes.setdefault(sop_class, sop_class), instance) for sop_class, instance in found]


def _failures(dataset: DataSet) -> list[Failed]:
    failed: list[Failed] = []
    element = dataset.get(_FAILED)
    for item in element.items if element is not None else ():
        sop_class, sop_instance = _reference(item)
        reason = item.text(_FAILURE_REASON) or ""
        # A US, unless the other side says that it is a text of any length.
        known = reason.isdecimal() and len(reason) <= 5
        failed.append((sop_class, sop_instance, int(reason) if known else _PROCESSING_FAILURE))
    return failed


def _reference(item: DataSet) -> Reference:
    return (
        (item.text(_REFERENCED_CLASS) or "").strip(" \0"),
        (item.text(_REFERENCED_INSTANCE) or "").strip(" \0"),
    )

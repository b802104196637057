"""This server as a user of other application entities: the port of ``archive.remote`` filled."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from hornburg.archive.parts import Archive
from hornburg.archive.remote import (
    Failed,
    Keep,
    Model,
    Reference,
    Remote,
    RemoteError,
    Sender,
    Suboperations,
    Target,
)
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value, decode, encode
from hornburg.dimse import uids
from hornburg.dimse.commands import Command, CommandField
from hornburg.dimse.status import Category, category
from hornburg.net.answers import (
    ask,
    cancel,
    check,
    dataset_of,
    failed_instances,
    next_response,
    progress_of,
)
from hornburg.net.open import associate, context_for, contexts_of
from hornburg.net.scu_get import get
from hornburg.net.scu_store import open_sender
from hornburg.ul.events import RoleSelection
from hornburg.ul.negotiation import AcceptedContext

__all__ = ["Scu"]

_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_FIND = {
    Model.PATIENT_ROOT: uids.PATIENT_ROOT_FIND,
    Model.STUDY_ROOT: uids.STUDY_ROOT_FIND,
    Model.WORKLIST: uids.MODALITY_WORKLIST_FIND,
}
_MOVE = {Model.PATIENT_ROOT: uids.PATIENT_ROOT_MOVE, Model.STUDY_ROOT: uids.STUDY_ROOT_MOVE}

#: Answers of one query; each takes some kilobytes wherever it is kept.
MOST_ANSWERS = 100_000

_MESSAGE_ID = 1
_REQUEST_COMMITMENT = 1
_COMMITTED, _FAILURES_EXIST = 1, 2


class Scu(Remote):
    """Associations over TCP and TLS, one for each call."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._settings = archive.settings

    async def echo(self, target: Target) -> None:
        contexts = contexts_of([(uids.VERIFICATION, _SYNTAXES)])
        async with associate(self._settings, target, contexts) as association:
            context = context_for(association, target, uids.VERIFICATION)
            command = Command(
                field=CommandField.C_ECHO_RQ,
                message_id=_MESSAGE_ID,
                sop_class_uid=uids.VERIFICATION,
            )
            await association.send(context.context_id, command)
            answer = await next_response(association, target, CommandField.C_ECHO_RSP)
            check(target, answer.command)

    async def find(
        self, target: Target, model: Model, identifier: Elements
    ) -> AsyncGenerator[DataSet, None]:
        uid = _FIND[model]
        async with associate(
            self._settings, target, contexts_of([(uid, _SYNTAXES)])
        ) as association:
            context = context_for(association, target, uid)
            request = await ask(
                self._archive, association, context, CommandField.C_FIND_RQ, identifier
            )
            finished = False
            try:
                for number in itertools.count(1):
                    answer = await next_response(association, target, CommandField.C_FIND_RSP)
                    status = answer.command.status
                    if status is None or category(status) is not Category.PENDING:
                        finished = True
                        check(target, answer.command)
                        return
                    if number > MOST_ANSWERS:
                        raise RemoteError(
                            f"{target.described}: more than {MOST_ANSWERS} answers to one query"
                        )
                    yield self._decode(await dataset_of(association, target, answer), context)
            finally:
                if not finished and not association.why:
                    await cancel(association, target, context, request)

    async def move(
        self, target: Target, model: Model, identifier: Elements, destination: str
    ) -> AsyncGenerator[Suboperations, None]:
        uid = _MOVE[model]
        async with associate(
            self._settings, target, contexts_of([(uid, _SYNTAXES)])
        ) as association:
            context = context_for(association, target, uid)
            request = await ask(
                self._archive,
                association,
                context,
                CommandField.C_MOVE_RQ,
                identifier,
                destination=destination,
            )
            finished = False
            try:
                while not finished:
                    answer = await next_response(association, target, CommandField.C_MOVE_RSP)
                    failed: tuple[str, ...] = ()
                    if answer.command.has_dataset:
                        dataset = self._decode(
                            await dataset_of(association, target, answer), context
                        )
                        failed = failed_instances(dataset)
                    progress = progress_of(answer.command, failed)
                    finished = category(progress.status) is not Category.PENDING
                    yield progress
            finally:
                if not finished and not association.why:
                    await cancel(association, target, context, request)

    def get(
        self,
        target: Target,
        model: Model,
        identifier: Elements,
        keep: Keep,
        sop_classes: Sequence[str] = (),
    ) -> AsyncGenerator[Suboperations, None]:
        return get(self._archive, target, model, identifier, keep, sop_classes)

    def sender(
        self, target: Target, offers: Sequence[tuple[str, str]]
    ) -> AbstractAsyncContextManager[Sender]:
        return open_sender(self._archive, target, offers)

    async def request_commitment(
        self, target: Target, transaction_uid: str, references: Sequence[Reference]
    ) -> None:
        await self._commitment(
            target,
            lambda syntax: _commitment(transaction_uid, references, (), syntax),
            Command(
                field=CommandField.N_ACTION_RQ,
                message_id=_MESSAGE_ID,
                sop_class_uid=uids.STORAGE_COMMITMENT_PUSH,
                sop_instance_uid=uids.STORAGE_COMMITMENT_PUSH_INSTANCE,
                action_type=_REQUEST_COMMITMENT,
                has_dataset=True,
            ),
            CommandField.N_ACTION_RSP,
        )

    async def report_commitment(
        self,
        target: Target,
        transaction_uid: str,
        success: Sequence[Reference],
        failed: Sequence[Failed],
    ) -> None:
        # PS3.4 J.3.3: the provider opens the association, in the role of the SCP.
        role = RoleSelection(uids.STORAGE_COMMITMENT_PUSH, scu=False, scp=True)
        await self._commitment(
            target,
            lambda syntax: _commitment(transaction_uid, success, failed, syntax),
            Command(
                field=CommandField.N_EVENT_REPORT_RQ,
                message_id=_MESSAGE_ID,
                sop_class_uid=uids.STORAGE_COMMITMENT_PUSH,
                sop_instance_uid=uids.STORAGE_COMMITMENT_PUSH_INSTANCE,
                event_type=_FAILURES_EXIST if failed else _COMMITTED,
                has_dataset=True,
            ),
            CommandField.N_EVENT_REPORT_RSP,
            (role,),
        )

    async def _commitment(
        self,
        target: Target,
        written: Callable[[str], bytes],
        command: Command,
        expected: CommandField,
        roles: tuple[RoleSelection, ...] = (),
    ) -> None:
        """One message of storage commitment; ``written`` makes its data set in a transfer syntax,
        on a thread, since it may have tens of thousands of items."""
        uid = uids.STORAGE_COMMITMENT_PUSH
        async with associate(
            self._settings, target, contexts_of([(uid, _SYNTAXES)]), roles
        ) as association:
            context = context_for(association, target, uid)
            raw = await self._archive.work(written, context.transfer_syntax)
            await association.send(context.context_id, command, raw)
            answer = await next_response(association, target, expected)
            check(target, answer.command)

    def _decode(self, raw: bytes, context: AcceptedContext) -> DataSet:
        return decode(
            raw,
            context.transfer_syntax,
            default_charset=self._archive.runtime.default_encoding,
            dictionary=self._archive.dictionary,
        )


def _commitment(
    transaction_uid: str,
    references: Sequence[Reference],
    failed: Sequence[Failed],
    transfer_syntax: str,
) -> bytes:
    """The data set of a request or report of storage commitment (PS3.4 J.3.2, J.3.3)."""
    dataset: Elements = {0x00081195: Value("UI", transaction_uid)}
    if references:
        dataset[0x00081199] = Value("SQ", tuple(map(_reference, references)))
    if failed:
        items = tuple(
            {**_reference((sop, instance)), 0x00081197: Value("US", str(reason))}
            for sop, instance, reason in failed
        )
        dataset[0x00081198] = Value("SQ", items)
    return encode(dataset, transfer_syntax=transfer_syntax)


def _reference(reference: Reference) -> Elements:
    return {0x00081150: Value("UI", reference[0]), 0x00081155: Value("UI", reference[1])}

"""C-STORE as a user: instances sent over one association."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager

from hornburg.archive.parts import Archive
from hornburg.archive.remote import RemoteError, Sender, Target
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.transcode import TranscodingError
from hornburg.dimse.commands import Command, CommandField
from hornburg.net.answers import next_response
from hornburg.net.association import Association
from hornburg.net.errors import AssociationLostError
from hornburg.net.open import MOST_CONTEXTS, associate, contexts_of
from hornburg.net.prepare import NoContextError, Offers, prepare
from hornburg.security.redaction import shown

__all__ = ["open_sender"]

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_IMPLICIT_LITTLE = "1.2.840.10008.1.2"

_MOST_MESSAGES = 65535


@asynccontextmanager
async def open_sender(
    archive: Archive, target: Target, offers: Sequence[tuple[str, str]]
) -> AsyncGenerator[Sender, None]:
    """An association for instances of these SOP classes in these transfer syntaxes.

    Raises:
        RemoteError: the other side can't be reached, or takes none of it.
    """
    preferred = archive.settings.dicom_scu_preferred_transfer_syntax
    contexts = contexts_of(wanted(offers, preferred))
    async with associate(archive.settings, target, contexts) as association:
        accepted = Offers.of(association.contexts)
        if not accepted.contexts:
            raise RemoteError(
                f"{target.described}: takes none of the SOP classes that are to be sent"
            )
        yield _Sender(archive, target, association, accepted)


def wanted(
    offers: Iterable[tuple[str, str]], preferred: str = ""
) -> list[tuple[str, tuple[str, ...]]]:
    """Pairs of SOP class and transfer syntaxes to propose.

    Each form in which the instances are has a context of its own, so that nothing need be
    changed; one more for each SOP class has the forms that everybody knows. When there are too
    many, those come first: each instance can be sent by them. The preferred form has a context of
    its own too: of several in one, the other side would take what it prefers.
    """
    pairs = list(dict.fromkeys(offers))
    classes = list(dict.fromkeys(sop_class for sop_class, _ in pairs))
    known = tuple(dict.fromkeys(filter(None, (preferred, _EXPLICIT_LITTLE, _IMPLICIT_LITTLE))))
    common = [(sop_class, known) for sop_class in classes]
    own = [(sop_class, (syntax,)) for sop_class, syntax in pairs]
    own += [(sop_class, (preferred,)) for sop_class in classes if preferred]
    return [*common, *dict.fromkeys(own)][:MOST_CONTEXTS]


class _Sender(Sender):
    def __init__(
        self,
        archive: Archive,
        target: Target,
        association: Association,
        offers: Offers,
    ) -> None:
        self._transcoder = archive.transcoder
        self._target = target
        self._association = association
        self._offers = offers
        self._may_transcode = (
            archive.settings.transcode_dicom_protocol and target.modality.allow_transcoding
        )
        self._message = 0

    @property
    def alive(self) -> bool:
        return not self._association.why

    async def store(
        self,
        content: Buffer,
        sop_class: str,
        sop_instance: str,
        transfer_syntax: str,
        *,
        originator: tuple[str, int] | None = None,
    ) -> int:
        target = self._target
        try:
            context, dataset = await prepare(
                self._offers,
                self._transcoder,
                content,
                sop_class,
                transfer_syntax,
                may_transcode=self._may_transcode,
            )
        except (NoContextError, TranscodingError, DicomFormatError) as error:
            # Of this instance alone: the others go on, as after a refusal.
            raise RemoteError(
                f"{target.described}: instance {shown(sop_instance)} can't be sent: {error}"
            ) from None
        self._message = self._message % _MOST_MESSAGES + 1
        command = Command(
            field=CommandField.C_STORE_RQ,
            message_id=self._message,
            sop_class_uid=sop_class,
            sop_instance_uid=sop_instance,
            has_dataset=True,
            move_originator_aet=originator[0] if originator else "",
            move_originator_id=originator[1] if originator else None,
        )
        try:
            await self._association.send(context, command, dataset)
            answer = await next_response(
                self._association, target, CommandField.C_STORE_RSP, self._message
            )
        except AssociationLostError as error:
            raise RemoteError(f"{target.described}: {error}") from None
        status = answer.command.status
        return 0xC000 if status is None else status

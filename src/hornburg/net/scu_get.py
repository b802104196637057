"""C-GET as a user: instances come back over the association that asked for them (PS3.4 C.4.3)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence

from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.archive.remote import Keep, Model, RemoteError, Suboperations, Target
from hornburg.archive.spool import Spool
from hornburg.dicom.elements import Elements, decode
from hornburg.dicom.head import file_head
from hornburg.dicom.sop_classes import STORAGE_CLASSES
from hornburg.dimse import uids
from hornburg.dimse.commands import CommandField, response
from hornburg.dimse.status import Category, category
from hornburg.errors import HornburgError
from hornburg.net.answers import ask, cancel, dataset_of, failed_instances, progress_of
from hornburg.net.association import Association
from hornburg.net.inbox import Message
from hornburg.net.open import MOST_CONTEXTS, associate, context_for, contexts_of
from hornburg.net.take import spool_message
from hornburg.ul.events import RoleSelection

__all__ = ["get"]

_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_GET = {Model.PATIENT_ROOT: uids.PATIENT_ROOT_GET, Model.STUDY_ROOT: uids.STUDY_ROOT_GET}
#: There is room for 127 storage classes, and the standard has over 200. What an archive of images
#: holds few of comes last: print, hanging protocols, implants, standalone overlays and curves,
#: trials, EEG, volumetric presentation states, ophthalmic measurements, protocols, second
#: generation radiotherapy, security screening.
_RARE = re.compile(
    r"5\.1\.1\.|5\.1\.4\.[34]|5\.1\.4\.1\.1\."
    r"(8|9|9\.1|9\.[78]\..+|10|11|11\.([6-9]|1.)|68\..+|77\.[12]|77\.1\.5\.[5-8]|7[89]\..+"
    r"|8[0-2]\..+|88\.[1-4]|9[01]\..+|129|131|20[01]\..+|481\.[12]\d|[56]01\..+)$"
)

#: Compressed forms, in which an archive may have its images; the uncompressed ones come first,
#: for everybody can make those of all others.
_COMPRESSED = (
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
)


_STANDARD = "1.2.840.10008."
_BY_FREQUENCY = sorted(
    STORAGE_CLASSES,
    key=lambda uid: _RARE.match(uid.removeprefix(_STANDARD)) is not None,
)


async def get(
    archive: Archive,
    target: Target,
    model: Model,
    identifier: Elements,
    keep: Keep,
    sop_classes: Sequence[str],
) -> AsyncGenerator[Suboperations, None]:
    """See :meth:`hornburg.archive.remote.Remote.get`."""
    uid = _GET[model]
    classes = tuple(dict.fromkeys(sop_classes or _BY_FREQUENCY))[: MOST_CONTEXTS - 1]
    storage = (*_SYNTAXES, *_COMPRESSED)
    contexts = contexts_of([(uid, _SYNTAXES), *((one, storage) for one in classes)])
    # PS3.7 D.3.3.4: who asks is the SCP of the C-STOREs that come back.
    roles = tuple(RoleSelection(one, scu=False, scp=True) for one in classes)
    async with associate(archive.settings, target, contexts, roles) as association:
        context = context_for(association, target, uid)
        request = await ask(archive, association, context, CommandField.C_GET_RQ, identifier)
        finished = False
        try:
            while not finished:
                message = await association.inbox.next()
                if message.command.field == CommandField.C_STORE_RQ:
                    await _keep(archive, target, association, message, keep)
                    continue
                answers = message.command.field == CommandField.C_GET_RSP
                if not answers or message.command.responded_to != request.message_id:
                    raise RemoteError(f"{target.described}: an answer to something else was sent")
                failed: tuple[str, ...] = ()
                if message.command.has_dataset:
                    answer = await dataset_of(association, target, message)
                    failed = failed_instances(decode(answer, context.transfer_syntax))
                progress = progress_of(message.command, failed)
                finished = category(progress.status) is not Category.PENDING
                yield progress
        finally:
            if not finished and not association.why:
                await cancel(association, target, context, request)


async def _keep(
    archive: Archive, target: Target, association: Association, message: Message, keep: Keep
) -> None:
    """Take one instance; whatever is wrong with it becomes the status of its C-STORE."""
    command = message.command
    context = association.contexts.get(message.context_id)
    if context is None or not context.as_scp:
        raise RemoteError(
            f"{target.described}: an instance came on a context that was not accepted"
        )
    limit = archive.settings.maximum_request_body_size_mb << 20
    aet = target.modality.aet
    origin = Origin(
        "DicomProtocol",
        remote_ip=association.remote,
        remote_aet=aet,
        called_aet=target.local_aet,
    )
    try:
        with Spool(archive.storage, limit, "data set") as spool:
            head = file_head(
                command.sop_class_uid, command.sop_instance_uid, context.transfer_syntax, aet
            )
            await spool_message(archive, association.inbox, message, spool, head)
            claim = (command.sop_class_uid, command.sop_instance_uid)
            status = await keep(spool, origin, claim)
    except HornburgError as error:
        status = error.outside.dimse
        while await association.inbox.parts(message):
            pass
    await association.send(context.context_id, response(command, status))

"""``/modalities/{name}/storage-commitment`` and ``/storage-commitment``.

Source: Orthanc Book, users/storage-commitment; bodies, answers and errors were watched on Orthanc
1.10.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import PathParameter

from hornburg.archive.ask_commitment import ask_for_commitment
from hornburg.archive.commitments import Report, Status, reason
from hornburg.archive.committed import remove_committed
from hornburg.archive.outgoing import outgoing
from hornburg.archive.remote import Reference
from hornburg.archive.seen import is_narrowed
from hornburg.dicom.levels import Level
from hornburg.dicom.sop_classes import is_uid
from hornburg.dicom.uids import generate_uid
from hornburg.errors import BadFileFormatError, InexistentItemError
from hornburg.index.base import Condition, Match, Query, Reader
from hornburg.rest.answers import done, json_answer
from hornburg.rest.fields import Fields
from hornburg.rest.modality_store import resources_of
from hornburg.rest.requests import archive_of, commitments_of, remote_of
from hornburg.rest.scu import ModalityName, object_body, target_for, texts_of
from hornburg.rest.scu_operations import StorageCommitmentOperation
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["Networking"]

_EMPTY = (
    "Empty storage commitment request, one of these fields must name instances: Resources or "
    "DicomInstances"
)

Transaction = Annotated[str, PathParameter(description="Transaction UID of the request")]


@post(
    "/modalities/{name:str}/storage-commitment",
    permission=Permission.SEND,
    status_code=200,
    summary="Ask a modality for storage commitment",
    tags=_TAGS,
    operation_class=StorageCommitmentOperation,
)
async def ask(request: Asked, name: ModalityName) -> Response[bytes]:
    """N-ACTION. Its report comes later, and is found under /storage-commitment."""
    fields = await object_body(request)
    target = target_for(request, name, fields)
    references = dict.fromkeys(await _references(request, fields))
    transaction_uid = generate_uid()
    await ask_for_commitment(
        commitments_of(request), remote_of(request), target, transaction_uid, list(references)
    )
    return json_answer({"ID": transaction_uid, "Path": f"/storage-commitment/{transaction_uid}"})


async def _references(request: Asked, fields: Fields) -> list[Reference]:
    if "Resources" not in fields and "DicomInstances" not in fields:
        raise BadFileFormatError(_EMPTY)
    ids = texts_of(
        fields.get("Resources", []),
        'The "Resources" field must provide an array of Orthanc resources',
    )
    resources = await resources_of(request, ids)
    found = await outgoing(archive_of(request), resources)
    given = fields.get("DicomInstances", [])
    if not isinstance(given, list):
        raise BadFileFormatError('The "DicomInstances" field must provide an array')
    references = [(one.sop_class, one.sop_instance) for one in found]
    references += map(_instance, given)
    if not references:
        raise BadFileFormatError(_EMPTY)
    return references


def _instance(entry: Any) -> Reference:
    """An object, or an array as old clients send it."""
    pair = (
        [entry.get("SOPClassUID"), entry.get("SOPInstanceUID")]
        if isinstance(entry, dict)
        else entry
    )
    if (
        not isinstance(pair, list)
        or len(pair) != 2
        or not all(isinstance(uid, str) and is_uid(uid) for uid in pair)
    ):
        raise BadFileFormatError(
            "An instance must be an object with the UIDs SOPClassUID and SOPInstanceUID, or an "
            "array of both"
        )
    return pair[0], pair[1]


@get(
    "/storage-commitment/{transaction_uid:str}",
    permission=Permission.SEND,
    summary="Get a report",
    tags=_TAGS,
)
async def get_report(request: Asked, transaction_uid: Transaction) -> Response[bytes]:
    """What became of a storage commitment: Pending, Success or Failure."""
    report = commitments_of(request).get(transaction_uid)
    await _refuse_unseen(request, transaction_uid, report)
    answer: dict[str, Any] = {"RemoteAET": report.remote_aet, "Status": report.status.value}
    if report.status is not Status.PENDING:
        answer["Success"] = [
            {"SOPClassUID": sop_class, "SOPInstanceUID": instance}
            for sop_class, instance in report.success
        ]
        answer["Failures"] = [
            {
                "Description": reason(number),
                "FailureReason": number,
                "SOPClassUID": sop_class,
                "SOPInstanceUID": instance,
            }
            for sop_class, instance, number in report.failed
        ]
    return json_answer(answer)


async def _refuse_unseen(request: Asked, transaction_uid: str, report: Report) -> None:
    """A report is for those who see all instances that it is about.

    Raises:
        InexistentItemError: who asks doesn't.
    """
    archive = archive_of(request)
    if not is_narrowed(archive):
        return
    instances = sorted({instance for _, instance in report.asked})

    def look(reader: Reader) -> bool:
        conditions = (
            Condition(Level.INSTANCE, "SOPInstanceUID", Match.EQUAL, (one,)) for one in instances
        )
        return all(reader.find_ids(Query(Level.INSTANCE, (one,), limit=1)) for one in conditions)

    if not await archive.index.read(look):
        raise InexistentItemError(
            f"There is no storage commitment with the transaction UID {transaction_uid[:64]!r}"
        )


@post(
    "/storage-commitment/{transaction_uid:str}/remove",
    permission=Permission.DELETE,
    status_code=200,
    summary="Remove what was committed",
    tags=_TAGS,
)
async def remove(request: Asked, transaction_uid: Transaction) -> Response[bytes]:
    """Remove the instances of a report that is a success from this server."""
    report = commitments_of(request).get(transaction_uid)
    await _refuse_unseen(request, transaction_uid, report)
    await remove_committed(archive_of(request), transaction_uid, report)
    return done()


ROUTES = (ask, get_report, remove)

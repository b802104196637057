"""Storage commitment as its user: the request (PS3.4 J.3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from hornburg.archive.commitments import Commitments
from hornburg.archive.remote import Reference, Remote, Target

__all__ = ["ask_for_commitment"]


async def ask_for_commitment(
    commitments: Commitments,
    remote: Remote,
    target: Target,
    transaction_uid: str,
    references: Sequence[Reference],
) -> None:
    """Ask another application entity whether it has taken over some instances.

    Its report comes later, on an association of its own, and ends up in ``commitments``.

    Raises:
        RemoteError: it doesn't take the request.
    """
    commitments.expect(transaction_uid, target.modality.aet, references)
    try:
        await remote.request_commitment(target, transaction_uid, references)
    except BaseException:
        commitments.forget(transaction_uid)
        raise

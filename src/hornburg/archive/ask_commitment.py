"""Storage commitment as its user: the request (PS3.4 J.3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from hornburg.archive.commitments import Commitments
from hornburg.archive.remote import Reference, Remote, Target
from hornburg.errors import TooLargeError

__all__ = ["MOST_REFERENCES", "ask_for_commitment", "refuse_too_many"]

MOST_REFERENCES = 50_000
"""Instances of one request: a message of some 8 MB."""


def refuse_too_many(references: int) -> None:
    """Look at the number of instances before anything is sent.

    Raises:
        TooLargeError: one request can't name so many.
    """
    if references > MOST_REFERENCES:
        raise TooLargeError(
            f"Storage commitment of {references} instances; at most {MOST_REFERENCES} are allowed "
            "in one request"
        )


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
        TooLargeError: there are too many of them.
    """
    refuse_too_many(len(references))
    commitments.expect(transaction_uid, target.modality.aet, references)
    try:
        await remote.request_commitment(target, transaction_uid, references)
    except BaseException:
        commitments.forget(transaction_uid)
        raise

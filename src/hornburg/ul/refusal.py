"""Requests that nobody would accept, whatever is configured."""

from __future__ import annotations

from hornburg.ul.events import APPLICATION_CONTEXT, AssociateReject, AssociateRequest
from hornburg.ul.rejections import RejectResult, RejectSource, UserReason

__all__ = ["refusal"]


def refusal(request: AssociateRequest) -> tuple[AssociateReject, str] | None:
    """The rejection of a request with an unknown application context, and a sentence for the log.

    None when there is nothing to say against it. Titles are for who knows what they may be
    (``hornburg.security``).
    """
    if request.application_context == APPLICATION_CONTEXT:
        return None
    reject = AssociateReject(
        RejectResult.PERMANENT, RejectSource.USER, UserReason.APPLICATION_CONTEXT
    )
    return reject, f"The application context is {request.application_context[:70]!r}"

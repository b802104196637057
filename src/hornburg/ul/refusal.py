"""Requests that nobody would accept, whatever is configured."""

from __future__ import annotations

from hornburg.ul.events import APPLICATION_CONTEXT, AssociateReject, AssociateRequest
from hornburg.ul.rejections import RejectResult, RejectSource, UserReason
from hornburg.ul.titles import title_fault

__all__ = ["refusal"]


def refusal(request: AssociateRequest) -> tuple[AssociateReject, str] | None:
    """The rejection of a request with a bad title or application context, and a sentence for the log.

    None when there is nothing to say against it. Titles are quoted with ``repr``, so that a
    control character in one can't forge a line of the log.
    """
    if request.application_context != APPLICATION_CONTEXT:
        context = request.application_context
        return _rejected(
            UserReason.APPLICATION_CONTEXT, f"The application context is {context[:70]!r}"
        )
    fault = title_fault(request.calling_aet)
    if fault is not None:
        return _rejected(
            UserReason.CALLING_TITLE, f"The calling title {request.calling_aet!r} {fault}"
        )
    fault = title_fault(request.called_aet)
    if fault is not None:
        return _rejected(
            UserReason.CALLED_TITLE, f"The called title {request.called_aet!r} {fault}"
        )
    return None


def _rejected(reason: UserReason, sentence: str) -> tuple[AssociateReject, str]:
    return AssociateReject(RejectResult.PERMANENT, RejectSource.USER, reason), sentence

"""What two sides have agreed on, from a request and its answer."""

from __future__ import annotations

from dataclasses import dataclass

from hornburg.ul.errors import LocalProtocolError
from hornburg.ul.events import AssociateAccept, AssociateRequest

__all__ = ["AcceptedContext", "agreed", "check_answer"]


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """A presentation context in use; ``as_scu`` and ``as_scp`` are the roles of our own side."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    as_scu: bool
    as_scp: bool


def agreed(
    request: AssociateRequest, accept: AssociateAccept, we_are_requestor: bool
) -> dict[int, AcceptedContext]:
    """The presentation contexts in use, by their ID.

    Without a role selection that both sides name, the requestor is the SCU and the acceptor the
    SCP (PS3.7 D.3.3.4). With it, the requestor has the roles that it proposed and that the
    acceptor took. An accepted context that was not proposed, or with a transfer syntax that was
    not, is not in use.
    """
    proposed = {context.context_id: context for context in request.contexts}
    roles = _roles(request, accept)
    contexts = {}
    for result in accept.contexts:
        proposal = proposed.get(result.context_id)
        if (
            result.result != 0
            or proposal is None
            or result.transfer_syntax not in proposal.transfer_syntaxes
        ):
            continue
        scu, scp = roles.get(proposal.abstract_syntax, (True, False))
        contexts[result.context_id] = AcceptedContext(
            context_id=result.context_id,
            abstract_syntax=proposal.abstract_syntax,
            transfer_syntax=result.transfer_syntax,
            as_scu=scu if we_are_requestor else scp,
            as_scp=scp if we_are_requestor else scu,
        )
    return contexts


def _roles(request: AssociateRequest, accept: AssociateAccept) -> dict[str, tuple[bool, bool]]:
    """The requestor's roles, SCU and SCP, of each SOP class that both sides name."""
    proposed = {role.sop_class_uid: role for role in request.roles}
    return {
        role.sop_class_uid: (
            role.scu and proposed[role.sop_class_uid].scu,
            role.scp and proposed[role.sop_class_uid].scp,
        )
        for role in accept.roles
        if role.sop_class_uid in proposed
    }


def check_answer(request: AssociateRequest, accept: AssociateAccept) -> None:
    """Whether an answer of ours answers each proposal, with something that was proposed.

    Raises:
        LocalProtocolError: it doesn't.
    """
    proposed = {context.context_id: context for context in request.contexts}
    if {result.context_id for result in accept.contexts} != set(proposed):
        raise LocalProtocolError(
            "The answer has to answer every presentation context of the request, and no other"
        )
    for result in accept.contexts:
        offered = proposed[result.context_id].transfer_syntaxes
        if result.result == 0 and result.transfer_syntax not in offered:
            raise LocalProtocolError(
                f"Presentation context {result.context_id} was not proposed with "
                f"{result.transfer_syntax}"
            )

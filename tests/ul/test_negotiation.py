"""Which contexts are in use, and who is what in them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from tests.ul.pair import ACCEPT, CT, EXPLICIT, IMPLICIT, REQUEST, VERIFICATION, Pair

from hornburg.ul.events import (
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    PresentationContext,
    RoleSelection,
)
from hornburg.ul.negotiation import AcceptedContext, agreed


def test_only_what_was_proposed_and_accepted_is_in_use() -> None:
    assert agreed(REQUEST, ACCEPT, True) == {
        1: AcceptedContext(1, VERIFICATION, IMPLICIT, True, False),
        3: AcceptedContext(3, CT, EXPLICIT, True, False),
    }
    assert agreed(REQUEST, ACCEPT, False)[3] == AcceptedContext(3, CT, EXPLICIT, False, True)
    strange = replace(ACCEPT, contexts=(ContextResult(7, 0, IMPLICIT), ContextResult(1, 0, CT)))
    assert agreed(REQUEST, strange, True) == {}


FLAGS = list(itertools.product((False, True), repeat=4))


@pytest.mark.parametrize(("scu", "scp", "took_scu", "took_scp"), FLAGS)
def test_roles_are_those_that_both_name(
    scu: bool, scp: bool, took_scu: bool, took_scp: bool
) -> None:
    """PS3.7 table D.3-9: the acceptor can take a role away, and not give one."""
    request = replace(REQUEST, roles=(RoleSelection(CT, scu, scp),))
    accept = replace(ACCEPT, roles=(RoleSelection(CT, took_scu, took_scp),))
    pair = Pair(request, accept)
    ours = pair.requestor.contexts[3]
    assert (ours.as_scu, ours.as_scp) == (scu and took_scu, scp and took_scp)
    theirs = pair.acceptor.contexts[3]
    assert (theirs.as_scu, theirs.as_scp) == (ours.as_scp, ours.as_scu)
    # Another SOP class keeps the usual roles.
    assert pair.requestor.contexts[1] == AcceptedContext(1, VERIFICATION, IMPLICIT, True, False)


def test_roles_that_one_side_alone_names_change_nothing() -> None:
    role = (RoleSelection(CT, False, True),)
    usual = agreed(REQUEST, ACCEPT, True)
    assert agreed(replace(REQUEST, roles=role), ACCEPT, True) == usual
    assert agreed(REQUEST, replace(ACCEPT, roles=role), True) == usual


def test_the_largest_request_of_all() -> None:
    """128 contexts with 50 transfer syntaxes each stay below the bound."""
    syntaxes = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 150))
    contexts = tuple(
        PresentationContext(number, f"1.2.840.10008.5.1.4.1.1.{number}.1.2", syntaxes)
        for number in range(1, 256, 2)
    )
    roles = tuple(RoleSelection(one.abstract_syntax, True, True) for one in contexts)
    extended = tuple((one.abstract_syntax, b"\1\1\1\1\1\1") for one in contexts)
    request = AssociateRequest("A", "B", contexts, roles=roles, extended=extended)
    accept = AssociateAccept(
        "A",
        "B",
        tuple(ContextResult(one.context_id, 0, syntaxes[-1]) for one in contexts),
        roles=roles,
    )
    pair = Pair(request, accept)
    assert len(pair.acceptor.contexts) == 128

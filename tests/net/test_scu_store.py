"""What is proposed to a modality that is to get instances."""

from __future__ import annotations

from hornburg.net.open import MOST_CONTEXTS
from hornburg.net.scu_store import wanted

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT, IMPLICIT, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"


def test_the_preferred_syntax_has_a_context_of_its_own() -> None:
    # With a choice in one context, it is the other side that says what it prefers.
    assert wanted([(CT, RLE)], EXPLICIT) == [
        (CT, (EXPLICIT, IMPLICIT)),
        (CT, (RLE,)),
        (CT, (EXPLICIT,)),
    ]


def test_no_context_is_proposed_twice() -> None:
    offers = [(CT, EXPLICIT), (MR, IMPLICIT)]
    assert wanted(offers, EXPLICIT) == [
        (CT, (EXPLICIT, IMPLICIT)),
        (MR, (EXPLICIT, IMPLICIT)),
        (CT, (EXPLICIT,)),
        (MR, (IMPLICIT,)),
        (MR, (EXPLICIT,)),
    ]


def test_there_are_never_too_many() -> None:
    offers = [(f"1.2.{number}", RLE) for number in range(100)]
    proposed = wanted(offers, EXPLICIT)
    assert len(proposed) == MOST_CONTEXTS
    assert {sop_class for sop_class, _ in proposed} == {sop_class for sop_class, _ in offers}

from __future__ import annotations

import pytest

from hornburg.archive.commitments import MISSING, Commitments, Status, reason
from hornburg.errors import InexistentItemError

A, B = ("1.1", "1"), ("1.1", "2")


def test_a_request_is_pending_until_its_report_comes() -> None:
    known = Commitments(10)
    known.expect("u", "PACS", [A, B])
    assert known.get("u").status is Status.PENDING
    assert known.report("u", "Pacs ", [A, B], [])
    assert known.get("u").status is Status.SUCCESS
    assert known.get("u").success == (A, B)


def test_one_failure_makes_a_failure() -> None:
    known = Commitments(10)
    known.expect("u", "PACS", [A, B])
    known.report("u", "PACS", [A, B], [(*B, 0x0110)])
    assert known.get("u").status is Status.FAILURE
    assert known.get("u").success == (A,)
    assert known.get("u").failed == ((*B, 0x0110),)


def test_what_a_report_does_not_mention_is_missing() -> None:
    known = Commitments(10)
    known.expect("u", "PACS", [A, B])
    known.report("u", "PACS", [A], [])
    assert known.get("u").failed == ((*B, MISSING),)


def test_what_was_not_asked_is_not_believed() -> None:
    known = Commitments(10)
    known.expect("u", "PACS", [A])
    known.report("u", "PACS", [A, B], [("1", "9", 0x0110)])
    assert known.get("u").success == (A,)
    assert known.get("u").status is Status.SUCCESS


def test_only_the_one_that_was_asked_may_answer_and_once() -> None:
    known = Commitments(10)
    known.expect("u", "PACS", [A])
    assert not known.report("u", "OTHER", [A], [])
    assert not known.report("v", "PACS", [A], [])
    assert known.get("u").status is Status.PENDING
    known.report("u", "PACS", [], [(*A, 0x0112)])
    assert known.report("u", "PACS", [A], [])
    assert known.get("u").status is Status.FAILURE


def test_the_oldest_are_forgotten() -> None:
    known = Commitments(2)
    for uid in "abc":
        known.expect(uid, "PACS", [A])
    with pytest.raises(InexistentItemError):
        known.get("a")
    known.forget("b")
    known.forget("b")
    with pytest.raises(InexistentItemError):
        known.get("b")
    assert known.get("c").status is Status.PENDING


def test_every_reason_has_words() -> None:
    assert reason(0x0112) != reason(0x0119) != reason(0x7777)


def test_very_large_transactions_have_less_room() -> None:
    known = Commitments(10, most_references=3)
    known.expect("a", "PACS", [A, B])
    known.expect("b", "PACS", [A, B])
    with pytest.raises(InexistentItemError):
        known.get("a")
    known.forget("b")
    known.expect("c", "PACS", [A])
    known.expect("d", "PACS", [A, B])
    assert known.get("c").status is Status.PENDING

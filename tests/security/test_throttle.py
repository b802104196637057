"""Guessing is slowed, and nobody can have others shut out."""

from __future__ import annotations

import pytest

from hornburg.security.throttle import Throttle, TooManyAttemptsError, network_of


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def waits(throttle: Throttle, address: str, user: str | None = None) -> int:
    """Seconds to wait."""
    try:
        throttle.refuse(address)
        if user is not None:
            throttle.refuse_user(address, user)
    except TooManyAttemptsError as error:
        assert error.outside.http == 429
        return error.seconds
    return 0


def test_each_failure_costs_a_longer_wait(throttle: Throttle, clock: Clock) -> None:
    for _ in range(5):
        assert not throttle.failed("192.0.2.1", "alice")
        assert waits(throttle, "192.0.2.1", "alice") == 0
    seconds = []
    for _ in range(12):
        assert throttle.failed("192.0.2.1", "alice")
        seconds.append(waits(throttle, "192.0.2.1", "alice"))
        clock.now += seconds[-1]
        assert waits(throttle, "192.0.2.1", "alice") == 0
    assert seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_an_owner_elsewhere_is_not_shut_out(throttle: Throttle) -> None:
    for _ in range(1000):
        throttle.failed("192.0.2.1", "alice")
    assert waits(throttle, "192.0.2.1", "alice") == 300
    assert waits(throttle, "192.0.2.2", "alice") == 0


def test_one_user_is_not_the_whole_address(throttle: Throttle) -> None:
    """A program with an old password, which tries for ever."""
    for _ in range(1000):
        throttle.failed("192.0.2.1", "robot")
    assert waits(throttle, "192.0.2.1", "robot") == 300
    assert waits(throttle, "192.0.2.1", "alice") == 0


def test_many_users_are(throttle: Throttle) -> None:
    for number in range(20):
        throttle.failed("192.0.2.1", f"user{number}")
    assert waits(throttle, "192.0.2.1", "alice") == 0
    throttle.failed("192.0.2.1", "user20")
    assert waits(throttle, "192.0.2.1", "alice") == 1
    assert waits(throttle, "192.0.2.2", "alice") == 0


def test_right_takes_back_what_is_its_own(throttle: Throttle) -> None:
    for number in range(20):
        throttle.failed("192.0.2.1", f"user{number}")
        # An account of one's own does not help to guess others.
        throttle.failed("192.0.2.1", "mallory")
        throttle.right("192.0.2.1", "mallory")
    throttle.failed("192.0.2.1", "user20")
    assert waits(throttle, "192.0.2.1") > 0
    for number in range(21):
        throttle.right("192.0.2.1", f"user{number}")
    assert len(throttle) == 0


def test_an_account_of_ones_own_takes_back_no_failures_of_others(
    throttle: Throttle, clock: Clock
) -> None:
    for number in range(21):
        throttle.failed("192.0.2.1", f"user{number}")
    # Refused unseen while the address waits, so that none of them counts for the address.
    for _ in range(5):
        throttle.failed_user("192.0.2.1", "mallory")
    clock.now += 1
    throttle.failed("192.0.2.1", "mallory")
    throttle.right("192.0.2.1", "mallory")
    throttle.failed("192.0.2.1", "user21")
    assert waits(throttle, "192.0.2.1") > 1


def test_a_flood_of_names_takes_back_nothing(throttle: Throttle) -> None:
    for number in range(21):
        throttle.failed("192.0.2.1", f"user{number}")
    for address in ("192.0.2.1", "192.0.2.2"):
        for _ in range(10):
            throttle.failed(address, "alice")
    before = [waits(throttle, address, "alice") for address in ("192.0.2.1", "192.0.2.2")]
    for number in range(30_000):
        throttle.failed_user("192.0.2.1", f"x{number}")
    after = [waits(throttle, address, "alice") for address in ("192.0.2.1", "192.0.2.2")]
    assert after == before
    assert min(after) > 0


def test_who_cannot_be_counted_any_more_has_to_wait(throttle: Throttle, clock: Clock) -> None:
    """Otherwise what is at hand would answer guesses again."""
    for number in range(1000):
        throttle.failed_user("192.0.2.1", f"x{number}")
    assert throttle.failed_user("192.0.2.1", "alice")
    assert not throttle.failed_user("192.0.2.2", "alice")
    clock.now += 3601
    assert not throttle.failed_user("192.0.2.1", "alice")


def test_failures_are_forgotten(throttle: Throttle, clock: Clock) -> None:
    for _ in range(6):
        throttle.failed("192.0.2.1", "alice")
    clock.now += 3601
    for _ in range(5):
        assert not throttle.failed("192.0.2.1", "alice")


def test_memory_is_bounded(clock: Clock) -> None:
    throttle = Throttle(clock, most=100)
    for number in range(1000):
        throttle.failed(f"2001:db8:0:{number:x}::1", "x" * 10_000)
    assert len(throttle) == 100


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:0:0:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_household_is_one_caller(throttle: Throttle) -> None:
    for number in range(6):
        throttle.failed(f"2001:db8::{number}", "alice")
    assert waits(throttle, "2001:db8::beef", "alice") == 1
    assert waits(throttle, "2001:db8:0:1::beef", "alice") == 0

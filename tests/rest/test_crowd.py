"""Connections of one address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hornburg.rest.crowd import Crowd


def test_an_address_has_its_share_and_no_more():
    crowd = Crowd(2)
    assert [crowd.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert crowd.enter("192.0.2.2")
    crowd.leave("192.0.2.1")
    assert crowd.enter("192.0.2.1")


def test_a_household_of_ipv6_is_one():
    crowd = Crowd(1)
    assert crowd.enter("2001:db8:0:1::1")
    assert not crowd.enter("2001:db8:0:1::2")
    assert crowd.enter("2001:db8:0:2::1")
    assert crowd.enter("192.0.2.1")
    assert not crowd.enter("::ffff:192.0.2.1")


def test_proxies_bring_the_connections_of_others():
    crowd = Crowd(1, ["192.0.2.0/28"])
    assert all(crowd.enter("192.0.2.1") for _ in range(5))
    assert [crowd.enter("192.0.2.99") for _ in range(2)] == [True, False]


def test_zero_is_no_limit():
    assert all(Crowd(0).enter("192.0.2.1") for _ in range(5))


@given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "::1"]), max_size=60))
def test_nothing_is_kept_of_who_has_left(addresses):
    crowd = Crowd(5)
    inside = [address for address in addresses if crowd.enter(address)]
    assert all(inside.count(address) <= 5 for address in inside)
    for address in inside:
        crowd.leave(address)
    assert not crowd._here

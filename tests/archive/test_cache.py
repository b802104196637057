"""Bytes in memory: bounded, newest first."""

from __future__ import annotations

from hornburg.archive.cache import Cache


def test_what_was_not_used_for_longest_goes() -> None:
    cache = Cache(100_000)
    for number in range(30):
        cache.put(number, bytes(5000))
        assert cache.get(0) is not None
    kept = [number for number in range(30) if cache.get(number)]
    assert 0 in kept and 29 in kept and 1 not in kept
    assert 15 <= len(kept) <= 20


def test_large_entries_and_no_room() -> None:
    cache = Cache(100_000)
    cache.put("a", bytes(50_000))
    assert cache.get("a") is None
    none = Cache(0)
    none.put("a", b"")
    assert none.get("a") is None


def test_put_again_counts_once() -> None:
    cache = Cache(100_000)
    for _ in range(1000):
        cache.put("a", bytes(5000))
    cache.put("b", bytes(5000))
    assert cache.get("a") and cache.get("b")


def test_clear() -> None:
    cache = Cache(100_000)
    cache.put("a", b"x")
    cache.clear()
    assert cache.get("a") is None

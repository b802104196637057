"""Credentials: who is right, and that the answer takes the same work whoever is wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import argon2
import pytest

from hornburg.errors import UnavailableError
from hornburg.security.users import Users
from hornburg.settings import Secret

HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


def said(name: str, password: str) -> bytes:
    return f"{name}:{password}".encode()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that were checked."""
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hashed: str, password: Any) -> Any:
        checked.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    return checked


@pytest.mark.parametrize("name", ["plain", "hashed", "unknown", ""])
async def test_every_wrong_answer_costs_a_check(checks: list[str], name: str) -> None:
    users = Users({"plain": Secret("a"), "hashed": Secret(HASHER.hash("b"))})
    assert await users.check(said(name, "wrong")) is None
    assert len(checks) == 1
    # With the same cost in time and memory.
    found = argon2.extract_parameters(checks[0])
    assert (found.time_cost, found.memory_cost) == (1, 1024)


async def test_names_that_are_unknown_cost_what_some_user_costs(checks: list[str]) -> None:
    """Users whose hashes cost less than others' are as hard to tell from nobody."""
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    users = {"a": Secret(HASHER.hash("a")), "b": Secret(cheap.hash("b")), "plain": Secret("c")}

    def cost() -> tuple[int, int]:
        found = argon2.extract_parameters(checks.pop())
        return found.time_cost, found.memory_cost

    async def costs() -> list[tuple[int, int]]:
        proof = Users(users)
        found = []
        for number in range(40):
            assert await proof.check(said(f"unknown{number}", "wrong")) is None
            found.append(cost())
        assert await proof.check(said("plain", "wrong")) is None
        return [*found, cost()]

    first = await costs()
    assert set(first) == {(1, 64), (1, 1024)}
    assert checks == []
    # The same each time, also after a restart: what changes would be no user.
    assert await costs() == first


async def test_right_answers(checks: list[str]) -> None:
    users = Users({"plain": Secret("a"), "hashed": Secret(HASHER.hash("b"))})
    assert await users.check(said("plain", "a")) == "plain"
    assert checks == []
    for _ in range(3):
        assert await users.check(said("hashed", "b")) == "hashed"
    # What was right lately is remembered.
    assert len(checks) == 1


async def test_without_hashes_none_is_made(checks: list[str]) -> None:
    users = Users({"plain": Secret("a")})
    for name in ("plain", "unknown"):
        assert await users.check(said(name, "wrong")) is None
    assert checks == []


async def test_checks_that_wait_are_bounded(checks: list[str]) -> None:
    """Callers from everywhere must not line up hours of work."""
    users = Users({"hashed": Secret(HASHER.hash("b"))})
    tries = (users.check(said("hashed", f"wrong{number}")) for number in range(200))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, UnavailableError) for answer in answers) == 100
    assert len(checks) == 100
    assert await users.check(said("hashed", "b")) == "hashed"


def test_marks_change_with_the_password() -> None:
    key = b"k" * 32
    users = Users({"alice": Secret("a"), "bob": Secret("a")})
    mark = users.mark("alice", key)
    assert mark == Users({"alice": Secret("a")}).mark("alice", key)
    others = (
        Users({"alice": Secret("b")}).mark("alice", key),
        users.mark("alice", b"j" * 32),
        users.mark("bob", key),
    )
    assert mark not in others
    assert users.mark("mallory", key) == ""

"""Sessions: what they are worth, when they end, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from hornburg.security.principals import Kind
from hornburg.security.private_file import PrivateFile
from hornburg.security.sessions import Sessions
from hornburg.security.users import Users
from hornburg.settings import Secret

ALICE = {"alice": Secret("wonder land")}


class House:
    """Sessions in a folder, a clock and users that change."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_700_000_000.0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.path = folder / "sessions.json"

    def open(self, users: dict[str, Secret] | None = None) -> Sessions:
        return Sessions(
            PrivateFile(self.path),
            idle=600,
            lifetime=3600,
            clock=lambda: self.now,
            mark=Users(ALICE if users is None else users).mark,
            tasks=self.tasks,
        )

    async def settle(self) -> None:
        """Wait until all is written down."""
        while self.tasks:
            await asyncio.wait(self.tasks)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_session(house: House) -> None:
    sessions = house.open()
    identifier = await sessions.open("alice")
    assert len(identifier) == 43
    assert identifier != await sessions.open("alice")
    session = await sessions.find(identifier)
    assert session is not None
    principal = session.principal("192.0.2.1")
    assert (principal.name, principal.kind, principal.address) == (
        "alice",
        Kind.SESSION,
        "192.0.2.1",
    )
    assert sessions.count(session) == 2
    for wrong in ("", "x", "a" * 43, identifier[:-1], identifier + "x", "é" * 43):
        assert await sessions.find(wrong) is None


async def test_it_ends_when_it_is_not_used(house: House) -> None:
    sessions = house.open()
    identifier = await sessions.open("alice")
    for _ in range(3):
        house.now += 600
        assert await sessions.find(identifier) is not None
    house.now += 601
    assert await sessions.find(identifier) is None
    house.now -= 601
    assert await sessions.find(identifier) is None


async def test_it_ends_at_last(house: House) -> None:
    sessions = house.open()
    identifier = await sessions.open("alice")
    for _ in range(7):
        house.now += 500
        assert await sessions.find(identifier) is not None
    house.now += 500
    assert await sessions.find(identifier) is None


async def test_it_ends_by_logging_out(house: House) -> None:
    sessions = house.open()
    first, second = [await sessions.open("alice") for _ in range(2)]
    await sessions.close(first)
    assert await sessions.find(first) is None
    assert await sessions.find(second) is not None
    # Not after a restart either.
    assert await house.open().find(first) is None
    assert await sessions.close_all("alice") == 1
    assert await sessions.find(second) is None


async def test_it_survives_a_restart(house: House) -> None:
    identifier = await house.open().open("alice")
    session = await house.open().find(identifier)
    assert session is not None
    assert session.token() == (await house.open().find(identifier)).token()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "users",
    [{"alice": Secret("other")}, {}, {"bob": Secret("wonder land")}],
    ids=["other password", "nobody", "other user"],
)
async def test_it_ends_with_the_password(house: House, users: dict[str, Secret]) -> None:
    identifier = await house.open().open("alice")
    assert await house.open(users).find(identifier) is None
    # It is gone, and not back with the password.
    assert await house.open().find(identifier) is None


async def test_nothing_that_is_kept_can_be_used(house: House) -> None:
    sessions = house.open()
    identifier = await sessions.open("alice")
    session = await sessions.find(identifier)
    assert session is not None
    kept = house.path.read_text()
    assert "alice" in kept
    for secret in (identifier, session.token(), "wonder"):
        assert secret not in kept
    assert house.path.stat().st_mode & 0o777 == 0o600
    for digest in json.loads(kept):
        assert await sessions.find(digest) is None
    assert identifier not in session.token()


async def test_who_comes_by_a_provider_is_nobody_of_ours(house: House) -> None:
    sessions = house.open()
    identifier = await sessions.open("alice", roles=("reader",), by_provider=True)
    own = await sessions.open("alice")
    session = await house.open({}).find(identifier)
    assert session is not None
    principal = session.principal("192.0.2.1")
    assert (principal.kind, principal.roles) == (Kind.OPENID, ("reader",))
    assert sessions.count(session) == 1
    assert await sessions.close_all("alice", by_provider=True) == 1
    assert await sessions.find(own) is not None


async def test_one_user_has_a_hundred(house: House) -> None:
    sessions = house.open()
    other = await sessions.open("bob-by-provider", by_provider=True)
    first = await sessions.open("alice")
    for _ in range(100):
        house.now += 0.01
        last = await sessions.open("alice")
    session = await sessions.find(last)
    assert session is not None
    assert sessions.count(session) == 100
    assert await sessions.find(first) is None
    assert await sessions.find(other) is not None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {"user": 1}}'])
async def test_a_damaged_file_ends_all(house: House, text: str, caplog: Any) -> None:
    house.path.write_text(text)
    sessions = house.open()
    assert await sessions.find("a" * 43) is None
    assert "can't be read" in caplog.text
    identifier = await sessions.open("alice")
    assert await sessions.find(identifier) is not None


async def test_use_is_written_down_now_and_then(house: House) -> None:
    sessions = house.open()
    identifier = await sessions.open("alice")
    house.now += 500
    assert await sessions.find(identifier) is not None
    await house.settle()
    house.now += 500
    assert await house.open().find(identifier) is not None

"""API tokens: what they prove, when they end, and what is kept of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hornburg.errors import HornburgError, InexistentItemError, ParameterOutOfRangeError
from hornburg.security.principals import Kind, Permission
from hornburg.security.private_file import PrivateFile
from hornburg.security.tokens import Tokens


class House:
    """Tokens in a folder, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_700_000_000.0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.path = folder / "tokens.json"
        self.users = {"alice", "bob"}

    def open(self) -> Tokens:
        return Tokens(
            PrivateFile(self.path),
            clock=lambda: self.now,
            is_user=self.users.__contains__,
            tasks=self.tasks,
        )

    async def settle(self) -> None:
        """Wait until all is written down."""
        while self.tasks:
            await asyncio.wait(self.tasks)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_token(house: House) -> None:
    tokens = house.open()
    identifier, text = tokens.create("alice", name="nightly")
    assert text.startswith(f"hbt_{identifier}_")
    # 256 bits in base64.
    assert len(text.removeprefix(f"hbt_{identifier}_")) == 43
    principal = await tokens.find(text, "192.0.2.1")
    assert principal is not None
    assert (principal.name, principal.kind) == ("alice", Kind.TOKEN)
    assert (principal.address, principal.narrowed) == ("192.0.2.1", None)
    assert principal.detail == f"nightly ({identifier})"
    secret = text.rpartition("_")[2]
    for wrong in (
        "hbt_",
        "hbt__",
        f"hbt_{identifier}",
        f"hbt_{identifier}_",
        text[:-1],
        text + "x",
        text.replace(identifier, "0" * 12),
        "hbt_" + "a" * 100_000,
        f"{text}\0",
    ):
        assert await tokens.find(wrong, "192.0.2.1") is None
    assert secret not in repr(principal)
    await house.settle()


async def test_limits(house: House) -> None:
    tokens = house.open()
    _, text = tokens.create("alice", permissions=["view", "download"])
    principal = await tokens.find(text, "")
    assert principal is not None
    assert principal.narrowed == {Permission.VIEW, Permission.DOWNLOAD}
    _, text = tokens.create("alice", permissions=[])
    principal = await tokens.find(text, "")
    assert principal is not None
    assert principal.narrowed == frozenset()
    for permissions in (["nonsense"], ["anyone"], ["View"]):
        with pytest.raises(ParameterOutOfRangeError):
            tokens.create("alice", permissions=permissions)
    await house.settle()


async def test_it_ends(house: House) -> None:
    tokens = house.open()
    _, text = tokens.create("alice", life=60)
    house.now += 59
    assert await tokens.find(text, "") is not None
    house.now += 1
    assert await tokens.find(text, "") is None
    await house.settle()


@pytest.mark.parametrize(
    ("user", "name", "life"),
    [
        ("mallory", "", 60),
        ("alice", "a\nb", 60),
        ("alice", "x" * 101, 60),
        ("alice", "", 0),
        ("alice", "", -1),
        ("alice", "", 10**12),
    ],
)
def test_what_can_not_be(house: House, user: str, name: str, life: int) -> None:
    with pytest.raises(ParameterOutOfRangeError):
        house.open().create(user, name=name, life=life)
    assert not house.path.exists()


async def test_it_ends_with_its_user(house: House) -> None:
    _, text = house.open().create("alice")
    house.users.remove("alice")
    assert await house.open().find(text, "") is None


async def test_another_process_makes_and_revokes(house: House) -> None:
    """The command, while the server runs."""
    server, command = house.open(), house.open()
    assert await server.find("hbt_x_y", "") is None
    identifier, text = command.create("alice")
    assert await server.find(text, "") is not None
    await house.settle()
    command.revoke(identifier)
    assert await server.find(text, "") is None
    with pytest.raises(InexistentItemError):
        command.revoke(identifier)


def test_others_are_others(house: House) -> None:
    tokens = house.open()
    own, _ = tokens.create("alice")
    other, _ = tokens.create("bob")
    assert [one["ID"] for one in tokens.all("alice")] == [own]
    assert {one["ID"] for one in tokens.all()} == {own, other}
    with pytest.raises(InexistentItemError):
        tokens.revoke(other, "alice")
    tokens.revoke(own, "alice")


async def test_nothing_that_is_kept_can_be_used(house: House) -> None:
    tokens = house.open()
    _, text = tokens.create("alice")
    kept = house.path.read_text()
    assert "alice" in kept
    assert text.rpartition("_")[2] not in kept
    assert house.path.stat().st_mode & 0o777 == 0o600
    for one in tokens.all():
        assert "igest" not in str(one)


async def test_the_last_use(house: House) -> None:
    tokens = house.open()
    _, text = tokens.create("alice")
    assert tokens.all()[0]["LastUse"] is None
    await tokens.find(text, "")
    await house.settle()
    assert house.open().all()[0]["LastUse"] == "2023-11-14T22:13:20Z"
    before = house.path.stat().st_ino
    house.now += 59
    await tokens.find(text, "")
    await house.settle()
    assert house.path.stat().st_ino == before


async def test_a_use_does_not_bring_back_what_was_revoked(house: House) -> None:
    tokens = house.open()
    identifier, text = tokens.create("alice")
    await tokens.find(text, "")
    house.open().revoke(identifier)
    await house.settle()
    assert tokens.all() == []


def test_there_is_room_for_a_thousand(house: House) -> None:
    tokens = house.open()
    identifier, _ = tokens.create("alice", life=10)
    kept = PrivateFile(house.path)
    one = kept.content()[identifier]
    kept.change(lambda content: content.update({f"{key:012x}": one for key in range(999)}))
    with pytest.raises(ParameterOutOfRangeError):
        tokens.create("alice")
    house.now += 11
    tokens.create("alice")
    assert len(tokens.all()) == 1


@pytest.mark.parametrize("text", [b"[]", b"{", b'{"a": 1}', b'{"a": "\xff"}', b"[" * 100_000])
async def test_a_damaged_file_proves_nothing(house: House, text: bytes) -> None:
    house.path.write_bytes(text)
    assert await house.open().find("hbt_a_b", "") is None
    with pytest.raises(HornburgError):
        house.open().all()


def test_a_link_is_not_followed(house: House, tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    target.write_text("{}")
    house.path.symlink_to(target)
    with pytest.raises(HornburgError):
        house.open().all()
    house.path.with_suffix(".lock").symlink_to(tmp_path / "x")
    with pytest.raises(HornburgError):
        house.open().create("alice")
    assert not (tmp_path / "x").exists()

"""Who is asking; that guessing costs work and time; that names are never taken on trust."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import argon2
import pytest

from hornburg.errors import UnauthorizedError
from hornburg.security.identify import Identities, Proof, WrongCredentialsError
from hornburg.security.policy import Policy
from hornburg.security.principals import Kind, Principal
from hornburg.security.private_file import PrivateFile
from hornburg.security.sessions import Session, Sessions
from hornburg.security.throttle import Throttle, TooManyAttemptsError
from hornburg.security.tokens import Tokens
from hornburg.security.users import Users
from hornburg.settings import Secret, Settings

HERE, THERE = "192.0.2.1", "192.0.2.2"
HASHED = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("b")


class Bearer:
    """Knows one token."""

    async def check(self, token: str, address: str) -> Principal | None:
        return Principal("dora", Kind.OPENID, roles=("reader",)) if token == "right" else None


class World:
    def __init__(self, folder: Path, *, required: bool = True) -> None:
        self.now = 1000.0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.bearer = Bearer()
        users = Users({"alice": Secret("a"), "bob": Secret(HASHED)})
        self.identities = Identities(
            required=required,
            access=Policy(Settings()).access,
            users=users,
            throttle=Throttle(lambda: self.now),
            sessions=Sessions(
                PrivateFile(folder / "s.json"),
                idle=60,
                lifetime=600,
                clock=lambda: self.now,
                mark=users.mark,
            ),
            tokens=Tokens(
                PrivateFile(folder / "t.json"),
                clock=lambda: self.now,
                is_user=users.__contains__,
                tasks=self.tasks,
            ),
            bearer=self.bearer,
        )

    async def ask(self, address: str = HERE, **proof: Any) -> Principal:
        found = await self.identities.identify(Proof(address, **proof))
        return found.access.principal

    async def basic(self, name: str, password: str, address: str = HERE) -> Principal:
        return await self.ask(address, authorization=basic(name, password))

    async def settle(self) -> None:
        """Wait until all is written down."""
        while self.tasks:
            await asyncio.wait(self.tasks)


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Credentials that were looked at."""
    looked: list[bytes] = []
    check = Users.check

    async def counted(self: Users, credentials: bytes) -> str | None:
        looked.append(credentials)
        return await check(self, credentials)

    monkeypatch.setattr(Users, "check", counted)
    return looked


async def test_proofs(world: World) -> None:
    principal = await world.basic("alice", "a")
    assert (principal.name, principal.kind, principal.address) == ("alice", Kind.PASSWORD, HERE)
    session = await world.identities.sessions.open("alice")
    assert (await world.ask(session=session)).kind is Kind.SESSION
    _, token = world.identities.tokens.create("alice")
    assert (await world.ask(authorization=f"bearer {token}".encode())).kind is Kind.TOKEN
    principal = await world.ask(authorization=b"Bearer right")
    assert (principal.kind, principal.address) == (Kind.OPENID, HERE)
    principal = await world.ask(certificate=("carol", "CN=carol"))
    assert (principal.name, principal.detail) == ("carol", "CN=carol")
    # What is said counts, and not what comes by itself.
    principal = await world.ask(
        authorization=basic("bob", "b"), session=session, certificate=("carol", "")
    )
    assert principal.name == "bob"
    with pytest.raises(WrongCredentialsError):
        await world.ask(authorization=basic("bob", "x"), session=session)
    await world.settle()


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Basic",
        b"Basic !",
        b"Bearer",
        b"Bearer wrong",
        b"Bearer hbt_a_b",
        b"Digest x=y",
        b"Basic " + b"A" * 20000,
        b"Bearer \xff",
        b"Bearer " + b"a" * 20000,
        b"\x00",
    ],
)
async def test_no_proofs(world: World, authorization: bytes) -> None:
    with pytest.raises(WrongCredentialsError):
        await world.ask(authorization=authorization)


def test_secrets_are_not_printed() -> None:
    proof = Proof(HERE, authorization=basic("bob", "b"), session="a-secret")
    session = Session("bob", 0.0, 0.0, mark="a-mark", key="a-token")
    for shown in (repr(proof), repr(session)):
        assert not {one for one in ("Basic", "a-secret", "a-mark", "a-token") if one in shown}
    assert HERE in repr(proof) and "bob" in repr(session)


async def test_nobody_without_a_proof(world: World) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        await world.ask()
    assert not isinstance(caught.value, WrongCredentialsError)
    with pytest.raises(UnauthorizedError):
        await world.ask(session="a" * 43)


async def test_names_mean_nothing_where_nobody_logs_in(tmp_path: Path) -> None:
    world = World(tmp_path, required=False)
    for authorization in (basic("alice", "a"), basic("alice", "x"), b"Bearer right", None):
        principal = await world.ask(authorization=authorization)
        assert (principal.name, principal.kind) == ("", Kind.NOBODY)
    assert (await world.ask(certificate=("carol", "CN=carol"))).name == "carol"
    access = world.identities.at_once(basic("alice", "a"), HERE)
    assert access is not None
    assert access.principal.name == ""


async def test_passwords_are_not_looked_at_any_more(world: World, checks: list[bytes]) -> None:
    for _ in range(6):
        with pytest.raises(WrongCredentialsError):
            await world.basic("alice", "wrong")
    del checks[:]
    for password in ("wrong", "a"):
        with pytest.raises(TooManyAttemptsError) as caught:
            await world.basic("alice", password)
        assert caught.value.seconds == 1
    with pytest.raises(TooManyAttemptsError):
        await world.identities.log_in("alice", "a", HERE)
    assert checks == []
    # The right one from elsewhere, and in time.
    assert (await world.basic("alice", "a", THERE)).name == "alice"
    world.now += 1
    assert (await world.basic("alice", "a")).name == "alice"


async def test_what_is_at_hand_answers_no_guesses(world: World) -> None:
    """The owner works from the same address: a guess must not be told from the wait."""
    await world.basic("alice", "a")
    assert world.identities.at_once(basic("alice", "a"), HERE) is not None
    assert world.identities.at_once(basic("alice", "a"), THERE) is None
    for number in range(6):
        with pytest.raises(WrongCredentialsError):
            await world.basic("alice", f"wrong{number}")
    assert world.identities.at_once(basic("alice", "a"), HERE) is None
    with pytest.raises(TooManyAttemptsError):
        await world.basic("alice", "a")


async def test_an_address_that_waits(world: World, checks: list[bytes]) -> None:
    await world.basic("alice", "a")
    for number in range(21):
        with pytest.raises(WrongCredentialsError):
            await world.basic(f"user{number}", "x")
    # Who worked before goes on; but only as long as nobody guesses.
    assert (await world.basic("alice", "a")).name == "alice"
    del checks[:]
    for number in range(6):
        with pytest.raises(TooManyAttemptsError):
            await world.basic("alice", f"x{number}")
    assert world.identities.at_once(basic("alice", "a"), HERE) is None
    assert checks == []


async def test_a_flood_of_names_lets_nobody_guess(world: World) -> None:
    await world.basic("alice", "a")
    for number in range(21):
        with pytest.raises(WrongCredentialsError):
            await world.basic(f"user{number}", "x")
    for number in range(30_000):
        with pytest.raises(TooManyAttemptsError):
            await world.basic(f"x{number}" if number % 5_000 else "alice", "x")
    assert world.identities.at_once(basic("alice", "a"), HERE) is None
    with pytest.raises(TooManyAttemptsError):
        await world.basic("alice", "a")


async def test_many_tries_at_once_are_many(world: World, checks: list[bytes]) -> None:
    tries = (world.basic("bob", f"guess{number}") for number in range(100))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, TooManyAttemptsError) for one in answers) == 94
    assert len(checks) == 6


async def test_right_ones_at_once_are_one(world: World, checks: list[bytes]) -> None:
    tries = (world.basic("bob", "b") for _ in range(100))
    assert {one.name for one in await asyncio.gather(*tries)} == {"bob"}
    assert len(checks) == 1


async def test_sessions_and_tokens_are_not_shut_out(world: World) -> None:
    session = await world.identities.sessions.open("alice")
    _, token = world.identities.tokens.create("alice")
    bearer = f"Bearer {token}".encode()
    for number in range(30):
        for authorization in (basic(f"user{number}", "x"), b"Bearer hbt_x_%d" % number):
            with pytest.raises((WrongCredentialsError, TooManyAttemptsError)):
                await world.ask(authorization=authorization)
    with pytest.raises(TooManyAttemptsError):
        await world.ask(authorization=b"Bearer hbt_x_y")
    assert (await world.ask(session=session)).name == "alice"
    assert (await world.ask(authorization=bearer)).name == "alice"
    await world.settle()


async def test_an_old_token_of_a_provider_shuts_nobody_out(world: World) -> None:
    """A page that was left open goes on asking with a token that has expired."""
    for _ in range(100):
        with pytest.raises((WrongCredentialsError, TooManyAttemptsError)):
            await world.ask(authorization=b"Bearer expired")
    with pytest.raises(TooManyAttemptsError):
        await world.ask(authorization=b"Bearer expired")
    assert (await world.ask(authorization=b"Bearer right")).name == "dora"
    assert (await world.ask(THERE, authorization=b"Bearer right")).name == "dora"


async def test_a_revoked_token_is_worthless_at_once(world: World) -> None:
    identifier, token = world.identities.tokens.create("alice")
    authorization = f"Bearer {token}".encode()
    assert (await world.ask(authorization=authorization)).name == "alice"
    world.identities.tokens.revoke(identifier)
    with pytest.raises(WrongCredentialsError):
        await world.ask(authorization=authorization)
    assert world.identities.at_once(authorization, HERE) is None
    await world.settle()


async def test_what_is_at_hand_is_bounded(tmp_path: Path) -> None:
    world = World(tmp_path, required=False)
    for number in range(3000):
        await world.ask(f"2001:db8::{number:x}")
    assert len(world.identities._known) == 1024

"""The DICOM server's bounds and its end; the archive behind it is left out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hornburg.dimse.commands import Command, CommandField
from hornburg.hooks.manager import NO_HOOKS, Hooks
from hornburg.net.association import Association
from hornburg.net.errors import AssociationLostError
from hornburg.net.listener import DicomServer
from hornburg.net.parts import Parts
from hornburg.security.accepted import Accepted
from hornburg.security.dicom_rules import DicomRules
from hornburg.security.trail import NO_TRAIL
from hornburg.settings import Settings
from hornburg.ul.events import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    PresentationContext,
)
from hornburg.ul.limits import Limits

VERIFICATION = "1.2.840.10008.1.1"
REQUEST = AssociateRequest(
    called_aet="ORTHANC",
    calling_aet="HERE",
    contexts=(PresentationContext(1, VERIFICATION, ("1.2.840.10008.1.2",)),),
)


class Running:
    """A server, and callers."""

    def __init__(self, hooks: Hooks = NO_HOOKS, **options: Any) -> None:
        settings = Settings(**options)
        parts = SimpleNamespace(
            archive=SimpleNamespace(settings=settings, hooks=hooks, trail=NO_TRAIL),
            rules=DicomRules(settings, dict),
            accepted=Accepted(settings),
        )
        self.server = DicomServer(cast("Parts", parts))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.server.start([self.socket])

    async def call(self) -> Association:
        """A connection that has said nothing yet."""
        _, made = await asyncio.get_running_loop().create_connection(
            lambda: Association(requestor=True, limits=Limits(), timeout=0),
            "127.0.0.1",
            self.port,
        )
        return made

    async def associate(self) -> tuple[Association, AssociateAccept | AssociateReject]:
        made = await self.call()
        return made, await made.request(REQUEST)

    async def close(self) -> None:
        await self.server.close()
        self.socket.close()


@pytest.fixture
async def running() -> AsyncIterator[Any]:
    made: list[Running] = []

    def start(**options: Any) -> Running:
        made.append(Running(**options))
        return made[-1]

    yield start
    for one in made:
        await one.close()


async def test_an_echo(running: Any) -> None:
    server = running()
    association, answer = await server.associate()
    assert isinstance(answer, AssociateAccept)
    assert server.server.associations == 1
    await association.send(
        1, Command(field=CommandField.C_ECHO_RQ, message_id=5, sop_class_uid=VERIFICATION)
    )
    assert (await association.inbox.next()).command.responded_to == 5
    await association.release()
    await association.ended
    while server.server.associations:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "options",
    [
        {"dicom_maximum_associations": 2, "dicom_maximum_associations_per_address": 0},
        {"dicom_maximum_associations": 9, "dicom_maximum_associations_per_address": 2},
    ],
)
async def test_one_too_many(running: Any, options: dict[str, int]) -> None:
    server = running(**options)
    first, _ = await server.associate()
    await server.associate()
    third, answer = await server.associate()
    assert answer == AssociateReject(2, 3, 2)
    third.drop("rejected")
    await first.release()
    while server.server.associations == 2:
        await asyncio.sleep(0)
    _, answer = await server.associate()
    assert isinstance(answer, AssociateAccept)


async def test_silent_connections_keep_out_nobody(running: Any) -> None:
    """The oldest of them goes; those that are served stay."""
    server = running(dicom_maximum_associations=2, dicom_maximum_associations_per_address=0)
    served, _ = await server.associate()
    silent = [await server.call() for _ in range(20)]
    await silent[0].ended
    speaking, answer = await server.associate()
    assert isinstance(answer, AssociateAccept)
    assert not served.why and not speaking.why
    assert not silent[-1].ended.done()


async def test_the_end(running: Any) -> None:
    """Everybody hears of it, and nobody comes in any more."""
    server = running()
    association, _ = await server.associate()
    silent = await server.call()
    waiting = asyncio.ensure_future(association.inbox.next())
    await server.server.close()
    with pytest.raises(AssociationLostError, match="abort"):
        await waiting
    await silent.ended
    assert server.server.associations == 0

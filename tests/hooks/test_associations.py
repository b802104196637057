"""Associations that wait until plug-ins have said what they think of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.net.test_listener import Running

from hornburg.hooks.manager import Hooks
from hornburg.hooks.specs import AssociationRequest, Plugin
from hornburg.net.errors import AssociationLostError
from hornburg.ul.events import AssociateAccept, AssociateReject


class Asked(Plugin):
    """Answers when the test does."""

    def __init__(self) -> None:
        self.requests: list[AssociationRequest] = []
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.answer: Any = True

    async def filter_association(self, request: AssociationRequest) -> bool:
        self.requests.append(request)
        self.asked.set()
        await self.may_answer.wait()
        return bool(self.answer)


@pytest.fixture
def plugin() -> Asked:
    return Asked()


@pytest.fixture
async def server(plugin: Asked) -> AsyncIterator[Running]:
    running = Running(
        Hooks({"asked": plugin}),
        dicom_maximum_associations=1,
        dicom_maximum_associations_per_address=0,
    )
    yield running
    plugin.may_answer.set()
    await running.close()


async def test_yes(server: Running, plugin: Asked) -> None:
    plugin.may_answer.set()
    _, answer = await server.associate()
    assert isinstance(answer, AssociateAccept)
    (request,) = plugin.requests
    assert request.address == "127.0.0.1"
    assert request.aet and request.called_aet


async def test_no(server: Running, plugin: Asked) -> None:
    plugin.may_answer.set()
    plugin.answer = False
    _, answer = await server.associate()
    assert answer == AssociateReject(1, 1, 1)
    assert server.server.associations == 0


async def test_one_that_has_gone_meanwhile_is_not_served(server: Running, plugin: Asked) -> None:
    called = await server.call()
    from tests.net.test_listener import REQUEST

    asking = asyncio.ensure_future(called.request(REQUEST))
    await plugin.asked.wait()
    called.drop("no longer wanted")
    with pytest.raises(AssociationLostError):
        await asking
    while server.server._open:
        await asyncio.sleep(0.001)
    plugin.may_answer.set()
    while server.server._asking:
        await asyncio.sleep(0.001)
    assert server.server.associations == 0


async def test_there_may_be_no_room_left_meanwhile(server: Running, plugin: Asked) -> None:
    waiting = [asyncio.ensure_future(server.associate()) for _ in range(2)]
    while len(plugin.requests) < 2:
        await asyncio.sleep(0.001)
    plugin.may_answer.set()
    answers = [answer for _, answer in await asyncio.gather(*waiting)]
    assert sorted(isinstance(one, AssociateAccept) for one in answers) == [False, True]
    assert AssociateReject(2, 3, 2) in answers


async def test_the_stop_waits_for_no_plug_in(plugin: Asked) -> None:
    running = Running(Hooks({"asked": plugin}))
    waiting = asyncio.ensure_future(running.associate())
    await plugin.asked.wait()
    await running.close()
    with pytest.raises(AssociationLostError):
        await waiting
    assert running.server.associations == 0


async def test_a_fault_of_ours_leaves_nobody_waiting(
    server: Running, plugin: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.may_answer.set()
    monkeypatch.setattr(server.server, "_welcome", None)
    with pytest.raises(AssociationLostError):
        await server.associate()

"""What becomes of the answers of plug-ins: no answer is a no."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hornburg.errors import BadRequestError
from hornburg.hooks.errors import PluginFaultError, PluginLoadError
from hornburg.hooks.events import MOST_EVENTS
from hornburg.hooks.manager import NO_HOOKS, Hooks
from hornburg.hooks.specs import (
    HOOKS,
    Action,
    Answer,
    AssociationRequest,
    Event,
    FindRequest,
    HttpRequest,
    Plugin,
    ReceivedInstance,
    RemoteEntity,
    Route,
    RouteRequest,
)
from hornburg.security.principals import NOBODY, Permission

HTTP = HttpRequest("GET", "/x?a=1", "/x", {"a": "1"}, "127.0.0.1", "", {})
ASSOCIATION = AssociationRequest("CT1", "HORNBURG", "127.0.0.1")
INSTANCE = ReceivedInstance(lambda: {"PatientID": "1"}, b"", {"RequestOrigin": "RestApi"})
FIND = FindRequest({"0010,0010": "DOE*"}, "STUDY", RemoteEntity("CT1"))


def plugin_with(**hooks: Callable[..., Any]) -> Plugin:
    """A plug-in with these methods."""
    return type("Made", (Plugin,), {name: staticmethod(one) for name, one in hooks.items()})()


def hooks_with(limit: float = 30, **hooks: Callable[..., Any]) -> Hooks:
    """The hooks of one plug-in with these methods."""
    return Hooks({"made": plugin_with(**hooks)}, limit)


def raising(*_: Any) -> Any:
    raise ValueError("no")


def endless(*_: Any) -> Any:
    while True:
        pass


async def endless_wait(*_: Any) -> Any:
    await asyncio.Event().wait()


def answering(answer: Any) -> list[Callable[..., Any]]:
    """The same answer by a plain function and by a coroutine."""

    async def later(*_: Any) -> Any:
        return answer

    return [lambda *_: answer, later]


def test_nobody_has_hooked_anything() -> None:
    assert not NO_HOOKS
    assert not any(NO_HOOKS.has(name) for name in HOOKS)


def test_only_what_is_overridden_is_hooked() -> None:
    hooks = hooks_with(filter_http=lambda _: True)
    assert [name for name in HOOKS if hooks.has(name)] == ["filter_http"]


def test_a_plug_in_may_say_itself_what_is_in_use() -> None:
    plugin = plugin_with(filter_http=raising, filter_find=raising)
    plugin.hooks = frozenset({"filter_find"})
    hooks = Hooks({"made": plugin})
    assert [name for name in HOOKS if hooks.has(name)] == ["filter_find"]


@pytest.mark.parametrize("hook", ["filter_http", "filter_association"])
class TestYesOrNo:
    def ask(self, hooks: Hooks, hook: str) -> Any:
        subject = HTTP if hook == "filter_http" else ASSOCIATION
        return getattr(hooks, hook)(subject)

    async def test_true_is_yes(self, hook: str) -> None:
        for function in answering(True):
            assert await self.ask(hooks_with(**{hook: function}), hook)

    @pytest.mark.parametrize("answer", [False, None, 1, "yes", [True]])
    async def test_anything_else_is_no(self, hook: str, answer: Any) -> None:
        for function in answering(answer):
            assert not await self.ask(hooks_with(**{hook: function}), hook)

    async def test_one_that_raises_denies_and_is_named(
        self, hook: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not await self.ask(hooks_with(**{hook: raising}), hook)
        assert f"plug-in made: {hook} raised ValueError" in caplog.text

    @pytest.mark.parametrize("function", [endless, endless_wait])
    async def test_one_that_does_not_answer_denies_and_is_named(
        self, hook: str, function: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not await self.ask(hooks_with(0.05, **{hook: function}), hook)
        assert f"plug-in made: {hook} did not answer within 0.05 seconds" in caplog.text

    async def test_all_must_agree(self, hook: str) -> None:
        yes, no = (plugin_with(**{hook: lambda _, a=answer: a}) for answer in (True, False))
        assert not await self.ask(Hooks({"yes": yes, "no": no}), hook)
        assert await self.ask(Hooks({"yes": yes, "too": yes}), hook)


class TestReceived:
    async def test_yes_and_no(self) -> None:
        for function in answering(True):
            assert await hooks_with(filter_received=function).filter_received(INSTANCE)
        for function in answering(False):
            assert not await hooks_with(filter_received=function).filter_received(INSTANCE)

    @pytest.mark.parametrize("function", [raising, endless, endless_wait, lambda _: None])
    async def test_no_decision_is_a_failure(self, function: Any) -> None:
        hooks = hooks_with(0.05, filter_received=function)
        with pytest.raises(PluginFaultError):
            await hooks.filter_received(INSTANCE)

    @pytest.mark.parametrize(("answer", "status"), [(None, 0), (0, 0), (0xA700, 0xA700)])
    async def test_a_status(self, answer: Any, status: int) -> None:
        for function in answering(answer):
            assert await hooks_with(filter_cstore=function).filter_cstore(INSTANCE) == status

    @pytest.mark.parametrize("answer", [True, "0", -1, 0x10000, 1.5])
    async def test_no_status_is_a_failure(self, answer: Any) -> None:
        with pytest.raises(PluginFaultError):
            await hooks_with(filter_cstore=lambda _: answer).filter_cstore(INSTANCE)

    @pytest.mark.parametrize("answer", [Action.KEEP, Action.DISCARD, b"other"])
    async def test_other_bytes(self, answer: Any) -> None:
        for function in answering(answer):
            assert await hooks_with(change_received=function).change_received(INSTANCE) == answer

    @pytest.mark.parametrize("answer", [None, True, "keep", bytearray(b"x")])
    async def test_anything_else_is_a_failure(self, answer: Any) -> None:
        with pytest.raises(PluginFaultError):
            await hooks_with(change_received=lambda _: answer).change_received(INSTANCE)


@pytest.mark.parametrize("hook", ["filter_find", "filter_outgoing_find", "filter_worklist"])
class TestQueries:
    async def test_another_query(self, hook: str) -> None:
        for function in answering({"0010,0020": "1"}):
            changed = await hooks_with(**{hook: function}).change_query(hook, FIND)
            assert changed == {"0010,0020": "1"}

    async def test_the_same_query(self, hook: str) -> None:
        assert await hooks_with(**{hook: lambda _: None}).change_query(hook, FIND) is None

    async def test_each_sees_what_the_one_before_made(self, hook: str) -> None:
        def more(request: FindRequest) -> Mapping[str, Any]:
            return {**request.tags, f"0010,{len(request.tags):04d}": ""}

        one, two = plugin_with(**{hook: more}), plugin_with(**{hook: more})
        changed = await Hooks({"one": one, "two": two}).change_query(hook, FIND)
        assert list(changed or ()) == ["0010,0010", "0010,0001", "0010,0002"]

    @pytest.mark.parametrize("function", [raising, endless, lambda _: True, lambda _: [1]])
    async def test_anything_else_refuses(self, hook: str, function: Any) -> None:
        with pytest.raises(PluginFaultError):
            await hooks_with(0.05, **{hook: function}).change_query(hook, FIND)


class TestEvents:
    async def test_in_order_between_start_and_stop(self) -> None:
        for is_async in (False, True):
            seen: list[str] = []

            async def later(event: Event, seen: list[str] = seen) -> None:
                seen.append(event.kind)

            hooks = hooks_with(
                on_event=later if is_async else lambda event, seen=seen: seen.append(event.kind),
                on_start=lambda seen=seen: seen.append("start"),
                on_stop=lambda seen=seen: seen.append("stop"),
            )
            hooks.tell(Event("JobSuccess"))
            await hooks.start()
            hooks.tell(Event("NewPatient"), Event("NewStudy"))
            hooks.tell(Event("NewSeries"))
            await hooks.close()
            assert seen == [
                "start",
                "OrthancStarted",
                "JobSuccess",
                "NewPatient",
                "NewStudy",
                "NewSeries",
                "OrthancStopped",
                "stop",
            ]

    async def test_one_that_raises_gets_the_next_event_too(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        seen: list[str] = []

        def on_event(event: Event) -> None:
            seen.append(event.kind)
            raise ValueError("no")

        hooks = hooks_with(on_event=on_event, on_start=raising, on_stop=raising)
        await hooks.start()
        hooks.tell(Event("NewPatient"))
        await hooks.close()
        assert seen == ["OrthancStarted", "NewPatient", "OrthancStopped"]
        assert "plug-in made: on_event raised ValueError" in caplog.text
        assert "plug-in made: on_start raised ValueError" in caplog.text
        assert "plug-in made: on_stop raised ValueError" in caplog.text

    async def test_one_that_hangs_holds_up_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        begun, block, heard = threading.Event(), threading.Event(), asyncio.Event()

        def hang(_: Event) -> None:
            begun.set()
            block.wait()

        async def hear(event: Event) -> None:
            if event.kind == "NewPatient":
                heard.set()

        hooks = Hooks(
            {"hangs": plugin_with(on_event=hang, filter_http=lambda _: True),
             "hears": plugin_with(on_event=hear)},
            0.2,
        )  # fmt: skip
        await hooks.start()
        await asyncio.to_thread(begun.wait)
        hooks.tell(*([Event("NewInstance")] * MOST_EVENTS), Event("NewInstance"))
        assert "plug-in hangs: 10000 events wait already, so 1 were dropped" in caplog.text
        await asyncio.sleep(0)
        assert await hooks.filter_http(HTTP)  # on another thread
        # The other plug-in has its own queue, though it was full for a moment.
        await _until(lambda: not hooks._mailboxes[hooks.guests[1]]._waiting)
        hooks.tell(Event("NewPatient"))
        await asyncio.wait_for(heard.wait(), 30)
        await hooks.close()
        assert (
            "plug-in hangs: on_event does not end; 10002 events that wait are lost" in caplog.text
        )
        block.set()

    async def test_the_heart_beats_without_events(self) -> None:
        beats = asyncio.Event()

        async def heartbeat() -> None:
            beats.set()

        plugin = plugin_with(heartbeat=heartbeat)
        plugin.heartbeat_period = 0.001
        hooks = Hooks({"made": plugin})
        await hooks.start()
        await asyncio.wait_for(beats.wait(), 30)
        await hooks.close()

    async def test_one_thread_for_all_when_the_plug_in_wants_so(self) -> None:
        for one_thread, threads in ((False, 2), (True, 1)):
            seen = set()

            def note(*_: Any, seen: set[int] = seen) -> bool:
                seen.add(threading.get_ident())
                return True

            plugin = plugin_with(on_event=note, filter_http=note)
            plugin.one_thread = one_thread
            hooks = Hooks({"made": plugin})
            await hooks.start()
            await hooks.filter_http(HTTP)
            await hooks.close()
            assert len(seen) == threads


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


class TestRoutes:
    request = RouteRequest("GET", "/mine", {}, {}, {}, b"", NOBODY)

    async def test_answers(self) -> None:
        for handler in answering(Answer(b"1")):
            route = Route("GET", "/mine", Permission.VIEW, handler)
            hooks = hooks_with(routes=lambda route=route: [route])
            ((guest, found),) = hooks.routes()
            assert (await hooks.answer_route(guest, found, self.request)).body == b"1"

    @pytest.mark.parametrize("handler", [raising, lambda _: b"1", lambda _: None])
    async def test_what_is_no_answer_is_a_failure(self, handler: Any) -> None:
        hooks = hooks_with(routes=lambda: [Route("GET", "/mine", Permission.VIEW, handler)])
        ((guest, route),) = hooks.routes()
        with pytest.raises(PluginFaultError):
            await hooks.answer_route(guest, route, self.request)

    @pytest.mark.parametrize("routes", [raising, lambda: ["/x"], lambda: 3])
    def test_what_is_no_route_stops_the_start(self, routes: Any) -> None:
        with pytest.raises(PluginLoadError, match="made"):
            hooks_with(routes=routes).routes()


async def test_the_stack_of_a_fault_is_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    hooks = hooks_with(filter_http=raising)
    for _ in range(3):
        await hooks.filter_http(HTTP)
    faults = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert [bool(one.exc_info) for one in faults] == [True, False, False]


async def test_an_error_that_says_what_is_wrong_has_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(_: Any) -> Any:
        raise BadRequestError("no such department")

    with pytest.raises(PluginFaultError):
        await hooks_with(filter_find=refuse).change_query("filter_find", FIND)
    (line,) = caplog.records
    assert line.getMessage().startswith(
        "plug-in made: filter_find raised BadRequestError at refuse"
    )
    assert line.getMessage().endswith(": no such department")
    assert not line.exc_info

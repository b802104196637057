"""The plug-ins of a server together: who has hooked what, and what becomes of their answers.

Plug-ins are asked in the order of ``Plugins``; the first that says no is the last that is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from hornburg.errors import HornburgError
from hornburg.hooks.errors import PluginFaultError, PluginLoadError
from hornburg.hooks.events import Mailbox
from hornburg.hooks.guest import EVENTS, ROUTES, Guest
from hornburg.hooks.port import Caller, Port, Switchboard
from hornburg.hooks.specs import (
    HOOKS,
    Action,
    Answer,
    AssociationRequest,
    Event,
    FindRequest,
    HttpRequest,
    Plugin,
    QueryTags,
    ReceivedInstance,
    Route,
    RouteRequest,
)

__all__ = ["NO_HOOKS", "TIME_LIMIT", "Hooks"]

log = logging.getLogger("hornburg.plugins")

#: Seconds that a filter has, when nobody says otherwise.
TIME_LIMIT = 10.0

#: Seconds that a route has.
_ROUTE_LIMIT = 600.0

#: Statuses of a DIMSE response are two bytes (PS3.7 annex C).
_MOST_STATUS = 0xFFFF


class Hooks:
    """Asks and tells plug-ins.

    Args:
        plugins: by name.
        limit: seconds that a filter has (``PluginTimeLimit``).
        switchboard: where their calls go.
        ports: the server as each of them sees it, by name.
    """

    def __init__(
        self,
        plugins: Mapping[str, Plugin] | None = None,
        limit: float = TIME_LIMIT,
        switchboard: Switchboard | None = None,
        ports: Mapping[str, Port] | None = None,
    ) -> None:
        self._guests = tuple(Guest(name, one, limit) for name, one in (plugins or {}).items())
        for guest in self._guests:
            if ports and guest.name in ports:
                ports[guest.name].guest = guest
        self._limit = limit
        self._switchboard = switchboard or Switchboard()
        self._by_hook: dict[str, tuple[Guest, ...]] = {}
        for name in HOOKS:
            guests = tuple(guest for guest in self._guests if _overrides(guest.plugin, name))
            if guests:
                self._by_hook[name] = guests
        # A heart may beat without events, and a mailbox is what it beats in.
        listening = (*self._of("on_event"), *self._of("heartbeat"))
        self._mailboxes = {guest: Mailbox(guest) for guest in listening}
        self._started = False
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._guests)

    def has(self, name: str) -> bool:
        """Whether any plug-in has this hook; a look into a dictionary, so that where nobody has
        hooked anything nothing is paid."""
        return name in self._by_hook

    @property
    def guests(self) -> tuple[Guest, ...]:
        """The plug-ins."""
        return self._guests

    # -- filters --------------------------------------------------------------------------------

    async def filter_http(self, request: HttpRequest) -> bool:
        """Whether all plug-ins let a request go on. Never raises."""
        return await self._all_agree("filter_http", request, f"{request.method} {request.path}")

    async def filter_association(self, request: AssociationRequest) -> bool:
        """Whether all plug-ins accept an association. Never raises."""
        return await self._all_agree("filter_association", request, request.address)

    async def change_received(self, instance: ReceivedInstance) -> Action | bytes:
        """What the plug-ins want of an instance: to keep it, not to, or another file. The first
        that does not keep it as it is decides.

        Raises:
            PluginFaultError: one failed.
        """
        for guest in self._of("change_received"):
            answer = await guest.ask("change_received", instance)
            if isinstance(answer, bytes) or answer is Action.DISCARD:
                return answer
            if answer is not Action.KEEP:
                raise guest.wrong_answer("change_received", answer)
        return Action.KEEP

    async def filter_received(self, instance: ReceivedInstance) -> bool:
        """Whether all plug-ins want to keep an instance.

        Raises:
            PluginFaultError: one failed; that is no decision, and its sender must not believe
                that all is well.
        """
        for guest in self._of("filter_received"):
            answer = await guest.ask("filter_received", instance)
            if answer is False:
                return False
            if answer is not True:
                raise guest.wrong_answer("filter_received", answer)
        return True

    async def filter_cstore(self, instance: ReceivedInstance) -> int:
        """The status for a C-STORE; all but 0x0000 discard the instance.

        Raises:
            PluginFaultError: one failed.
        """
        for guest in self._of("filter_cstore"):
            status = await guest.ask("filter_cstore", instance)
            if status is None:
                continue
            if not isinstance(status, int) or isinstance(status, bool):
                raise guest.wrong_answer("filter_cstore", status)
            if not 0 <= status <= _MOST_STATUS:
                raise guest.wrong_answer("filter_cstore", status)
            if status:
                return status
        return 0

    async def change_query(self, hook: str, request: FindRequest) -> QueryTags | None:
        """What becomes of a query: ``filter_find``, ``filter_outgoing_find`` or
        ``filter_worklist``. Each plug-in sees what the one before made of it.

        Returns:
            the query that is asked instead, ``None`` when nobody wanted another one.

        Raises:
            PluginFaultError: one failed, or refused.
        """
        changed: QueryTags | None = None
        for guest in self._of(hook):
            seen = request if changed is None else _with_tags(request, changed)
            answer = await guest.ask(hook, seen)
            if answer is None:
                continue
            if not isinstance(answer, Mapping):
                raise guest.wrong_answer(hook, answer)
            changed = answer
        return changed

    # -- routes ---------------------------------------------------------------------------------

    def routes(self) -> Sequence[tuple[Guest, Route]]:
        """The routes of all plug-ins, and whose they are.

        Raises:
            PluginLoadError: a plug-in failed to say, or a route is none.
        """
        found: list[tuple[Guest, Route]] = []
        for guest in self._of("routes"):
            try:
                routes = list(guest.plugin.routes())
            except Exception as error:
                log.error("plug-in %s: routes raised", guest.name, exc_info=error)
                raise PluginLoadError(
                    f"Plugins: {guest.name}: routes() raised {type(error).__name__}: {error}"
                ) from None
            for route in routes:
                if not isinstance(route, Route):
                    raise PluginLoadError(
                        f"Plugins: {guest.name}: routes() gave a {type(route).__name__}; objects "
                        "of the class Route are needed"
                    )
                found.append((guest, route))
        return found

    async def answer_route(self, guest: Guest, route: Route, request: RouteRequest) -> Answer:
        """The answer of a plug-in's route.

        Raises:
            PluginFaultError: it failed, or takes more than ten minutes.
            HornburgError: what it raised itself.
        """
        try:
            answer = await guest.run(route.handler, ROUTES, _ROUTE_LIMIT, request)
        except HornburgError:
            raise
        except Exception as error:  # noqa: BLE001 - a plug-in may raise what it likes
            raise guest.fault(f"{route.method} {route.path}", error) from None
        if not isinstance(answer, Answer):
            raise guest.wrong_answer(f"{route.method} {route.path}", answer)
        return answer

    # -- events ---------------------------------------------------------------------------------

    def tell(self, *events: Event) -> None:
        """Have events delivered, on the event loop; never blocks."""
        for guest in self._of("on_event"):
            self._mailboxes[guest].put(events)

    def connect(self, caller: Caller) -> None:
        """Let calls of plug-ins reach the REST API."""
        if self._guests:
            self._switchboard.connect(caller)

    async def start(self) -> None:
        """The server listens: tell so, and begin to deliver events. Errors are logged."""
        if not self._guests or self._started:
            return
        self._started = True
        for guest in self._of("on_start"):
            await self._moment(guest, "on_start")
        for guest in self._of("on_event"):
            # What happened before, such as the end of a job of an earlier run, comes after it.
            self._mailboxes[guest].put_first(Event("OrthancStarted"))
        for mailbox in self._mailboxes.values():
            mailbox.start()

    async def close(self) -> None:
        """The server stops: deliver what waits, as far as there is time, and let go."""
        if self._started and not self._closed:
            self._closed = True
            self.tell(Event("OrthancStopped"))
            await asyncio.gather(*(one.close(self._limit) for one in self._mailboxes.values()))
            for guest in self._of("on_stop"):
                await self._moment(guest, "on_stop")
        self._switchboard.disconnect()
        for guest in self._guests:
            guest.close()

    # -- inside ---------------------------------------------------------------------------------

    def _of(self, hook: str) -> tuple[Guest, ...]:
        return self._by_hook.get(hook, ())

    async def _all_agree(self, hook: str, subject: Any, what: str) -> bool:
        for guest in self._of(hook):
            try:
                answer = await guest.ask(hook, subject)
            except PluginFaultError:
                return False
            if answer is True:
                continue
            if answer is not False:
                guest.wrong_answer(hook, answer)
            log.info("plug-in %s: %s denied %s", guest.name, hook, what)
            return False
        return True

    async def _moment(self, guest: Guest, hook: str) -> None:
        try:
            await guest.run(getattr(guest.plugin, hook), EVENTS, self._limit)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise what it likes
            guest.fault(hook, error)


def _overrides(plugin: Plugin, name: str) -> bool:
    if plugin.hooks is not None:
        return name in plugin.hooks
    return getattr(type(plugin), name) is not getattr(Plugin, name) or name in vars(plugin)


def _with_tags(request: FindRequest, tags: QueryTags) -> FindRequest:
    return FindRequest(tags, request.level, request.remote)


NO_HOOKS = Hooks()
"""Nobody has hooked anything."""

"""Lua as a plug-in: hooks of the server become callbacks of scripts, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hornburg.builtin.lua.callbacks import EVENTS, FILTERS_APART, MISSING
from hornburg.builtin.lua.errors import LuaError
from hornburg.builtin.lua.functions import Functions, HttpPort
from hornburg.builtin.lua.operations import Operations
from hornburg.builtin.lua.process import LuaLimits
from hornburg.builtin.lua.queries import Queries, integer
from hornburg.builtin.lua.runtime import LuaRuntime, Script
from hornburg.builtin.lua.turn import Turn, log
from hornburg.dicom.dictionary import Dictionary
from hornburg.hooks.specs import (
    Event,
    FindRequest,
    HttpRequest,
    Plugin,
    QueryTags,
    ReceivedInstance,
    ServerPort,
)

__all__ = ["NAME", "LuaPlugin"]

NAME = "lua"
"""Under which the scripts call, and log."""

#: Orthanc shows a filter the methods of WebDAV as those that they resemble.
_SHOWN_AS = {
    "HEAD": "GET",
    "OPTIONS": "GET",
    "PROPFIND": "GET",
    "PROPPATCH": "PUT",
    "LOCK": "PUT",
    "UNLOCK": "PUT",
    "MKCOL": "PUT",
}

_BY_HOOK = {
    "filter_http": ("IncomingHttpRequestFilter",),
    "filter_received": ("ReceivedInstanceFilter",),
    "filter_cstore": ("ReceivedCStoreInstanceFilter",),
    "filter_find": ("IncomingFindRequestFilter",),
    "filter_outgoing_find": ("OutgoingFindRequestFilter",),
    "filter_worklist": ("IncomingWorklistRequestFilter",),
    "on_event": tuple(name for levels in EVENTS.values() for name in levels.values()),
    "heartbeat": ("OnHeartBeat",),
}

_LEVEL_TAG = "0008,0052"

#: What a stop waits for operations that scripts have asked for.
_PATIENCE_AT_END = 5.0


class LuaPlugin(Plugin):
    """The scripts of ``LuaScripts``, and what ``/tools/execute-script`` is sent.

    Args:
        server: the server as a plug-in sees it.
        scripts: loaded in order; :meth:`check` says whether they can be.
        limits: of memory and time.
        heart_beat_period: in seconds, 0 for none.
        may_execute: scripts may come later, so that all hooks are in use.
        http: requests to other servers.
        dictionary: names of tags.
        configuration: what ``GetOrthancConfiguration`` gives.
    """

    name = NAME
    description = "Server-side scripting with Lua"

    def __init__(
        self,
        server: ServerPort,
        scripts: Sequence[Script],
        limits: LuaLimits,
        *,
        heart_beat_period: float = 0,
        may_execute: bool = False,
        http: HttpPort | None = None,
        dictionary: Dictionary | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        self._server = server
        self._configuration = configuration or server.settings
        self._operations = Operations(server)

        def runtime() -> LuaRuntime:
            functions = Functions(server, http, self._configuration)
            return LuaRuntime(scripts, limits, functions.answer, self._finish)

        self._runtime = runtime
        self._main, self._apart = runtime(), runtime()
        self._may_execute = may_execute
        self._queries = Queries(dictionary or Dictionary())
        self.heartbeat_period = heart_beat_period

    async def check(self) -> None:
        """See that the scripts can be loaded, in a process that is for that alone, and what they
        hook. Has an event loop of its own, for the server's may not be there yet.

        Raises:
            LuaError: a script can't be loaded; the sentence has its name and the line.
        """
        trial = self._runtime()
        try:
            await trial.start()
        finally:
            await trial.close()
        if missing := MISSING & trial.defined:
            raise _no_filter(missing)
        for runtime in (self._main, self._apart):
            runtime.expect(trial.defined)
        used = {"on_start", "on_stop"}
        for hook, functions in _BY_HOOK.items():
            apart = not FILTERS_APART.isdisjoint(functions)
            if not self._main.defined.isdisjoint(functions) or (self._may_execute and not apart):
                used.add(hook)
        if not self.heartbeat_period:
            used.discard("heartbeat")
        self.hooks = frozenset(used)

    async def execute(self, source: bytes) -> str:
        """Run a text; answers what it prints.

        Raises:
            LuaError: it fails, or takes too long.
        """
        printed = await self._main.run(source)
        if missing := MISSING & self._main.defined:
            raise _no_filter(missing)
        return printed

    async def close(self) -> None:
        """End the processes."""
        await self._main.close()
        await self._apart.close()

    # -- filters --------------------------------------------------------------------------------

    async def filter_http(self, request: HttpRequest) -> bool:
        """``IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)``; whatever is not
        true denies."""
        name = "IncomingHttpRequestFilter"
        if name not in self._main.defined:
            return True
        method = _SHOWN_AS.get(request.method, request.method)
        try:
            answer = await self._main.call(
                name,
                method,
                request.path,
                request.address,
                request.username,
                dict(request.headers),
            )
        except LuaError as error:
            log.error("%s failed, so %s %s is denied: %s", name, method, request.path, error)
            return False
        if not isinstance(answer, bool):
            log.error("%s answered neither true nor false: %s is denied", name, request.path)
        return answer is True

    async def filter_received(self, instance: ReceivedInstance) -> bool:
        """``ReceivedInstanceFilter(dicom, origin, info)``."""
        name = "ReceivedInstanceFilter"
        answer = await self._received(name, instance) if name in self._apart.defined else True
        if not isinstance(answer, bool):
            raise LuaError("ReceivedInstanceFilter answered neither true nor false")
        return answer

    async def filter_cstore(self, instance: ReceivedInstance) -> int:
        """``ReceivedCStoreInstanceFilter(dicom, origin, info)``: the status."""
        name = "ReceivedCStoreInstanceFilter"
        answer = await self._received(name, instance) if name in self._apart.defined else 0
        status = integer(answer)
        if status is None or not 0 <= status <= 0xFFFF:
            raise LuaError("ReceivedCStoreInstanceFilter must answer a status from 0 to 0xFFFF")
        return status

    async def filter_find(self, request: FindRequest) -> QueryTags | None:
        """``IncomingFindRequestFilter(source, origin)``."""
        return await self._query("IncomingFindRequestFilter", request, self._caller(request))

    async def filter_worklist(self, request: FindRequest) -> QueryTags | None:
        """``IncomingWorklistRequestFilter(source, origin)``."""
        return await self._query("IncomingWorklistRequestFilter", request, self._caller(request))

    async def filter_outgoing_find(self, request: FindRequest) -> QueryTags | None:
        """``OutgoingFindRequestFilter(source, modality)``; the modality by its title."""
        return await self._query("OutgoingFindRequestFilter", request, request.remote.aet)

    # -- events ---------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """``Initialize()``."""
        if not FILTERS_APART.isdisjoint(self._apart.defined):
            # Otherwise the first instance would wait for it.
            try:
                await self._apart.start()
            except LuaError as error:
                log.error("Lua: %s", error)
        try:
            await self._main.initialize()
        except LuaError as error:
            log.error("Initialize: %s", error)

    async def on_stop(self) -> None:
        """``Finalize()``, and what scripts have asked for before."""
        await self._tell("Finalize")
        await self._operations.close(_PATIENCE_AT_END)
        await self.close()

    async def heartbeat(self) -> None:
        """``OnHeartBeat()``."""
        await self._tell("OnHeartBeat")

    async def on_event(self, event: Event) -> None:
        """``OnStoredInstance`` and the like."""
        function = EVENTS.get(event.kind, {}).get(event.level)
        if function is None or function not in self._main.defined:
            return
        if event.kind == "NewInstance":
            tags = await self._json(f"/instances/{event.public_id}/simplified-tags")
            metadata = dict(event.metadata)
            if tags is not None:
                await self._tell(function, event.public_id, tags, metadata, _origin(metadata))
        elif event.kind.startswith("Stable"):
            await self._stable(function, event)
        else:
            await self._tell(function, event.public_id)

    # -- inside ---------------------------------------------------------------------------------

    def _finish(self, turn: Turn) -> None:
        self._operations.add(turn.operations)

    async def _received(self, name: str, instance: ReceivedInstance) -> Any:
        try:
            return await self._apart.call(
                name, dict(instance.tags()), dict(instance.origin), dict(instance.info)
            )
        except LuaError as error:
            raise LuaError(f"{name}: {error}") from None

    async def _query(self, name: str, request: FindRequest, origin: Any) -> QueryTags | None:
        if name not in self._main.defined:
            return None
        tags = dict(request.tags)
        if name == "IncomingFindRequestFilter":
            if request.level:
                tags.setdefault(_LEVEL_TAG, request.level)
        elif name == "OutgoingFindRequestFilter":
            tags.pop(_LEVEL_TAG, None)
        try:
            answer = await self._main.call(name, tags, origin)
        except LuaError as error:
            raise LuaError(f"{name}: {error}") from None
        if not isinstance(answer, Mapping) and answer != []:
            raise LuaError(f"{name} must answer a table")
        changed = self._queries.tags(name, answer or {})
        if name == "OutgoingFindRequestFilter" and _LEVEL_TAG in request.tags:
            changed.setdefault(_LEVEL_TAG, request.tags[_LEVEL_TAG])
        return changed

    def _caller(self, request: FindRequest) -> dict[str, str]:
        """Who asks, in Orthanc's words for finds."""
        modalities = self._configuration.get("DicomModalities")
        known = modalities.get(request.remote.name) if isinstance(modalities, Mapping) else None
        maker = known.get("Manufacturer") if isinstance(known, Mapping) else None
        return {
            "RemoteAet": request.remote.aet,
            "RemoteIp": request.remote.address,
            "CalledAet": request.remote.called_aet,
            "Manufacturer": str(maker or "Generic"),
        }

    async def _stable(self, function: str, event: Event) -> None:
        family = {"Patient": "patients", "Study": "studies", "Series": "series"}[event.level]
        resource = await self._json(f"/{family}/{event.public_id}")
        metadata = await self._json(f"/{family}/{event.public_id}/metadata?expand")
        if resource is not None and metadata is not None:
            await self._tell(function, event.public_id, resource["MainDicomTags"], metadata)

    async def _json(self, uri: str) -> Any:
        """``None`` for what is gone already."""
        answer = await self._server.call("GET", uri)
        return msgspec.json.decode(answer.body) if answer.status == 200 else None

    async def _tell(self, function: str, *arguments: Any) -> None:
        if function not in self._main.defined:
            return
        try:
            await self._main.call(function, *arguments)
        except LuaError as error:
            log.error("%s: %s", function, error)


def _no_filter(missing: frozenset[str]) -> LuaError:
    return LuaError(f"{min(missing)} is not part of this version: it would hold nothing back")


def _origin(metadata: Mapping[str, str]) -> dict[str, str]:
    """Who brought an instance, from what was kept with it."""
    kind = metadata.get("Origin", "Unknown")
    origin = {"RequestOrigin": kind}
    if kind in ("RestApi", "DicomProtocol", "WebDav"):
        origin["RemoteIp"] = metadata.get("RemoteIP", "")
    if kind in ("RestApi", "WebDav"):
        origin["Username"] = metadata.get("HttpUsername", "")
    if kind == "DicomProtocol":
        origin["RemoteAet"] = metadata.get("RemoteAET", "")
        origin["CalledAet"] = metadata.get("CalledAET", "")
    return origin

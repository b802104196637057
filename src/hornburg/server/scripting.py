"""Lua among the plug-ins of a server, and what it is given of the other rooms."""

from __future__ import annotations

from collections.abc import Mapping

from hornburg.builtin.lua import LuaPlugin, make_lua
from hornburg.builtin.lua.functions import HttpPort
from hornburg.hooks.manager import Hooks
from hornburg.hooks.specs import Plugin, ServerPort
from hornburg.http_client.client import HttpClient, Limits
from hornburg.security.egress import PeerHosts
from hornburg.settings import Settings

__all__ = ["lua", "scripts_of"]


def lua(settings: Settings, server: ServerPort) -> Plugin | None:
    """The plug-in of Lua, with its scripts tried; ``None`` where nobody wants it.

    Raises:
        HornburgError: a script can't be loaded; one line with its name, the line and why.
    """
    return make_lua(settings, server, _http_of(settings))


def scripts_of(hooks: Hooks, settings: Settings) -> LuaPlugin | None:
    """What runs the scripts that ``/tools/execute-script`` is sent; ``None``: nobody may send
    any."""
    if not settings.execute_lua_enabled:
        return None
    plugins = (guest.plugin for guest in hooks.guests)
    return next((one for one in plugins if isinstance(one, LuaPlugin)), None)


def _http_of(settings: Settings) -> HttpPort:
    """Requests of scripts: an answer is no longer than what a script can hold."""
    # The server's own one, which has the same settings, sees that they can be used.
    client = HttpClient(settings)
    limits = Limits(body=settings.lua_memory_limit << 19)
    hosts = PeerHosts(settings.allowed_peer_hosts)

    async def ask(
        method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float | None
    ) -> tuple[int, bytes]:
        answer = await client.request(
            method, url, headers=headers, body=body, timeout=seconds, limits=limits, hosts=hosts
        )
        return answer.status, answer.body

    return ask

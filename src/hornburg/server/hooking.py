"""The plug-ins of a server: those that the settings name, and those that are part of it."""

from __future__ import annotations

from collections.abc import Callable

from hornburg.builtin.lua import NAME
from hornburg.hooks.errors import PluginLoadError
from hornburg.hooks.loading import Loaded, load_plugins
from hornburg.hooks.manager import NO_HOOKS, Hooks
from hornburg.hooks.port import Port, Switchboard
from hornburg.hooks.specs import Plugin, ServerPort
from hornburg.hooks.view import visible
from hornburg.server.scripting import lua
from hornburg.settings import Settings

__all__ = ["BUILT_IN", "open_hooks"]

BUILT_IN: tuple[tuple[str, Callable[[Settings, ServerPort], Plugin | None]], ...] = ((NAME, lua),)
"""Our own features that are written as plug-ins: the name, and what makes it, or ``None`` when
the settings don't want it. They are asked before those of the operator."""


def open_hooks(settings: Settings) -> Hooks:
    """Load the plug-ins.

    Raises:
        HornburgError: one can't be loaded; a line that says which, and why.
    """
    switchboard, seen = Switchboard(), visible(settings)

    def port_of(name: str) -> Port:
        return Port(name, seen, settings.plugin_options, switchboard)

    loaded: dict[str, Loaded] = {}
    for name, make in BUILT_IN:
        port = port_of(name)
        plugin = make(settings, port)
        if plugin is not None:
            loaded[name] = Loaded(plugin, port)
    for name, one in load_plugins(settings.plugins, port_of).items():
        if name in loaded:
            raise PluginLoadError(f"Plugins: the name {name!r} is that of a part of the server")
        loaded[name] = one
    if not loaded:
        return NO_HOOKS
    return Hooks(
        {name: one.plugin for name, one in loaded.items()},
        settings.plugin_time_limit,
        switchboard,
        {name: one.port for name, one in loaded.items()},
    )

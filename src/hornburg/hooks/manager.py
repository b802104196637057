"""The plug-ins of a server together: who has hooked what, and what becomes of their answers."""

from __future__ import annotations

from collections.abc import Sequence

from hornburg.hooks.specs import HOOKS, Event, HttpRequest, Plugin

__all__ = ["NO_HOOKS", "Hooks"]


class Hooks:
    """Asks and tells plug-ins, in the order in which they are named."""

    def __init__(self, plugins: Sequence[Plugin] = ()) -> None:
        self.plugins = tuple(plugins)
        self._used = frozenset(
            name for name in HOOKS if any(_overrides(plugin, name) for plugin in plugins)
        )

    def has(self, name: str) -> bool:
        """Whether any plug-in has this hook."""
        return name in self._used

    async def filter_http(self, request: HttpRequest) -> bool:
        """Whether all plug-ins let a request in."""
        return True

    def tell(self, *events: Event) -> None:
        """Have events delivered; never blocks."""


def _overrides(plugin: Plugin, name: str) -> bool:
    if plugin.hooks is not None:
        return name in plugin.hooks
    return getattr(type(plugin), name) is not getattr(Plugin, name)


NO_HOOKS = Hooks()
"""Nobody has hooked anything."""

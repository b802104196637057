"""What can go wrong with plug-ins."""

from __future__ import annotations

from http import HTTPStatus

from hornburg.errors import HornburgError, Outside

__all__ = ["PluginFaultError", "PluginLoadError", "TimeLimitError"]


class PluginFaultError(HornburgError):
    """A plug-in raised, took too long, or answered what it may not; the log says which and how.

    To a C-STORE this is "out of resources" (PS3.4 table B.2-1): the sender keeps the instance,
    and tries again.
    """

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR, 1, "Error encountered within the plugin engine", 0xA700
    )


class PluginLoadError(HornburgError):
    """A plug-in can't be loaded, so the server does not start."""


class TimeLimitError(Exception):
    """A function of a plug-in takes longer than it may."""

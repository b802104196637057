"""What goes wrong with scripts."""

from __future__ import annotations

from http import HTTPStatus

from hornburg.errors import HornburgError, Outside

__all__ = ["LuaEndedError", "LuaError", "LuaFunctionError"]


class LuaError(HornburgError):
    """A script failed; the sentence says where and why, in the words of Lua."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR, 2031, "Cannot execute a Lua command", 0xC000
    )


class LuaEndedError(LuaError):
    """The process of the scripts is gone: a script took too long, or it broke."""


class LuaFunctionError(LuaError):
    """A function of the server was called wrongly, or failed; a Lua error in the script."""

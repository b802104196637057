"""``LuaScripts`` and the options beside it become a plug-in."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from hornburg.builtin.lua.errors import LuaError
from hornburg.builtin.lua.functions import HttpPort
from hornburg.builtin.lua.plugin import LuaPlugin
from hornburg.builtin.lua.process import LuaLimits
from hornburg.builtin.lua.runtime import Script, log
from hornburg.dicom.dictionary import Dictionary
from hornburg.hooks.specs import ServerPort
from hornburg.settings import Settings

__all__ = ["load_lua", "wants_lua"]

#: Bytes of one script.
_MOST_SOURCE = 16 << 20


def wants_lua(settings: Settings) -> bool:
    """Whether there is anything to do for Lua."""
    return bool(settings.lua_scripts) or settings.execute_lua_enabled


async def load_lua(
    settings: Settings, server: ServerPort, http: HttpPort | None = None
) -> LuaPlugin:
    """The plug-in, with all scripts loaded.

    Raises:
        LuaError: a script can't be read or loaded: one line with its name, the line and why.
    """
    plugin = LuaPlugin(
        server,
        _scripts(settings.lua_scripts),
        LuaLimits(settings.lua_memory_limit << 20, settings.lua_time_limit),
        heart_beat_period=settings.lua_heart_beat_period,
        may_execute=settings.execute_lua_enabled,
        http=http,
        dictionary=Dictionary(settings.dictionary),
    )
    try:
        await plugin.load()
    except LuaError as error:
        await plugin.close()
        raise LuaError(f"LuaScripts: {error}") from None
    except BaseException:
        await plugin.close()
        raise
    return plugin


def _scripts(paths: Sequence[Path]) -> list[Script]:
    return [Script(str(path), _read(path)) for path in paths]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise LuaError(f"LuaScripts: {path} is no file")
            if status.st_mode & stat.S_IWOTH:
                log.warning("LuaScripts: everybody can write %s, and so say what runs", path)
            source = file.read(_MOST_SOURCE + 1)
    except OSError as error:
        raise LuaError(f"LuaScripts: {path} can't be read: {error.strerror}") from None
    if len(source) > _MOST_SOURCE:
        raise LuaError(f"LuaScripts: {path} is longer than {_MOST_SOURCE >> 20} MB")
    return source

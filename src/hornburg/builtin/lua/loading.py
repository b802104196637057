"""``LuaScripts`` and the options beside it become a plug-in."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from hornburg.builtin.lua.errors import LuaError
from hornburg.builtin.lua.functions import HttpPort
from hornburg.builtin.lua.plugin import LuaPlugin
from hornburg.builtin.lua.process import LuaLimits
from hornburg.builtin.lua.runtime import Script
from hornburg.builtin.lua.turn import log
from hornburg.dicom.dictionary import Dictionary
from hornburg.hooks.specs import ServerPort
from hornburg.settings import Settings
from hornburg.settings.remotes import modality_to_json

__all__ = ["make_lua"]

#: Bytes of one script.
_MOST_SOURCE = 16 << 20


def make_lua(
    settings: Settings, server: ServerPort, http: HttpPort | None = None
) -> LuaPlugin | None:
    """The plug-in, its scripts tried; ``None`` when nobody wants it. Belongs on a thread without
    an event loop: it blocks while the scripts are tried.

    Raises:
        LuaError: a script can't be read or loaded: one line with its name, the line and why.
    """
    if not settings.lua_scripts and not settings.execute_lua_enabled:
        return None
    modalities = {name: modality_to_json(one) for name, one in settings.dicom_modalities.items()}
    plugin = LuaPlugin(
        server,
        _scripts(settings.lua_scripts),
        LuaLimits(settings.lua_memory_limit << 20, settings.lua_time_limit),
        heart_beat_period=settings.lua_heart_beat_period,
        may_execute=settings.execute_lua_enabled,
        http=http,
        dictionary=Dictionary(settings.dictionary),
        configuration={**server.settings, "DicomModalities": modalities},
    )
    try:
        asyncio.run(plugin.check())
    except LuaError as error:
        raise LuaError(f"LuaScripts: {error}") from None
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

"""Work in the background, scripts and plug-ins, memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from hornburg.settings.plugin_options import read_plugin_options
from hornburg.settings.rows import Row
from hornburg.settings.sections import freeze, limits_of, overlay_of

__all__ = ["JobOptions", "MemoryOptions", "ScriptOptions"]

_THREADS = freeze({"ResourceModification": 1})


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """The job engine."""

    concurrent_jobs: Annotated[
        int,
        Row(
            "ConcurrentJobs",
            "Jobs that run at the same time; 0 means one per processor.",
            unit="jobs",
            least=0,
            most=1024,
        ),
    ] = 2
    jobs_engine_threads_count: Annotated[
        Mapping[str, int],
        Row(
            "JobsEngineThreadsCount",
            "Threads inside one job of a kind; 0 means one per processor.",
            read=overlay_of(_THREADS, limits_of(0, 1024)),
            allowed="an object with ResourceModification, an integer from 0 to 1024",
            supported=False,
        ),
    ] = field(default_factory=lambda: _THREADS)
    jobs_history_size: Annotated[
        int,
        Row(
            "JobsHistorySize",
            "Finished jobs that are remembered.",
            unit="jobs",
            least=0,
            most=1_000_000,
        ),
    ] = 10
    save_jobs: Annotated[bool, Row("SaveJobs", "Whether jobs survive a restart.")] = True
    media_archive_size: Annotated[
        int,
        Row(
            "MediaArchiveSize",
            "Archives made by jobs that are kept for download.",
            unit="archives",
            least=0,
            most=1_000_000,
            supported=False,
        ),
    ] = 1


@dataclass(frozen=True, kw_only=True)
class ScriptOptions:
    """Lua scripts and plug-ins."""

    lua_scripts: Annotated[
        tuple[Path, ...],
        Row("LuaScripts", "Lua scripts that are loaded at the start."),
    ] = ()
    lua_heart_beat_period: Annotated[
        int,
        Row(
            "LuaHeartBeatPeriod",
            "Pause between calls of the script's heart beat; 0 means none.",
            unit="seconds",
            least=0,
            most=86400,
        ),
    ] = 0
    execute_lua_enabled: Annotated[
        bool,
        Row(
            "ExecuteLuaEnabled",
            "Whether /tools/execute-script runs the scripts that it is sent.",
        ),
    ] = False
    lua_memory_limit: Annotated[
        int,
        Row(
            "LuaMemoryLimit",
            "Memory that Lua scripts may take.",
            unit="MB",
            least=4,
            most=65536,
            ours=True,
        ),
    ] = 128
    lua_time_limit: Annotated[
        int,
        Row(
            "LuaTimeLimit",
            "Time that a Lua callback may compute; one that takes longer is ended.",
            unit="seconds",
            least=1,
            most=3600,
            ours=True,
        ),
    ] = 10
    plugins: Annotated[
        tuple[Path, ...],
        Row(
            "Plugins",
            "Plug-ins to load: files and packages of Python, folders of them, and "
            '"entry-point:NAME" for one that is installed.',
        ),
    ] = ()
    plugin_options: Annotated[
        Mapping[str, Mapping[str, Any]],
        Row(
            "PluginOptions",
            "What plug-ins are configured with, by their names.",
            ours=True,
            secret=True,
            read=read_plugin_options,
            allowed="an object with one object for each plug-in",
        ),
    ] = field(default_factory=lambda: freeze({}))
    plugin_time_limit: Annotated[
        int,
        Row(
            "PluginTimeLimit",
            "Time that a filter of a plug-in has; one that takes longer denies.",
            unit="seconds",
            least=1,
            most=3600,
            ours=True,
        ),
    ] = 10


@dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """The memory allocator."""

    malloc_arena_max: Annotated[
        int,
        Row(
            "MallocArenaMax",
            "Pools of the C library's memory allocator; 0 leaves it alone.",
            unit="pools",
            least=0,
            most=1024,
            supported=False,
        ),
    ] = 5

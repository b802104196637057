"""``Plugins``: files, packages, folders and entry points become plug-ins.

Whatever can't be loaded stops the start: a server without the filter that somebody relies on
would be less safe than asked.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from hornburg.hooks.errors import PluginLoadError
from hornburg.hooks.port import Port
from hornburg.hooks.specs import HOOKS, Plugin
from hornburg.hooks.trusted import refuse_writable, refuse_writable_package
from hornburg.settings.plugins import NATIVE_SUFFIXES

__all__ = ["ENTRY_POINTS", "Loaded", "load_plugins"]

log = logging.getLogger("hornburg.plugins")

ENTRY_POINTS = "hornburg.plugins"
"""The group of entry points; one of them is used only when ``Plugins`` names it."""

_ENTRY_POINT = "entry-point:"
#: Where packages of Orthanc put its plug-ins, as its own configuration names the folder.
_OF_ORTHANC = ("orthanc", "plugins")

_PACKAGE = "__init__.py"
_FILTERS = ("filter_", "change_")
_MOST_BYTES = 16 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,63}", re.ASCII)

PortOf = Callable[[str], Port]


class Loaded(NamedTuple):
    """A plug-in, and the server as it sees it."""

    plugin: Plugin
    port: Port


def load_plugins(paths: Sequence[Path], port_of: PortOf) -> dict[str, Loaded]:
    """The plug-ins that ``Plugins`` names, by name, in its order.

    Args:
        paths: a file of Python; a package (a folder with ``__init__.py``); a folder, for all files
            and packages in it; ``entry-point:NAME``.
        port_of: the server as the plug-in with this name sees it.

    Raises:
        PluginLoadError: one line: which one, and why not.
    """
    found: dict[str, Loaded] = {}
    for path in paths:
        for name, module in _modules(path):
            port = port_of(name)
            try:
                plugin = _plugin_of(module, port)
            except PluginLoadError:
                raise
            except BaseException as error:  # noqa: BLE001 - SystemExit of a plug-in, too
                raise _failed(path, error) from None
            name = plugin.name or name
            if not isinstance(name, str) or _NAME.fullmatch(name) is None:
                raise PluginLoadError(
                    f"Plugins: {path}: a name has 1 to 64 letters, digits, blanks, and _ . -"
                )
            if name in found:
                raise PluginLoadError(f"Plugins: {path}: there is a plug-in {name!r} already")
            port.rename(name)
            found[name] = Loaded(plugin, port)
    return found


def _plugin_of(module: ModuleType, port: Port) -> Plugin:
    create = getattr(module, "create", None)
    plugin: Any = getattr(module, "plugin", None)
    if callable(create):
        plugin = create(port)
    if not isinstance(plugin, Plugin):
        raise PluginLoadError(
            f"Plugins: {module.__file__}: 'plugin', or what 'create(server)' answers, must be a "
            "hornburg.hooks.specs.Plugin"
        )
    _refuse_unknown_filters(module, plugin)
    return plugin


def _refuse_unknown_filters(module: ModuleType, plugin: Plugin) -> None:
    """A filter that nobody asks, for want of a letter, would hold nothing back."""
    for name in dir(type(plugin)):
        if name.startswith(_FILTERS) and name not in HOOKS and callable(getattr(plugin, name)):
            known = ", ".join(hook for hook in HOOKS if hook.startswith(_FILTERS))
            raise PluginLoadError(
                f"Plugins: {module.__file__}: {name} is no hook, and would never be asked; "
                f"allowed are {known}"
            )


def _modules(path: Path) -> Iterator[tuple[str, ModuleType]]:
    """Names and modules, run."""
    if path.name.startswith(_ENTRY_POINT):
        yield _from_entry_point(path.name.removeprefix(_ENTRY_POINT))
        return
    if path.suffix in NATIVE_SUFFIXES:
        raise PluginLoadError(
            f"Plugins: {path} is a plug-in of Orthanc in machine code, which can't be loaded: "
            "allowed are files and packages of Python"
        )
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError:
        if path.parts[-2:] == _OF_ORTHANC:
            # Holds machine code alone, which would not be loaded either.
            log.warning("%s is not there, and its plug-ins have no effect", path)
            return
        raise PluginLoadError(f"Plugins: {path} is not there") from None
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "it leads to itself"
        raise PluginLoadError(f"Plugins: {path}: {why}") from None
    if real.is_file():
        yield _from_file(path, real)
    elif (real / _PACKAGE).is_file():
        yield _from_package(path, real)
    elif real.is_dir():
        yield from _from_folder(path, real)
    else:
        raise PluginLoadError(f"Plugins: {path} is no file and no folder")


def _from_folder(path: Path, folder: Path) -> Iterator[tuple[str, ModuleType]]:
    refuse_writable(folder)
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise PluginLoadError(f"Plugins: {path}: {error.strerror}") from None
    native = [one.name for one in inside if one.suffix in NATIVE_SUFFIXES]
    if native:
        log.warning(
            "%s: plug-ins of Orthanc in machine code can't be loaded, and have no effect: %s",
            path,
            ", ".join(native),
        )
    for one in inside:
        if one.suffix == ".py" or (one / _PACKAGE).is_file():
            yield from _modules(one)


def _from_file(path: Path, real: Path) -> tuple[str, ModuleType]:
    """Run a file. Its text is read by ourselves: what the interpreter keeps of earlier runs in
    ``__pycache__`` may have been written by somebody else."""
    if path.suffix != ".py":
        raise PluginLoadError(f"Plugins: {path}: a file of Python has the suffix .py")
    try:
        with real.open("rb") as file:
            refuse_writable(real, os.fstat(file.fileno()))
            source = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise PluginLoadError(f"Plugins: {path}: {error.strerror}") from None
    if len(source) > _MOST_BYTES:
        raise PluginLoadError(f"Plugins: {path}: more than {_MOST_BYTES >> 20} MB")
    module = ModuleType(_module_name(path.stem))
    module.__file__ = str(real)
    # Classes such as dataclasses look for the module that they are in.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(real), "exec"), module.__dict__)  # noqa: S102 - the plug-in
    except BaseException as error:  # noqa: BLE001 - SystemExit of a plug-in, too
        raise _failed(path, error) from None
    return path.stem, module


def _from_package(path: Path, folder: Path) -> tuple[str, ModuleType]:
    refuse_writable_package(folder)
    name = _module_name(folder.name)
    for known in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        # From before a restart of the server; the files may be others now.
        del sys.modules[known]
    spec = importlib.util.spec_from_file_location(
        name, folder / _PACKAGE, submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise PluginLoadError(f"Plugins: {path} is no package of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - SystemExit of a plug-in, too
        raise _failed(path, error) from None
    return folder.name, module


def _from_entry_point(name: str) -> tuple[str, ModuleType]:
    where = Path(f"{_ENTRY_POINT}{name}")
    points = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
    if not points:
        known = sorted(one.name for one in importlib.metadata.entry_points(group=ENTRY_POINTS))
        there = ", ".join(known) or "none"
        raise PluginLoadError(f"Plugins: {where}: no such entry point; there are: {there}")
    point = next(iter(points))
    try:
        spec = importlib.util.find_spec(point.module)
        if spec is not None and spec.origin is not None:
            refuse_writable(Path(spec.origin).resolve())
        return name, importlib.import_module(point.module)
    except PluginLoadError:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit of a plug-in, too
        raise _failed(where, error) from None


def _module_name(stem: str) -> str:
    return "hornburg_plugin_" + re.sub(r"\W", "_", stem)


def _failed(path: Path, error: BaseException) -> PluginLoadError:
    log.debug("%s can't be loaded", path, exc_info=error)
    place = ""
    if isinstance(error, SyntaxError):
        place = f" (line {error.lineno})"
    else:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(str(path.parent)):
                place = f" (line {trace.tb_lineno})"
            trace = trace.tb_next
    words = str(error).splitlines() or [""]
    return PluginLoadError(f"Plugins: {path}: {type(error).__name__}: {words[0][:200]}{place}")

"""From files and environment to one checked :class:`Settings`."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hornburg.settings.checks import check
from hornburg.settings.environment import apply_environment
from hornburg.settings.errors import Refused, SettingsError, show
from hornburg.settings.files import Given, read_files, read_json
from hornburg.settings.hardened import harden
from hornburg.settings.plugins import DATABASE_SECTIONS, GUARDING_SECTIONS, PLUGIN_SECTIONS
from hornburg.settings.rows import Option, to_json
from hornburg.settings.sections import freeze
from hornburg.settings.settings import OPTIONS, Settings
from hornburg.settings.trail import TrailSettings
from hornburg.settings.values import SecurityProfile
from hornburg.settings.worklists import WorklistSettings

__all__ = ["load"]

# Where the whole configuration may be given as one JSON text (Orthanc's Docker images).
_WHOLE = "ORTHANC_JSON"
# With no configuration at all, our own name: nobody takes it for a folder of Orthanc.
_OWN_STORAGE = Path("HornburgStorage")


def load(
    paths: Sequence[Path], environ: Mapping[str, str], *, folder: Path | None = None
) -> Settings:
    """Read the configuration and check it.

    ``paths`` are files and folders; ``environ`` is the environment (``os.environ``). Stronger
    ones last: the files, ``ORTHANC_JSON``, ``ORTHANC__...``, ``HORNBURG__...``. Relative paths
    start at the folder of the file that holds them, those of the environment at ``folder``,
    which is the working directory by default; defaults start at the folder of the first of
    ``paths``. Raises :class:`SettingsError`.
    """
    here = (folder or Path()).absolute()
    notes: list[str] = []
    given = read_files(paths, environ, notes)
    if _WHOLE in environ:
        where = f"environment variable {_WHOLE}"
        given |= read_json(environ[_WHOLE], where, here, environ, notes)
    given = apply_environment(given, environ, here)

    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    ignored: list[str] = []
    unknown: list[str] = []
    for name, item in given.items():
        option = OPTIONS.get(name)
        if option is None:
            _unknown(name, item, unknown, ignored)
            continue
        value = _read(option, item)
        if value is None:
            continue  # null: as if it wasn't there
        origins[name] = item.where
        # What isn't there can be switched off.
        off = bool(option.row.feature) and value is False
        if not option.row.supported and not off and not _is_default(option, item.value, value):
            if option.row.vital:
                raise SettingsError(
                    item.where,
                    "not supported yet, and without it the server would be less safe than "
                    f"asked; take it out, and leave this to a reverse proxy; "
                    f"allowed is {show(option.default)}",
                    option=name,
                    value=show(item.value),
                )
            ignored.append(name)
        values[option.attribute] = _absolute(value, item.base)

    if values.get("security_profile") is SecurityProfile.HARDENED:
        harden(values, origins)
    configured = bool(paths) or _WHOLE in environ
    _default_paths(values, _first_folder(paths, here), configured)
    settings = Settings(
        **values,
        origins=freeze(origins),
        ignored=tuple(ignored),
        unknown=tuple(unknown),
        files=tuple(path.absolute() for path in paths),
    )
    return dataclasses.replace(settings, notes=(*notes, *unknown, *check(settings)))


def _read(option: Option, item: Given) -> object:
    try:
        return option.read(item.value)
    except Refused as no:
        raise SettingsError(
            item.where,
            f"allowed is {no.allowed}" if no.allowed else f"allowed is {option.allowed}",
            option=option.name + no.path,
            value=None if option.row.secret else show(no.value),
        ) from None


def _is_default(option: Option, raw: object, value: object) -> bool:
    # A whole section may be written as its reader completes it; texts compare as they stand.
    default = option.default
    return raw == default or (option.kind == "section" and to_json(value) == default)


def _unknown(name: str, item: Given, unknown: list[str], ignored: list[str]) -> None:
    if name in PLUGIN_SECTIONS:
        off = isinstance(item.value, dict) and item.value.get("Enable") is False
        if name in GUARDING_SECTIONS and not off:
            raise SettingsError(
                item.where,
                "not supported yet, and without it the server would let in everybody; "
                'take the section out, or set "Enable" to false in it',
                option=name,
            )
        if name in DATABASE_SECTIONS:
            _refuse_database(name, item)
        if not off:
            ignored.append(name)
        return
    folded = {known.lower(): known for known in (*OPTIONS, *PLUGIN_SECTIONS)}
    near = difflib.get_close_matches(name[:200].lower(), folded, n=1, cutoff=0.7)
    hint = f', did you mean "{folded[near[0]]}"?' if near else ""
    unknown.append(f"{item.where}: unknown option {show(name)}{hint}")


def _refuse_database(name: str, item: Given) -> None:
    for switch in ("EnableIndex", "EnableStorage"):
        if isinstance(item.value, dict) and item.value.get(switch) is True:
            raise SettingsError(
                item.where,
                "not supported yet, and without it the archive would look empty; allowed is false",
                option=f"{name}.{switch}",
                value="true",
            )


def _absolute(value: object, base: Path) -> object:
    if isinstance(value, Path):
        return base.absolute() / value
    if isinstance(value, (TrailSettings, WorklistSettings)):
        return value.below(base)
    if isinstance(value, tuple):
        return tuple(_absolute(item, base) for item in value)
    return value


def _first_folder(paths: Sequence[Path], here: Path) -> Path:
    if not paths:
        return here
    first = paths[0].absolute()
    return first if first.is_dir() else first.parent


def _default_paths(values: dict[str, Any], base: Path, configured: bool) -> None:
    for option in OPTIONS.values():
        if option.kind == "path" and option.default:
            values.setdefault(option.attribute, base / str(option.default))
    if not configured and values["storage_directory"] == base / "OrthancStorage":
        values["storage_directory"] = base / _OWN_STORAGE

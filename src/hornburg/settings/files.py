"""Configuration files and folders: which are read, and how they become one configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hornburg.settings.commented_json import MAXIMUM_SIZE, parse
from hornburg.settings.errors import SettingsError
from hornburg.settings.substitute import substitute

__all__ = ["Given", "read_files", "read_json", "read_text"]

# A folder with more configuration files than this is not a folder of configuration files.
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody wrote: where, and the folder that relative paths start from."""

    value: object
    where: str
    base: Path


def read_text(path: Path, where: str, largest: int = MAXIMUM_SIZE) -> str:
    """The text of a small UTF-8 file; raises :class:`SettingsError`."""
    try:
        with path.open("rb") as file:
            # One byte more than allowed tells that there is more, whatever stat says (/proc, FIFO).
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "bad path"
        raise SettingsError(where, f"can't be read: {reason}") from None
    if len(content) > largest:
        raise SettingsError(where, f"larger than the {largest} bytes that are read")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(where, f"not UTF-8 at byte {error.start}") from None


def read_json(
    text: str, where: str, base: Path, environ: Mapping[str, str], notes: list[str]
) -> dict[str, Given]:
    """The options of one JSON text. ``notes`` gets a line for each variable that isn't set."""
    text, missing = substitute(text, environ, where)
    notes += [
        f"{where}: the environment variable {name} is not set, and ${{{name}}} has no default"
        for name in missing
    ]
    document = parse(text, where)
    if not isinstance(document.value, dict):
        raise SettingsError(where, "a configuration is an object { ... }")
    return {
        name: Given(value, f"{where} line {document.lines[name]}", base)
        for name, value in document.value.items()
    }


def read_files(
    paths: Sequence[Path], environ: Mapping[str, str], notes: list[str]
) -> dict[str, Given]:
    """Read files and folders as one configuration.

    Of a folder, all ``*.json`` in it are read, not those of folders in it. As in Orthanc, an
    option may be set in one of the files only. Raises :class:`SettingsError`.
    """
    merged: dict[str, Given] = {}
    for path in _files(paths):
        text = read_text(path, str(path))
        for name, given in read_json(text, str(path), path.parent, environ, notes).items():
            if name in merged:
                raise SettingsError(
                    given.where,
                    f"is set in {merged[name].where} already; "
                    "an option may be in one configuration file only",
                    option=name,
                )
            merged[name] = given
    return merged


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not _is_folder(path):
            files.append(path)
            continue
        try:
            inside = sorted(each for each in path.iterdir() if each.suffix == ".json")
        except OSError as error:
            raise SettingsError(str(path), f"can't be read: {error.strerror}") from None
        if not inside:
            raise SettingsError(str(path), "a configuration folder has at least one *.json file")
        files += [each for each in inside if not _is_folder(each)]
        if len(files) > _MOST_FILES:
            raise SettingsError(str(path), f"at most {_MOST_FILES} configuration files are read")
    return files


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # no permission, a NUL in the name: reading will say so
        return False

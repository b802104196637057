"""``${NAME}`` and ``${NAME:-default}`` in configuration files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from hornburg.settings.commented_json import MAXIMUM_SIZE
from hornburg.settings.errors import SettingsError

__all__ = ["substitute"]

_VARIABLE = re.compile(r'\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}"\n]*))?\}', re.ASCII)
_PARTS = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<comment>//[^\n]*|/\*.*?\*/)|' + _VARIABLE.pattern,
    re.DOTALL | re.ASCII,
)


def substitute(text: str, environ: Mapping[str, str], where: str) -> tuple[str, tuple[str, ...]]:
    """Put the values of environment variables into the text of a configuration file.

    Inside of a JSON string the value is escaped, so that a password with a quote stays one
    value; elsewhere it stands as it is and may be any JSON. Comments are left alone. Returns the
    new text and the names of variables that are not set and have no default (they give nothing,
    as in Orthanc). Raises :class:`SettingsError` when the text grows beyond the bound.
    """
    missing: dict[str, None] = {}
    grown = len(text)

    def look_up(name: str, default: str | None) -> str:
        nonlocal grown
        value = environ.get(name, default)
        if value is None:
            missing[name] = None
            return ""
        grown += len(value)
        if grown > MAXIMUM_SIZE:
            raise SettingsError(where, f"with its variables longer than {MAXIMUM_SIZE} characters")
        return value

    def inside(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if name not in environ and default is not None:
            return look_up(name, default)  # written in the file: escaped by its author
        return json.dumps(look_up(name, default), ensure_ascii=False)[1:-1]

    def part(found: re.Match[str]) -> str:
        if found["string"] is not None:
            return _VARIABLE.sub(inside, found["string"])
        if found["comment"] is not None:
            return found["comment"]
        return look_up(found[3], found[4])

    return _PARTS.sub(part, text), tuple(missing)

"""``PluginOptions``: what plug-ins are configured with, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hornburg.settings.errors import Refused
from hornburg.settings.sections import freeze

__all__ = ["read_plugin_options"]

# What a plug-in asks of its configuration is its own affair; but a text stays a text that can be
# walked.
_DEEPEST = 32
_ALLOWED = "an object with one object for each plug-in"


def read_plugin_options(value: object) -> Mapping[str, Mapping[str, Any]]:
    """Read the section: anything that JSON can say, below the names of plug-ins.

    Raises:
        Refused: a member is no object, or nested too deep.
    """
    if not isinstance(value, dict):
        raise Refused(_ALLOWED, value)
    found: dict[str, Mapping[str, Any]] = {}
    for name, options in value.items():
        if not isinstance(options, dict):
            raise Refused(_ALLOWED, options, f".{name}")
        found[name] = _frozen(options, 0)
    return freeze(found)


def _frozen(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Refused(f"objects and lists at most {_DEEPEST} deep", "...")
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(one, depth + 1) for key, one in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(one, depth + 1) for one in value)
    return value

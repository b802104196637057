"""What plug-ins see of the configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hornburg.settings import OPTIONS, Secret, Settings
from hornburg.settings.peers import shown_peer

__all__ = ["visible"]


def visible(settings: Settings) -> Mapping[str, Any]:
    """All options by the names of configuration files, as JSON has them, read only. Options that
    hold secrets are left out, and secrets within others are ``None``."""
    shown = {
        name: _plain(getattr(settings, option.attribute))
        for name, option in OPTIONS.items()
        if not option.row.secret
    }
    # Scripts of Orthanc go through their names; this is what the REST API shows of them.
    shown["OrthancPeers"] = _plain(
        {name: shown_peer(peer) for name, peer in settings.orthanc_peers.items()}
    )
    return MappingProxyType(shown)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Secret):
        return None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): _plain(one) for key, one in value.items()})
    if isinstance(value, tuple | list | set | frozenset):
        return tuple(_plain(one) for one in value)
    if dataclasses.is_dataclass(value):
        return MappingProxyType(
            {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        )
    # What is left are words, which know their JSON.
    return _plain(value.value) if hasattr(value, "value") else None

"""The machine: the user that the server runs as, folders that it may write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from hornburg.settings.exceptions import EXCEPTIONS_ALLOWED, read_exceptions
from hornburg.settings.rows import Row
from hornburg.settings.sections import freeze

__all__ = ["HostOptions"]


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """The machine: the user that the server runs as, folders that it may write to."""

    run_as_user: Annotated[
        str,
        Row(
            "RunAsUser",
            "User of the system that a server started by root becomes, once its ports are bound; "
            "empty means that it stays who it is.",
            ours=True,
        ),
    ] = ""
    export_directories: Annotated[
        tuple[Path, ...],
        Row(
            "ExportDirectories",
            "Folders inside of which /instances/{id}/export may write; relative paths of requests "
            "start at the first one.",
            ours=True,
        ),
    ] = ()
    hardened_exceptions: Annotated[
        Mapping[str, str],
        Row(
            "HardenedExceptions",
            "Options that may differ from what SecurityProfile Hardened asks, with the reason.",
            read=read_exceptions,
            allowed=EXCEPTIONS_ALLOWED,
            text_leaves=True,
            ours=True,
        ),
    ] = field(default_factory=lambda: freeze({}))

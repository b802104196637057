"""What handlers need of a request."""

from __future__ import annotations

from typing import Any, cast

from litestar import Request

from hornburg.archive.origin import Origin
from hornburg.archive.parts import Archive
from hornburg.dicom.levels import Level

__all__ = ["archive_of", "flag", "level_of", "origin_of"]

Asked = Request[Any, Any, Any]

_LEVELS = {level.plural: level for level in Level}


def archive_of(request: Asked) -> Archive:
    """The archive that this server serves."""
    return cast("Archive", request.app.state.archive)


def level_of(request: Asked) -> Level:
    """The level that the first part of the path names."""
    return _LEVELS[request.scope["path"].split("/", 2)[1]]


def origin_of(request: Asked) -> Origin:
    """Who uploads."""
    client = request.scope.get("client")
    return Origin(
        "RestApi",
        remote_ip=client[0] if client else "",
        username=request.scope["state"].get("username", ""),
    )


def flag(request: Asked, name: str) -> bool:
    """Whether an argument is there; ``?expand`` and ``?expand=true`` are the same, and
    ``?expand=false`` and ``?expand=0`` say no."""
    value = request.query_params.get(name)
    return value is not None and value.lower() not in ("false", "0")

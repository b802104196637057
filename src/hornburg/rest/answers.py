"""Answers: JSON and texts."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response

__all__ = ["JSON", "done", "json_answer", "raw_json", "text_answer"]

JSON = "application/json; charset=utf-8"

_encode = msgspec.json.Encoder().encode


def raw_json(content: bytes, status: int = 200) -> Response[bytes]:
    """JSON that is ready."""
    return Response(content, status_code=status, media_type=JSON)


def json_answer(value: Any, status: int = 200) -> Response[bytes]:
    """A value as JSON."""
    return Response(_encode(value), status_code=status, media_type=JSON)


def text_answer(text: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A plain text, which no browser takes for anything else."""
    return Response(text.encode(), headers=headers, media_type="text/plain")


def done(headers: dict[str, str] | None = None) -> Response[bytes]:
    """What Orthanc answers to an action that has nothing to say."""
    return Response(b"{}", status_code=200, headers=headers, media_type=JSON)

"""Verification (PS3.4 annex A)."""

from __future__ import annotations

from hornburg.net.scp.request import Request

__all__ = ["serve_echo"]


async def serve_echo(request: Request) -> None:
    """C-ECHO: success."""
    await request.answer(0x0000)

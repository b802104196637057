"""A client may be slow, but not silent in the middle of its body (``HttpRequestTimeout``)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["patient"]

Receive = Callable[[], Awaitable[Any]]


def patient(receive: Receive, seconds: int) -> Receive:
    """The same, which tells that a client is gone when it says nothing for too long.

    After the body there is only the end of the connection to wait for, as long as it takes.
    """
    in_body = True

    async def wrapped() -> Any:
        nonlocal in_body
        if not in_body:
            return await receive()
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        in_body = message["type"] == "http.request" and message.get("more_body", False)
        return message

    return wrapped

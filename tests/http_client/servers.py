"""Servers that answer what a test wants, byte by byte, and remember what they were asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

__all__ = ["Asked", "Scripted", "answer", "scripted"]


@dataclass
class Asked:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """The server: where it is, and what it was asked."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    received: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


_ENDS = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError)

Behave = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = b"{}", status: int = 200, **headers: str) -> bytes:
    """A whole answer; ``content_type`` is the header content-type."""
    lines = [f"HTTP/1.1 {status} Such", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.asynccontextmanager
async def scripted(
    behave: Behave | bytes,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    read_bodies: bool = True,
    keep_bodies: bool = True,
) -> AsyncIterator[Scripted]:
    """Serve until the block ends; ``behave`` writes the answer to a request, or is the answer."""
    state = Scripted()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.connections += 1
        with contextlib.suppress(*_ENDS):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                }
                size = int(headers.get("content-length", 0)) if read_bodies else 0
                method, target, _ = first.split(" ")
                body = b""
                while size and not keep_bodies:
                    came = len(await reader.read(min(size, 1 << 16)))
                    size, state.received = size - came, state.received + came
                if size:
                    body = await reader.readexactly(size)
                asked = Asked(method, target, headers, body)
                state.asked.append(asked)
                if isinstance(behave, bytes):
                    writer.write(behave)
                else:
                    await behave(asked, writer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls, limit=1 << 20)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""A server in this process with a plug-in whose source a test writes, and DICOM to itself."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from litestar.datastructures import State
from tests.rest.conftest import Served, settings_of

from hornburg.net.listener import DicomServer
from hornburg.rest.app import build
from hornburg.server import Control, open_archive
from hornburg.server.surroundings import Surroundings, open_surroundings

HEAD = """
import asyncio, json, os, threading, time
from hornburg.errors import *
from hornburg.hooks.specs import *
from hornburg.security.principals import Permission
"""


def plugin_file(folder: Path, source: str, name: str = "mine.py") -> str:
    """Write a plug-in; a source of methods alone is the body of its class."""
    folder.mkdir(parents=True, exist_ok=True)
    if "Plugin)" not in source:
        body = "\n".join(f"    {line}" for line in source.splitlines())
        source = f"class Mine(Plugin):\n    pass\n{body}\n"
    if "create(" not in source:
        source += (
            "\ndef create(server):\n    made = Mine()\n    made.server = server\n    return made\n"
        )
    path = folder / name
    path.write_text(HEAD + source)
    path.chmod(0o600)
    return str(path)


class Hooked(Served):
    """A served archive that is started as a whole."""

    around: Surroundings

    async def json(self, method: str, uri: str, body: Any = None) -> Any:
        """The JSON of a request, whatever its status."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        response = await self.client.request(method, uri, content=content)
        return response.json() if response.content else None

    async def status(self, method: str, uri: str, body: bytes | None = None) -> int:
        """The status of a request."""
        return (await self.client.request(method, uri, content=body)).status_code


@asynccontextmanager
async def hooked(folder: Path, source: str | None, **options: Any) -> AsyncIterator[Hooked]:
    """Serve with a plug-in, or without one; the modality ``self`` is the server itself."""
    if source is not None:
        options["Plugins"] = [plugin_file(folder / "plugins", source)]
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    itself = ["HORNBURG", "127.0.0.1", listener.getsockname()[1]]
    options = {
        "DicomAet": "HORNBURG",
        "DicomAlwaysAllowFindWorklist": True,
        "DicomModalities": {"self": itself},
        **options,
    }
    control = Control()
    async with (
        open_archive(settings_of(folder / "archive", **options)) as archive,
        open_surroundings(archive) as around,
    ):
        app = build(archive, State({"control": control, **around.state()}))
        transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 40000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            server = DicomServer(around.parts())
            server.start([listener])
            await archive.hooks.start()
            found = Hooked(archive, client, control)
            found.around = around
            try:
                yield found
            finally:
                await server.close()
                listener.close()

"""The REST API in this process: an archive in a temporary folder, and a client of its application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from litestar.datastructures import State

from hornburg.archive.parts import Archive
from hornburg.rest.app import build
from hornburg.security.policy import FULL
from hornburg.server import Control, open_archive
from hornburg.server.surroundings import open_surroundings
from hornburg.settings import Settings, load


class Served:
    """An archive, its settings and a client that reaches it."""

    def __init__(self, archive: Archive, client: httpx2.AsyncClient, control: Control) -> None:
        self.archive = archive
        self.client = client
        self.control = control

    async def upload(self, *files: bytes) -> list[dict[str, Any]]:
        """Store files one after the other; answers what the server said of each."""
        answers = []
        for file in files:
            response = await self.client.post("/instances", content=file)
            assert response.status_code == 200, response.text
            answers.append(response.json())
        return answers


def settings_of(folder: Path, **options: Any) -> Settings:
    """Settings as a configuration file with these options gives them."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hornburg.json").write_text(json.dumps(options))
    return load([folder / "hornburg.json"], {})


@asynccontextmanager
async def serving(folder: Path, **options: Any) -> AsyncIterator[Served]:
    """Serve an archive in ``folder`` with these options of the configuration."""
    control = Control()
    async with (
        open_archive(settings_of(folder, **options)) as archive,
        open_surroundings(archive) as around,
    ):
        app = build(archive, State({"control": control, **around.state()}))
        transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 40000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Served(archive, client, control)


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """A function that serves an archive with the given options until the test ends."""
    async with AsyncExitStack() as stack:

        async def start(name: str = "archive", **options: Any) -> Served:
            return await stack.enter_async_context(serving(tmp_path / name, **options))

        yield start


@pytest.fixture
async def served(serve: Serve) -> Served:
    """An archive with the defaults."""
    return await serve()


def admitted(app: Any) -> Any:
    """Routes behind a door that knows somebody who may do everything."""

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["access"] = FULL
        await app(scope, receive, send)

    return behind

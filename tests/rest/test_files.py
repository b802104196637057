"""Answers that are files, at the level of ASGI."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from tests.rest.conftest import Serve, Served

from hornburg.archive.read import PIECE, pieces
from hornburg.dicom.levels import Level
from hornburg.errors import CorruptedError
from hornburg.index.base import Attachment
from hornburg.rest.files import PiecesAnswer

SIZE = 5 * PIECE + 12345
CONTENT = hashlib.sha256(b"seed").digest() * (SIZE // 32) + b"end"


class Connection:
    """One side of ASGI: what is sent, and a client that hangs up after some messages."""

    def __init__(self, patience: int | None = None) -> None:
        self.sent: list[Any] = []
        self._left = patience
        self._gone = asyncio.Event()
        self._asked = False

    async def receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self._left is not None and len(self.sent) >= self._left:
            self._gone.set()
            for _ in range(3):  # let those who wait for it run
                await asyncio.sleep(0)

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:]]


async def stored(served: Served, *, compressed: bool = False) -> Attachment:
    from hornburg.testing import DatasetFactory

    ids = (await served.upload(DatasetFactory("MR").instance()))[0]
    url = f"/instances/{ids['ID']}/attachments/1024"
    assert (await served.client.put(url, content=CONTENT)).status_code == 200
    if compressed:
        await served.client.post(f"{url}/compress")
    found = await served.archive.index.look(
        lambda reader: reader.attachment(Level.INSTANCE, ids["ID"], 1024)
    )
    assert found is not None
    return found


async def answer(
    served: Served, attachment: Attachment, connection: Connection, *, head: bool = False
) -> None:
    source = await pieces(served.archive, attachment)
    scope: Any = {"state": {"head": True} if head else {}}
    await PiecesAnswer(source, [])(scope, connection.receive, connection.send)


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_large_file_is_sent_in_pieces(served: Served, compressed: bool) -> None:
    connection = Connection()
    await answer(served, await stored(served, compressed=compressed), connection)
    assert connection.sent[0]["headers"] == [(b"content-length", b"%d" % len(CONTENT))]
    assert b"".join(connection.bodies) == CONTENT
    assert max(map(len, connection.bodies)) <= PIECE
    assert [message["more_body"] for message in connection.sent[1:]].count(False) == 1


async def test_nothing_more_is_read_for_a_client_that_hung_up(served: Served) -> None:
    connection = Connection(patience=2)
    await answer(served, await stored(served), connection)
    assert len(connection.bodies) < 4
    assert sum(map(len, connection.bodies)) < len(CONTENT) // 2


async def test_for_a_head_nothing_more_is_read(served: Served) -> None:
    connection = Connection()
    await answer(served, await stored(served), connection, head=True)
    assert connection.sent[0]["headers"] == [(b"content-length", b"%d" % len(CONTENT))]
    assert connection.bodies == [b""]


async def test_damage_on_the_way_breaks_off(serve: Serve) -> None:
    served = await serve(StorageCompression=True)
    attachment = await stored(served)
    path = served.archive.storage.path(attachment.uuid)
    assert path is not None
    raw = bytearray(path.read_bytes())
    raw[-10:] = bytes(10)
    path.write_bytes(raw)
    connection = Connection()
    with pytest.raises(CorruptedError):
        await answer(served, attachment, connection)
    assert all(message["more_body"] for message in connection.sent[1:])

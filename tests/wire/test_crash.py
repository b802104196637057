"""Nothing acknowledged is lost, nothing half-there appears."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
LARGE = DatasetFactory("CT", size=2 << 20)


class Uploader:
    """Four clients that upload until the server is gone."""

    def __init__(self, port: int, round_: int) -> None:
        self.acknowledged: dict[str, str] = {}
        self._enough = threading.Event()
        self._wanted = 0
        self._port = port
        self._round = round_

    def run(self, wanted: int, then: Callable[[], object]) -> None:
        """Upload; once ``wanted`` instances are acknowledged, do ``then`` while they go on."""
        self._wanted = wanted
        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(self._client, number) for number in range(4)]
            assert self._enough.wait(60)
            then()
            for client in clients:
                client.result()

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        for instance in range(5000):
            make = LARGE if instance % 20 == 7 else MAKE
            content = make.instance(self._round, number, instance // 50, instance)
            try:
                connection.request("POST", "/instances", content)
                answer = connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                return
            if b'"Status":"Success"' not in answer:
                return
            public_id = answer.split(b'"ID":"')[1][:44].decode()
            self.acknowledged[public_id] = hashlib.md5(content).hexdigest()
            if len(self.acknowledged) >= self._wanted:
                self._enough.set()
        raise AssertionError("the server never went away")


def check(server: Any, acknowledged: dict[str, str]) -> None:
    """Everything that was acknowledged is whole, and nothing else lies about."""
    listed = set(server.client.get("/instances").json())
    assert acknowledged.keys() <= listed
    for public_id in listed:
        response = server.client.get(f"/instances/{public_id}/file")
        assert response.status_code == 200
        md5 = hashlib.md5(response.content).hexdigest()
        assert md5 == acknowledged.get(public_id, md5)
        stored = server.client.get(f"/instances/{public_id}/attachments/dicom/md5").text
        assert stored == md5
    statistics = server.client.get("/statistics").json()
    assert statistics["CountInstances"] == len(listed)
    assert len(server.files()) == len(listed)


def test_kill_while_four_clients_upload(server: Any) -> None:
    running = server()
    acknowledged: dict[str, str] = {}
    for round_ in range(3):
        uploader = Uploader(running.port, round_)
        uploader.run(80, running.kill)
        acknowledged |= uploader.acknowledged
        running.start()
        check(running, acknowledged)
    assert running.stop() == 0


def test_kill_while_deleting(server: Any) -> None:
    running = server()
    for study in range(5):
        for instance in range(20):
            running.client.post("/instances", content=MAKE.instance(0, study, 0, instance))
    studies = running.client.get("/studies").json()

    def delete() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
        try:
            for study in studies:
                connection.request("DELETE", f"/studies/{study}")
                connection.getresponse().read()
                gone.set()
        except (OSError, http.client.HTTPException):
            return

    gone = threading.Event()
    thread = threading.Thread(target=delete)
    thread.start()
    assert gone.wait(60)
    running.kill()
    thread.join()
    running.start()
    assert studies[0] not in running.client.get("/studies").json()
    check(running, {})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_while_clients_upload(server: Any, number: int) -> None:
    running = server()
    uploader = Uploader(running.port, 0)
    uploader.run(40, lambda: os.kill(running.process.pid, number))
    assert running.process.wait(5) == 0
    running.stop()
    assert not [line for line in running.lines if "removed" in line]
    running.start()
    assert not [line for line in running.lines if "removed" in line]
    check(running, uploader.acknowledged)


def test_a_client_that_is_slow_does_not_hold_up_the_stop(server: Any) -> None:
    running = server()
    with socket.create_connection(("127.0.0.1", running.port)) as slow:
        slow.sendall(
            b"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"
        )
        running.process.send_signal(signal.SIGTERM)
        running.said("stopping")
        # Asked a second time, the server waits for nobody.
        running.process.send_signal(signal.SIGTERM)
        running.said("was broken off")
        assert running.process.wait(5) == 0
    running.stop()
    assert "Traceback" not in "\n".join(running.lines)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a small file system can't be mounted here: this test runs as root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_said_and_survived(server: Any, small_disk: Path) -> None:
    running = server(StorageDirectory=str(small_disk / "storage"))
    acknowledged: dict[str, str] = {}
    for number in range(20):
        content = LARGE.instance(number)
        response = running.client.post("/instances", content=content)
        if response.status_code != 200:
            break
        acknowledged[response.json()["ID"]] = hashlib.md5(content).hexdigest()
    assert response.status_code == 507
    assert response.json()["OrthancStatus"] == 19
    assert 2 <= len(acknowledged) <= 6
    check(running, acknowledged)
    victim = next(iter(acknowledged))
    assert running.client.delete(f"/instances/{victim}").status_code == 200
    del acknowledged[victim]
    small = MAKE.instance(99)
    response = running.client.post("/instances", content=small)
    assert response.status_code == 200
    acknowledged[response.json()["ID"]] = hashlib.md5(small).hexdigest()
    check(running, acknowledged)
    running.kill()
    running.start()
    check(running, acknowledged)

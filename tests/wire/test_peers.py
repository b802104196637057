"""Peers over real sockets: Orthanc as Debian packages it, in both directions, and another of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.compat.servers import free_ports
from tests.security.certificates import Certified, make

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
_PATIENCE = 60
USERS = {"AuthenticationEnabled": True, "RegisteredUsers": {"bob": "orthanc's password"}}
IMPLICIT = "1.2.840.10008.1.2"


class Orthanc:
    """Orthanc in a process of its own."""

    def __init__(self, binary: str, folder: Path, **options: Any) -> None:
        folder.mkdir()
        (port,) = free_ports(1)
        self.folder = folder
        places = {"HttpPort": port, "StorageDirectory": str(folder / "storage"), "Plugins": []}
        configuration = folder / "orthanc.json"
        configuration.write_text(json.dumps({"DicomServerEnabled": False, **places, **options}))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [binary, str(configuration)], stdout=log, stderr=log, cwd=folder
            )
        self.url = f"http://127.0.0.1:{port}/"
        self.client = httpx2.Client(base_url=self.url, timeout=_PATIENCE)

    def wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.client.get("/system")
            except httpx2.ConnectError:
                time.sleep(0.05)
            else:
                return
        pytest.fail((self.folder / "log").read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        self.client.close()
        # It takes seconds to stop, and its folder is thrown away.
        self.process.kill()
        self.process.wait()


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Callable[..., Orthanc]]:
    """A function that starts an Orthanc."""
    binary = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if binary is None:
        pytest.skip("Orthanc is not installed (Debian's package orthanc)")
    started: list[Orthanc] = []

    def start(**options: Any) -> Orthanc:
        made = Orthanc(binary, tmp_path / f"orthanc{len(started)}", **options)
        started.append(made)
        made.wait()
        return made

    yield start
    for each in started:
        each.kill()


def fill(client: httpx2.Client, count: int) -> str:
    """Store some instances of one study; answers the study."""
    for number in range(count):
        stored = client.post("/instances", content=MAKE.instance(instance=number)).json()
    return str(stored["ParentStudy"])


def test_ours_sends_to_orthanc(server: Any, orthanc: Callable[..., Orthanc]) -> None:
    theirs = orthanc(**USERS)
    theirs.client.auth = httpx2.BasicAuth("bob", "orthanc's password")
    peers = {
        "orthanc": [theirs.url, "bob", "orthanc's password"],
        "stranger": {"Url": theirs.url, "Username": "bob", "Password": "wrong"},
    }
    ours = server(OrthancPeers=peers)
    study = fill(ours.client, 3)
    assert ours.client.get("/peers/orthanc/system").json()["Version"]
    refused = ours.client.get("/peers/stranger/system")
    assert refused.status_code == 500
    assert "401" in refused.json()["Details"]
    assert "wrong" not in refused.json()["Details"]

    answered = ours.client.post("/peers/orthanc/store", content=study)
    assert answered.json()["InstancesCount"] == 3
    assert len(theirs.client.get("/instances").json()) == 3
    instance = ours.client.get("/instances").json()[0]
    files = [each.client.get(f"/instances/{instance}/file").content for each in (ours, theirs)]
    assert files[0] == files[1]

    theirs.client.delete(f"/studies/{study}")
    body = {"Resources": [study], "Compress": True, "Transcode": IMPLICIT}
    answered = ours.client.post("/peers/orthanc/store", json=body)
    assert answered.status_code == 200, answered.text
    found = theirs.client.get(f"/instances/{instance}/header?simplify").json()
    assert found["TransferSyntaxUID"] == IMPLICIT
    straight = ours.client.post("/peers/orthanc/store-straight", content=MAKE.instance(5))
    assert straight.json()["Status"] == "Success"
    assert straight.json()["ID"] in theirs.client.get("/instances").json()
    bad = ours.client.post("/peers/orthanc/store-straight", content=b"nothing")
    assert bad.status_code == 500
    assert "orthanc's password" not in "\n".join(ours.lines)


def test_orthanc_sends_to_ours(server: Any, orthanc: Callable[..., Orthanc]) -> None:
    ours = server(AuthenticationEnabled=True, RegisteredUsers={"alice": "our own password"})
    ours.client.auth = httpx2.BasicAuth("alice", "our own password")
    peer = {"Url": ours.url, "Username": "alice", "Password": "our own password"}
    theirs = orthanc(OrthancPeers={"ours": peer, "stranger": [ours.url]})
    study = fill(theirs.client, 3)
    assert theirs.client.get("/peers/ours/system").json()["Name"]
    assert theirs.client.get("/peers/stranger/system").status_code == 500
    for body in ({"Resources": [study]}, {"Resources": [study], "Compress": True}):
        answered = theirs.client.post("/peers/ours/store", json=body)
        assert answered.status_code == 200, answered.text
        assert answered.json()["FailedInstancesCount"] == 0
        assert len(ours.client.get("/instances").json()) == 3
        ours.client.delete(f"/studies/{study}")
    straight = theirs.client.post("/peers/ours/store-straight", content=MAKE.instance(5))
    assert straight.json()["Status"] == "Success"


# Orthanc 1.10 of Debian ends with its first HTTPS connection as a server, so that part is played by
# another of ours; as a client it speaks TLS well.


def guarded(server: Any, folder: Path, authority: Certified) -> Any:
    """One of ours that asks for certificates."""
    leaf = make(folder, "there", issuer=authority, authority=False, names="IP:127.0.0.1")
    both = folder / "there.pem"
    both.write_bytes(leaf.key.read_bytes() + leaf.certificate.read_bytes())
    return server(
        SslEnabled=True,
        SslCertificate=str(both),
        SslVerifyPeers=True,
        SslTrustedClientCertificates=str(authority.certificate),
    )


def test_orthanc_sends_to_ours_over_tls(
    server: Any, orthanc: Callable[..., Orthanc], tmp_path: Path
) -> None:
    authority = make(tmp_path, "authority")
    ours = guarded(server, tmp_path, authority)
    here = make(tmp_path, "here", issuer=authority, authority=False)
    shown = {
        "Url": ours.url,
        "CertificateFile": str(here.certificate),
        "CertificateKeyFile": str(here.key),
    }
    theirs = orthanc(
        OrthancPeers={"ours": shown, "bare": [ours.url]},
        HttpsCACertificates=str(authority.certificate),
    )
    study = fill(theirs.client, 2)
    answered = theirs.client.post("/peers/ours/store", json={"Resources": [study]})
    assert answered.status_code == 200, answered.text
    assert theirs.client.get("/peers/ours/system").json()["Name"]
    assert theirs.client.get("/peers/bare/system").status_code == 500


def test_certificates_on_both_sides(server: Any, tmp_path: Path) -> None:
    authority = make(tmp_path, "authority")
    theirs = guarded(server, tmp_path, authority)
    here = make(tmp_path, "here", passphrase="a passphrase", issuer=authority, authority=False)
    shown = {
        "Url": theirs.url,
        "CertificateFile": str(here.certificate),
        "CertificateKeyFile": str(here.key),
        "CertificateKeyPassword": "a passphrase",
    }
    peers = {
        "good": shown,
        "bare": [theirs.url],
        "locked": shown | {"CertificateKeyPassword": "another"},
    }
    ours = server(OrthancPeers=peers, HttpsCACertificates=str(authority.certificate))
    answered = ours.client.get("/peers/good/system")
    assert answered.status_code == 200, answered.text
    study = fill(ours.client, 2)
    answered = ours.client.post("/peers/good/store", content=study)
    assert answered.json()["FailedInstancesCount"] == 0, answered.text
    assert ours.client.get("/peers/bare/system").status_code == 500
    assert "passphrase" in ours.client.get("/peers/locked/system").json()["Details"]

    wrong = make(tmp_path, "wrong")
    suspicious = server(OrthancPeers=peers, HttpsCACertificates=str(wrong.certificate))
    refused = suspicious.client.get("/peers/good/system")
    assert refused.status_code == 500
    assert "its certificate is not trusted" in refused.json()["Details"]
    careless = server(OrthancPeers=peers, HttpsVerifyPeers=False)
    assert careless.client.get("/peers/good/system").status_code == 200
    careless.said("HttpsVerifyPeers is false")
    for each in (ours, suspicious, careless):
        assert "a passphrase" not in "\n".join(each.lines)


class _Gate:
    """A peer that stops after some instances until it is opened."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.bodies: list[bytes] = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if len(gate.bodies) >= gate.after and not gate.opened.is_set():
                    gate.reached.set()
                    gate.opened.wait(_PATIENCE)
                    self.close_connection = True
                    return
                gate.bodies.append(body)
                self.send_response(200)
                self.send_header("content-length", "20")
                self.end_headers()
                self.wfile.write(b'{"Status":"Success"}')

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.opened.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_a_job_goes_on_after_a_restart(server: Any, kill: bool) -> None:
    gate = _Gate(after=2)
    try:
        ours = server(OrthancPeers={"gate": [gate.url, "alice", "geheim"]}, SaveJobs=True)
        study = fill(ours.client, 6)
        body = {"Resources": [study], "Synchronous": False}
        path = ours.client.post("/peers/gate/store", json=body).json()["Path"]
        assert gate.reached.wait(_PATIENCE)
        if kill:
            ours.kill()
        else:
            assert ours.stop() == 0
        gate.opened.set()
        ours.start()
        end = time.monotonic() + _PATIENCE
        while (job := ours.client.get(path).json())["State"] != "Success":
            assert time.monotonic() < end, job
            time.sleep(0.02)
        assert job["Content"]["InstancesCount"] == 6
        assert job["Content"]["FailedInstancesCount"] == 0
        assert len(set(gate.bodies)) == 6
        for place in ours.folder.rglob("*"):
            # Of the configuration alone, which this test wrote.
            assert place == ours.configuration or not _holds(place, b"geheim")
    finally:
        gate.close()


def _holds(place: Path, word: bytes) -> bool:
    return place.is_file() and word in place.read_bytes()


def _memory(process: int) -> int:
    """The most resident memory that a process has had, in bytes, without the files it maps."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) << 10


@pytest.mark.parametrize("compress", [False, True])
def test_a_large_instance_is_not_taken_into_memory(
    server: Any, tmp_path: Path, compress: bool
) -> None:
    theirs = server(tmp_path / "theirs")
    ours = server(tmp_path / "ours", OrthancPeers={"theirs": [theirs.url]})
    large = DatasetFactory("MR", size=200 << 20).instance()
    stored = ours.client.post("/instances", content=large).json()
    before = _memory(ours.process.pid)
    most, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            most.append(_memory(ours.process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        body = {"Resources": [stored["ID"]], "Compress": compress}
        answered = ours.client.post("/peers/theirs/store", json=body)
    finally:
        done.set()
        watching.join()
    assert answered.status_code == 200, answered.text
    assert answered.json()["FailedInstancesCount"] == 0
    file = theirs.client.get(f"/instances/{stored['ID']}/file").content
    assert file == large
    assert max(most) - before < 48 << 20

"""HTTPS, with curl, openssl and Python's ssl on the other side."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.security.certificates import Certified, make
from tests.wire.https import PATIENCE, HttpsServer, certified, command, put

from hornburg.testing.datasets import DatasetFactory

GET = b"GET /system HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("https")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Certified:
    return certified(folder, "ours")


@pytest.fixture(scope="module")
def other(folder: Path) -> Certified:
    return certified(folder, "other")


@pytest.fixture(scope="module")
def server(folder: Path, ours: Certified) -> Iterator[HttpsServer]:
    running = HttpsServer(folder / "server", ours, HttpRequestTimeout=2)
    yield running
    assert [line for line in running.lines if "Traceback" in line or "unexpected" in line] == []
    assert running.stop() == 0


def curl(server: HttpsServer, path: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    trusted = ("--cacert", server.ours.certificate)
    place = f"https://localhost:{server.port}{path}"
    return command("curl", "-sS", "--max-time", PATIENCE, *trusted, *arguments, place)


def everything(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
        while piece := connection.recv(65536):
            received += piece
    return received


def test_the_start_says_so(server: HttpsServer) -> None:
    assert server.url == f"https://127.0.0.1:{server.port}"


def test_curl(server: HttpsServer, tmp_path: Path) -> None:
    assert json.loads(curl(server, "/system").stdout)["Name"] == "MyOrthanc"
    file = tmp_path / "sent.dcm"
    file.write_bytes(DatasetFactory("CT", size=4 << 20).instance(1))
    answer = curl(server, "/instances", "--data-binary", f"@{file}")
    path = json.loads(answer.stdout)["Path"]
    taken = tmp_path / "taken.dcm"
    assert curl(server, f"{path}/file", "-o", taken).returncode == 0
    assert taken.read_bytes() == file.read_bytes()


def test_curl_trusts_nobody_unknown(server: HttpsServer) -> None:
    done = command("curl", "-sS", f"https://localhost:{server.port}/system")
    assert done.returncode == 60
    assert done.stdout == ""


def test_requests_share_a_connection(server: HttpsServer) -> None:
    for _ in range(3):
        answer = server.client.get("/system")
        assert answer.status_code == 200
    with server.connect_tls() as connection:
        connection.sendall(GET * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            received += connection.recv(1 << 16)


# -- what is refused ----------------------------------------------------------------------------


def test_plain_http_gets_nothing(server: HttpsServer) -> None:
    """Not even an answer that says that this is the wrong protocol."""
    for said in (GET, b"POST /instances HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"\0" * 100):
        with server.connect() as connection:
            connection.sendall(said)
            received = everything(connection)
        # An alert of TLS (RFC 8446 6) is 7 bytes.
        assert received == b"" or (received[0] == 21 and len(received) <= 7)
    assert command("curl", "-sS", f"http://localhost:{server.port}/").stdout == ""
    assert server.client.get("/system").status_code == 200


def s_client(server: HttpsServer, *arguments: object) -> str:
    place = ("-connect", f"127.0.0.1:{server.port}")
    done = command("openssl", "s_client", *place, *arguments, said=b"Q\n")
    return done.stdout + done.stderr


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions(server: HttpsServer, version: str) -> None:
    said = s_client(server, version, "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in said or "no peer certificate available" in said


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_new_versions_and_no_tickets(server: HttpsServer, version: str) -> None:
    said = s_client(server, version)
    assert "Cipher is (NONE)" not in said
    assert "BEGIN CERTIFICATE" in said
    assert "session ticket" not in said.lower()
    assert "Secure Renegotiation IS supported" in said or version == "-tls1_3"
    assert "Compression: NONE" in said


def test_a_weak_cipher(server: HttpsServer) -> None:
    said = s_client(server, "-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA")
    assert "Cipher is (NONE)" in said


# -- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_handshake_has_an_end(server: HttpsServer, said: bytes) -> None:
    before = len(server.lines)
    with server.connect() as connection:
        connection.sendall(said)
        assert everything(connection) == b""
    server.said("TLS", before)


def test_silence_after_the_handshake_has_an_end(server: HttpsServer) -> None:
    with server.connect_tls() as connection:
        assert everything(connection).startswith(b"HTTP/1.1 408")


def test_a_slow_client_gets_all_of_it(server: HttpsServer) -> None:
    """As long as it takes something every now and then, though less than is waiting."""
    big = DatasetFactory("CT", size=24 << 20).instance(2)
    path = server.client.post("/instances", content=big).json()["Path"]
    plain = server.connect()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    context = ssl.create_default_context(cafile=str(server.ours.certificate))
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(f"GET {path}/file HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = 0
        for _ in range(12):
            # For three times as long as a client may stay silent.
            for _ in range(16):
                received += len(connection.recv(1 << 16))
            time.sleep(0.5)
        while received < len(big):
            piece = connection.recv(1 << 20)
            assert piece, f"the server left after {received} of {len(big)} bytes"
            received += len(piece)
    server.client.delete(path)


def test_a_client_that_takes_nothing_is_left(server: HttpsServer) -> None:
    big = DatasetFactory("CT", size=24 << 20).instance(3)
    path = server.client.post("/instances", content=big).json()["Path"]
    connection = server.connect_tls()
    connection.sendall(f"GET {path}/file HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    descriptors = Path(f"/proc/{server.process.pid}/fd")
    assert connection.recv(100)

    def inode() -> set[str]:
        found = set()
        for one in descriptors.iterdir():
            with contextlib.suppress(OSError):
                found.add(str(one.readlink()))
        return {name for name in found if name.startswith("socket:")}

    here = inode()
    ends = time.monotonic() + PATIENCE
    while len(here & inode()) == len(here) and time.monotonic() < ends:
        time.sleep(0.05)
    assert len(here & inode()) < len(here)
    connection.close()
    server.client.delete(path)


def test_a_stop_does_not_wait_for_idle_clients(folder: Path, ours: Certified) -> None:
    running = HttpsServer(folder / "stopped", ours)
    idle = [running.connect_tls() for _ in range(3)]
    half = running.connect()
    half.sendall(b"\x16\x03\x01")
    assert running.stop() == 0
    for connection in (*idle, half):
        connection.close()


# -- certificates that change -------------------------------------------------------------------


def test_a_new_certificate_without_a_stop(folder: Path, ours: Certified, other: Certified) -> None:
    running = HttpsServer(folder / "renewed", ours)
    file = DatasetFactory("MR").instance(4)
    with running.connect_tls() as open_before:
        head = f"POST /instances HTTP/1.1\r\nHost: x\r\nContent-Length: {len(file)}\r\n\r\n"
        open_before.sendall(head.encode() + file[:1000])
        put(running.key, other.key)
        put(running.certificate, other.certificate)
        before = len(running.lines)
        running.process.send_signal(signal.SIGHUP)
        running.said("HTTPS has taken up", before)
        with running.caller(other) as new:
            assert new.get("/system").status_code == 200
        with running.caller(ours) as old, pytest.raises(httpx2.ConnectError):
            old.get("/system")
        # In the middle of its request all the while.
        open_before.sendall(file[1000:])
        assert open_before.recv(1 << 16).startswith(b"HTTP/1.1 200")
    # A broken one changes nothing.
    running.certificate.write_bytes(b"nonsense")
    before = len(running.lines)
    running.process.send_signal(signal.SIGHUP)
    line = running.said("HTTPS keeps the certificate that it has", before)
    assert "SslCertificate" in line
    with running.caller(other) as new:
        assert new.get("/system").status_code == 200
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("gone", "SslCertificate"),
        ("other", "is not the key"),
        ("old", "has expired"),
    ],
)
def test_what_stops_the_start(
    folder: Path, ours: Certified, other: Certified, broken: str, words: str
) -> None:
    place = folder / f"stops-{broken}"
    place.mkdir()
    files = {"SslCertificate": str(ours.certificate), "SslPrivateKey": str(ours.key)}
    if broken == "gone":
        files["SslCertificate"] = str(place / "gone.pem")
    elif broken == "other":
        files["SslPrivateKey"] = str(other.key)
    else:
        old = make(place, "old", days=0)
        files = {"SslCertificate": str(old.certificate), "SslPrivateKey": str(old.key)}
    configuration = place / "hornburg.json"
    doors = {"HttpPort": 0, "DicomServerEnabled": False}
    configuration.write_text(json.dumps({"SslEnabled": True, **doors, **files}))
    done = command(sys.executable, "-m", "hornburg", "serve", configuration, cwd=place)
    assert done.returncode != 0
    (line,) = [one for one in done.stderr.splitlines() if words in one]
    assert "Ssl" in line
    assert "Traceback" not in done.stderr


# -- certificates of clients --------------------------------------------------------------------


@pytest.fixture(scope="module")
def alice(folder: Path) -> Certified:
    return make(folder, "alice", subject="/O=Hospital/CN=alice")


@pytest.fixture(scope="module")
def bob(folder: Path) -> Certified:
    return make(folder, "bob", names="email:bob@hospital.example")


@pytest.fixture(scope="module")
def mutual(
    folder: Path, ours: Certified, alice: Certified, bob: Certified
) -> Iterator[HttpsServer]:
    trusted = folder / "trusted.pem"
    trusted.write_bytes(alice.certificate.read_bytes() + bob.certificate.read_bytes())
    running = HttpsServer(
        folder / "mutual",
        ours,
        alice,
        SslVerifyPeers=True,
        SslTrustedClientCertificates=str(trusted),
        SslCertificateUsers={"CN=alice,O=Hospital": "alice"},
        AuthenticationEnabled=True,
        RegisteredUsers={"bob": "a password of bob"},
    )
    yield running
    assert running.stop() == 0


def shown(certified_: Certified) -> tuple[object, ...]:
    return ("--cert", certified_.certificate, "--key", certified_.key)


def test_without_a_certificate_there_is_no_http(mutual: HttpsServer, other: Certified) -> None:
    before = len(mutual.lines)
    for mine in ((), shown(other)):
        done = curl(mutual, "/system", *mine, "-w", "%{http_code}", "-u", "bob:a password of bob")
        assert done.returncode != 0
        assert done.stdout == "000"
    mutual.said("TLS", before)


def test_a_certificate_names_its_user(mutual: HttpsServer, alice: Certified) -> None:
    done = curl(mutual, "/system", *shown(alice), "-w", "\n%{http_code}")
    assert done.stdout.endswith("\n200")


def test_the_trail_knows_the_holder_of_a_certificate(
    folder: Path, ours: Certified, alice: Certified
) -> None:
    running = HttpsServer(
        folder / "noting",
        ours,
        alice,
        SslVerifyPeers=True,
        SslTrustedClientCertificates=str(alice.certificate),
        SslCertificateUsers={"CN=alice,O=Hospital": "alice"},
        AuthenticationEnabled=True,
        RegisteredUsers={},
    )
    assert curl(running, "/studies", *shown(alice), "-w", "\n%{http_code}").stdout.endswith("200")
    assert running.stop() == 0
    show = ("trail", "show", str(running.configuration), "--user", "alice", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "hornburg", *show], capture_output=True, text=True, check=True
    )
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (line["kind"], line["address"], line["action"]) == ("certificate", "127.0.0.1", "view")
    assert "alice" in line["proof"]
    assert "Hospital" in line["proof"]


def test_a_certificate_that_names_nobody_does_not_replace_the_password(
    mutual: HttpsServer, bob: Certified
) -> None:
    plain = ("-o", "/dev/null", "-w", "%{http_code}")
    assert curl(mutual, "/system", *shown(bob), *plain).stdout == "401"
    known = ("-u", "bob:a password of bob")
    assert curl(mutual, "/system", *shown(bob), *plain, *known).stdout == "200"


def test_a_client_that_is_trusted_no_more(
    folder: Path, ours: Certified, alice: Certified, bob: Certified
) -> None:
    """Nor does an earlier session let it in."""
    trusted = folder / "revoked.pem"
    trusted.write_bytes(alice.certificate.read_bytes() + bob.certificate.read_bytes())
    running = HttpsServer(
        folder / "revoking",
        ours,
        alice,
        SslVerifyPeers=True,
        SslTrustedClientCertificates=str(trusted),
    )
    context = ssl.create_default_context(cafile=str(ours.certificate))
    context.load_cert_chain(bob.certificate, bob.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with context.wrap_socket(running.connect(), server_hostname="localhost") as connection:
        connection.sendall(GET)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        session = connection.session
    put(trusted, alice.certificate)
    running.process.send_signal(signal.SIGHUP)
    running.said("HTTPS has taken up")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        again = context.wrap_socket(running.connect(), server_hostname="localhost", session=session)
        again.sendall(GET)
        assert again.recv(1000) == b""
        raise ConnectionError
    assert running.client.get("/system").status_code == 200
    assert running.stop() == 0

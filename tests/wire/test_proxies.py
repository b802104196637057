"""The samples of ``docs/proxies.md``: nginx and Caddy with TLS before a server."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from tests.security.certificates import Certified
from tests.wire.conftest import Server
from tests.wire.dicom_peers import free_port
from tests.wire.https import PATIENCE, certified, client_context

from hornburg.testing.datasets import DatasetFactory

MANUAL = Path(__file__).parents[2] / "docs" / "proxies.md"
ALICE = ("alice", "a password of the tests")
MAKE = DatasetFactory("CT")

#: What clients make up: an address, a name and a protocol that they don't have.
LIES = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=198.51.100.7;proto=http;host=evil.example",
}


def sample(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", MANUAL.read_text(), re.M | re.S)
    assert len(found) == 1
    return str(found[0])


def changed(text: str, *places: tuple[str, str]) -> str:
    """The sample with the places of this test; each must be there once."""
    for old, new in places:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, server: Server, ours: Certified) -> list[str]:
    site = changed(
        sample("nginx"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("server_name dicom.example.org", "server_name localhost"),
        ("/etc/ssl/dicom.example.org.pem", str(ours.certificate)),
        ("/etc/ssl/private/dicom.example.org.key", str(ours.key)),
        ("127.0.0.1:8042", f"127.0.0.1:{server.port}"),
    )
    scratch = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Root's worker would be another user, who can't read this folder.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {scratch}\n{site} }}\n"
    )
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(configuration)]


def caddy(folder: Path, port: int, server: Server, ours: Certified) -> list[str]:
    site = changed(
        sample("caddyfile"),
        (
            "dicom.example.org {",
            f"https://localhost:{port} {{\nbind 127.0.0.1\ntls {ours.certificate} {ours.key}",
        ),
        ("127.0.0.1:8042", f"127.0.0.1:{server.port}"),
    )
    configuration = folder / "Caddyfile"
    configuration.write_text("{\nadmin off\nauto_https disable_redirects\n}\n" + site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(configuration)]


@dataclass
class Proxied:
    """A server, and a way to it that a proxy guards."""

    server: Server
    url: str
    ours: Certified

    def client(self, address: str = "127.0.0.5") -> httpx2.Client:
        return httpx2.Client(
            base_url=self.url,
            auth=ALICE,
            timeout=PATIENCE,
            transport=httpx2.HTTPTransport(verify=client_context(self.ours), local_address=address),
        )


@pytest.fixture(scope="module", params=[nginx, caddy])
def proxied(
    request: pytest.FixtureRequest,
    module_server: Callable[..., Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxied]:
    make = request.param
    assert shutil.which(make.__name__), f"{make.__name__} is among what 'make peers' installs"
    folder = tmp_path_factory.mktemp(make.__name__)
    ours = certified(folder, "ours")
    server = module_server(TrustedProxies=["127.0.0.1"], RegisteredUsers=dict([ALICE]))
    port = free_port()
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        make(folder, port, server, ours),
        cwd=folder,
        stderr=log,
        env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
    )
    try:
        ends = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        else:
            raise AssertionError((folder / "log").read_text())
        yield Proxied(server, f"https://localhost:{port}", ours)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        log.close()
    assert [line for line in server.lines if "Traceback" in line] == []


def remote_ip(client: httpx2.Client, number: int, **headers: str) -> str:
    """The address that the archive notes of who uploads."""
    stored = client.post("/instances", content=MAKE.instance(number), headers=headers).json()
    return client.get(f"/instances/{stored['ID']}/metadata/RemoteIP").text


def test_everybody_has_to_log_in(proxied: Proxied) -> None:
    with proxied.client() as client:
        assert client.get("/system").status_code == 200
        assert client.get("/system", auth=("alice", "wrong")).status_code == 401
        client.auth = None
        assert client.get("/system").status_code == 401


def test_the_client_is_known_by_its_address(proxied: Proxied) -> None:
    with proxied.client() as client:
        assert remote_ip(client, 1) == "127.0.0.5"


def test_clients_make_up_nothing(proxied: Proxied) -> None:
    with proxied.client() as client:
        stored = client.post("/instances", content=MAKE.instance(2), headers=LIES)
        assert stored.status_code == 200
        path = f"{stored.json()['Path']}/metadata/RemoteIP"
        assert client.get(path, headers=LIES).text == "127.0.0.5"
        answer = client.get("/login", headers=LIES)
        assert answer.headers["set-cookie"].startswith("__Host-hornburg-login=")


def test_guesses_count_for_who_makes_them(proxied: Proxied) -> None:
    with proxied.client("127.0.0.6") as guessing, proxied.client("127.0.0.7") as owner:
        for number in range(6):
            made_up = {**LIES, "X-Forwarded-For": f"198.51.100.{number}"}
            guessing.get("/system", auth=("alice", "wrong"), headers=made_up)
        assert guessing.get("/system").status_code == 429
        assert owner.get("/system").status_code == 200


def test_a_page_of_the_site_and_one_of_another(proxied: Proxied) -> None:
    with proxied.client() as client:
        stored = client.post("/instances", content=MAKE.instance(3)).json()["Path"]
        evil = {"Origin": "https://evil.example"}
        assert client.delete(stored, headers=evil).status_code == 403
        assert client.delete(stored, headers={"Origin": proxied.url}).status_code == 200


def test_cookies_and_headers_of_https(proxied: Proxied) -> None:
    with proxied.client() as client:
        answer = client.get("/login")
        assert answer.headers["set-cookie"].startswith("__Host-hornburg-login=")
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"] == "max-age=63072000"


@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_go_through(proxied: Proxied, chunked: bool) -> None:
    big = DatasetFactory("MR", size=24 << 20).instance(4 + chunked)
    with proxied.client() as client:
        sent = (big[at : at + (1 << 20)] for at in range(0, len(big), 1 << 20))
        stored = client.post("/instances", content=sent if chunked else big)
        assert stored.status_code == 200, stored.text
        path = stored.json()["Path"]
        assert client.get(f"{path}/file").content == big
        client.delete(path)

"""Whom we believe over TLS, and what we show."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.http_client.servers import answer, scripted
from tests.security.certificates import Certified, make

from hornburg.http_client.client import HttpClient
from hornburg.http_client.errors import CertificateError, UnreachableError
from hornburg.http_client.trust import ClientCertificate, Trust
from hornburg.settings import Secret, Settings, SettingsError


@dataclass(frozen=True)
class Made:
    authority: Certified
    good: Certified
    other: Certified
    expired: Certified
    alone: Certified
    client: Certified
    locked: Certified


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("certificates")
    authority = make(folder, "authority")
    leaf: dict[str, Any] = {"issuer": authority, "authority": False}
    local = "DNS:pacs.example.org,IP:127.0.0.1"
    return Made(
        authority,
        make(folder, "good", names=local, **leaf),
        make(folder, "other", names="DNS:other.example.org", **leaf),
        make(folder, "expired", names=local, days=0),
        make(folder, "alone", names=local),
        make(folder, "client", **leaf),
        make(folder, "locked", passphrase="geheim", **leaf),
    )


def serving(shown: Certified, clients: Certified | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.certificate)
    return context


async def _here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def client(authority: Certified | None, **options: Any) -> HttpClient:
    path = authority.certificate if authority else None
    settings = Settings(https_ca_certificates=path, http_timeout=20, **options)
    return HttpClient(settings, _here)


@pytest.mark.parametrize("host", ["127.0.0.1", "pacs.example.org"])
async def test_a_trusted_server_is_asked(made: Made, host: str):
    async with scripted(answer(), tls=serving(made.good)) as server:
        asking = client(made.authority)
        await asking.open()
        got = await asking.request("GET", f"https://{host}:{server.port}/")
    assert got.status == 200


@pytest.mark.parametrize(
    ("name", "host", "why"),
    [
        ("other", "pacs.example.org", "another host name"),
        ("other", "127.0.0.1", "another address"),
        ("good", "evil.example.org", "another host name"),
        ("expired", "pacs.example.org", "expired"),
        ("alone", "pacs.example.org", "self-signed"),
    ],
)
async def test_other_servers_are_told_nothing(made: Made, name: str, host: str, why: str):
    shown: Certified = getattr(made, name)
    trusted = made.expired if name == "expired" else made.authority
    async with scripted(answer(), tls=serving(shown)) as server:
        with pytest.raises(CertificateError, match=why) as caught:
            await client(trusted).request(
                "GET", f"https://{host}:{server.port}/", headers={"Authorization": "geheim"}
            )
    assert server.asked == []
    assert "geheim" not in str(caught.value)


async def test_the_authorities_of_the_system_don_t_know_ours(made: Made):
    async with scripted(answer(), tls=serving(made.good)) as server:
        with pytest.raises(CertificateError, match="not trusted"):
            await client(None).request("GET", f"https://127.0.0.1:{server.port}/")


async def test_without_verification_everybody_is_believed_and_the_log_says_so(
    made: Made, caplog: pytest.LogCaptureFixture
):
    asking = client(None, https_verify_peers=False)
    with caplog.at_level(logging.WARNING, "hornburg"):
        await asking.open()
    assert "HttpsVerifyPeers is false" in caplog.text
    async with scripted(answer(), tls=serving(made.expired)) as server:
        got = await asking.request("GET", f"https://evil.example.org:{server.port}/")
    assert got.status == 200


async def test_a_server_without_tls_is_told_nothing(made: Made):
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer())
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CertificateError, match="TLS failed"):
            await client(made.authority).request("GET", f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_not_spoken(made: Made, version: ssl.TLSVersion):
    for settings in (Settings(), Settings(https_verify_peers=False)):
        assert Trust(settings).context().minimum_version > version


# -- what we show ----------------------------------------------------------------------------


async def test_our_certificate_is_shown_with_its_passphrase(made: Made):
    tls = serving(made.good, clients=made.authority)
    shown = ClientCertificate(str(made.locked.certificate), str(made.locked.key), Secret("geheim"))
    async with scripted(answer(), tls=tls) as server:
        url = f"https://pacs.example.org:{server.port}/"
        got = await client(made.authority).request("GET", url, certificate=shown)
        assert got.status == 200
        plain = ClientCertificate(str(made.client.certificate), str(made.client.key))
        got = await client(made.authority).request("GET", url, certificate=plain)
        assert got.status == 200
        # Whether its objection arrives before the connection ends is a matter of luck.
        with pytest.raises((CertificateError, UnreachableError)):
            await client(made.authority).request("GET", url)
    assert len(server.asked) == 2


@pytest.mark.parametrize("password", [None, "", "wrong", "x" * 5000])
async def test_a_wrong_passphrase_is_said_and_not_asked_for(made: Made, password: str | None):
    shown = ClientCertificate(
        str(made.locked.certificate),
        str(made.locked.key),
        None if password is None else Secret(password),
    )
    with pytest.raises(CertificateError, match="passphrase") as caught:
        await client(None).request("GET", "https://pacs.example.org:1/", certificate=shown)
    assert "wrong pass" not in str(caught.value).replace("wrong passphrase", "")
    assert "xxx" not in str(caught.value)


async def test_files_that_are_no_certificate(made: Made, tmp_path: Path):
    for certificate, key in (
        (tmp_path / "missing", made.client.key),
        (made.client.certificate, tmp_path / "missing"),
        (made.client.certificate, made.good.key),
        (Path("/etc/passwd"), made.client.key),
    ):
        shown = ClientCertificate(str(certificate), str(key))
        with pytest.raises(CertificateError) as caught:
            await client(None).request("GET", "https://pacs.example.org:1/", certificate=shown)
        assert "root:" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "nothing"])
async def test_authorities_that_are_none_stop_the_start(tmp_path: Path, content: str | None):
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match="HttpsCACertificates"):
        await HttpClient(Settings(https_ca_certificates=path)).open()

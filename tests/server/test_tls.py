"""SIGHUP: what it takes up, and what it leaves alone."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import pytest
from tests.security.certificates import make, whole

from hornburg.server.control import Control
from hornburg.server.tls import heed_hangups, open_tls
from hornburg.settings import Settings, SettingsError, load


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def pem(folder):
    return whole(folder / "whole.pem", make(folder, "ours", days=100))


class Hung:
    """A server that heeds SIGHUP, with its configuration in a file."""

    def __init__(self, path):
        self.path = path
        self.control = Control()
        self.settings = self.read()
        self.task = asyncio.create_task(heed_hangups(self.settings, self.read, self.control))

    def read(self):
        return load([self.path], {})

    async def hang_up(self):
        """Answers what came of it: ``renew`` or ``restart``."""
        self.control.hung_up.set()
        waiting = {
            asyncio.ensure_future(self.control.renew.wait()),
            asyncio.ensure_future(self.control.stop.wait()),
        }
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        for each in waiting:
            each.cancel()
        renewed = self.control.renew.is_set()
        self.control.renew.clear()
        if self.control.restart:
            assert not renewed
            return "restart"
        assert renewed
        return "renew"


@pytest.fixture
async def hung(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"Name": "first"}))
    made = Hung(path)
    yield made
    made.task.cancel()


async def test_the_same_configuration_lets_certificates_be_taken_up(hung):
    assert await hung.hang_up() == "renew"
    assert await hung.hang_up() == "renew"
    # Lines and comments are not what the server runs with.
    hung.path.write_text('// a comment\n\n{ "Name": "first" }')
    assert await hung.hang_up() == "renew"


async def test_another_configuration_starts_the_server_anew(hung):
    hung.path.write_text(json.dumps({"Name": "second"}))
    assert await hung.hang_up() == "restart"
    assert hung.control.stop.is_set()


@pytest.mark.parametrize(
    "content",
    [
        "{ nonsense",
        '{"HttpPort": -1}',
        '{"SslEnabled": true, "SslCertificate": "gone.pem"}',
        '{"DicomTlsEnabled": true}',
        '{"SslVerifyPeers": true}',
    ],
)
async def test_what_can_not_be_used_changes_nothing(hung, content, caplog):
    hung.path.write_text(content)
    assert await hung.hang_up() == "renew"
    assert "the configuration stays as it was" in caplog.text
    hung.path.unlink()
    assert await hung.hang_up() == "renew"


async def test_errors_that_nobody_has_foreseen_change_nothing(hung, caplog):
    hung.task.cancel()

    def fail():
        raise RuntimeError("unforeseen")

    hung.task = asyncio.create_task(heed_hangups(hung.settings, fail, hung.control))
    assert await hung.hang_up() == "renew"
    assert "unforeseen" in caplog.text
    assert await hung.hang_up() == "renew"


def test_which_server_speaks_tls(folder, pem):
    mine = make(folder, "dicom", days=100)
    off = open_tls(Settings())
    assert (off.web, off.dicom, off.all()) == (None, None, ())
    web = Settings(ssl_enabled=True, ssl_certificate=pem)
    both = dataclasses.replace(
        web,
        dicom_tls_enabled=True,
        dicom_tls_certificate=mine.certificate,
        dicom_tls_private_key=mine.key,
        dicom_tls_remote_certificate_required=False,
    )
    opened = open_tls(both)
    assert [one.name for one in opened.all()] == ["HTTPS", "DICOM TLS"]
    assert open_tls(dataclasses.replace(both, http_server_enabled=False)).web is None
    assert open_tls(dataclasses.replace(both, dicom_server_enabled=False)).dicom is None
    with pytest.raises(SettingsError, match="SslCertificate"):
        open_tls(dataclasses.replace(web, ssl_certificate=Path("gone")))
    with pytest.raises(SettingsError, match="SslVerifyPeers"):
        open_tls(Settings(ssl_verify_peers=True))

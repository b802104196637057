"""What is said of a certificate and its key before anybody relies on them."""

from __future__ import annotations

import datetime

import pytest
from tests.security.certificates import joined, make, whole

from hornburg.security.certificates import LARGEST_FILE, certificate_findings

#: A moment later than the certificates of these tests are made.


def now():
    """A little later than certificates that are made here begin to be valid."""
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)


DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def good(folder):
    return make(folder, "good", days=100)


def codes(*arguments):
    found = certificate_findings(*arguments)
    for one in found:
        assert "\n" not in one.text
        assert "PRIVATE" not in one.text
    return [one.code for one in found]


def test_nothing_is_wrong(folder, good):
    assert codes(good.certificate, good.key, now()) == []
    assert codes(whole(folder / "whole.pem", good), None, now()) == []


@pytest.mark.parametrize(
    ("at", "code", "fatal"),
    [
        (-DAY, "not-yet-valid", True),
        (69 * DAY, None, False),
        (71 * DAY, "expires-soon", False),
        (99 * DAY, "expires-soon", False),
        (101 * DAY, "expired", True),
    ],
)
def test_dates(good, at, code, fatal):
    found = certificate_findings(good.certificate, good.key, now() + at)
    assert [(one.code, one.fatal) for one in found] == ([(code, fatal)] if code else [])
    assert all(str(good.certificate) in one.text for one in found)


def test_a_key_that_is_missing_or_another(folder, good):
    other = make(folder, "other")
    assert codes(good.certificate, None, now()) == ["no-key"]
    assert codes(good.certificate, good.certificate, now()) == ["no-key"]
    assert codes(good.certificate, other.key, now()) == ["mismatch"]
    assert codes(good.certificate, folder / "gone", now()) == ["unreadable"]
    locked = make(folder, "locked", passphrase="geheim", days=100)
    assert codes(locked.certificate, locked.key, now()) == ["locked"]


def test_files_that_are_none(tmp_path, good):
    assert codes(tmp_path / "gone", good.key, now()) == ["unreadable"]
    assert codes(tmp_path, good.key, now()) == ["unreadable"]
    assert codes(good.key, good.key, now()) == ["no-certificate"]
    file = tmp_path / "file"
    for content in (b"", b"\0" * 1000, good.key.read_bytes()):
        file.write_bytes(content)
        assert codes(file, good.key, now()) == ["no-certificate"]
    file.write_bytes(good.certificate.read_bytes().replace(b"MII", b"MIJ", 1))
    assert codes(file, good.key, now()) == ["damaged"]
    file.write_bytes(good.key.read_bytes().replace(b"MI", b"MJ", 1))
    file.chmod(0o600)
    assert codes(good.certificate, file, now()) == ["damaged"]
    with file.open("wb") as large:
        large.truncate(LARGEST_FILE + 1)
    assert codes(file, good.key, now()) == ["unreadable"]


@pytest.mark.parametrize(
    ("mode", "exposed"),
    [(0o600, False), (0o640, False), (0o400, False), (0o644, True), (0o604, True), (0o620, True)],
)
def test_a_key_that_others_reach(tmp_path, good, mode, exposed):
    file = whole(tmp_path / "whole.pem", good)
    file.chmod(mode)
    (found, *more) = certificate_findings(file, None, now()) or [None]
    assert not more
    assert (found is not None and found.code == "key-exposed") is exposed
    assert found is None or not found.fatal


def test_an_authority_that_has_expired(folder, good):
    old = make(folder, "old", days=0)
    chain = joined(folder / "chain.crt", good, old)
    (found,) = certificate_findings(chain, good.key, now() + DAY)
    assert (found.code, found.fatal) == ("chain", False)
    assert "CN=old" in found.text


def test_a_short_key(folder):
    short = make(folder, "short", days=100, kind="rsa:1024")
    assert codes(short.certificate, short.key, now()) == ["weak"]

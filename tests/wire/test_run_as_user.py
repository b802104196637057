"""A server that is started by root, and what it is afterwards."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.wire.conftest import Server

from hornburg.server.privileges import check_user
from hornburg.settings import SettingsError
from hornburg.testing import DatasetFactory

ROOT = os.geteuid() == 0
SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that user nobody reaches, unlike those that pytest makes for root."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


def identities(pid: int) -> tuple[set[str], set[str], str]:
    status = Path(f"/proc/{pid}/status").read_text()
    return (
        set(re.search(r"^Uid:(.*)$", status, re.M)[1].split()),
        set(re.search(r"^Gid:(.*)$", status, re.M)[1].split()),
        re.search(r"^CapEff:\s*(\w+)$", status, re.M)[1],
    )


#: What a process does that has become another user; it imports beforehand what it needs.
_SCRIPT = """
import asyncio, logging, os, pathlib, sys
from hornburg.server.privileges import become_user, check_user
from hornburg.settings import load
settings = load([pathlib.Path(sys.argv[1])], {})
check_user(settings)
try:
    become_user(settings)
except Exception as error:
    print(error)
print(*os.getresuid(), *os.getresgid(), *os.getgroups())
try:
    os.setuid(0)
    print("root again")
except PermissionError:
    print("for good")
"""


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_root_becomes_the_user_for_good(tmp_path):
    user = pwd.getpwnam("nobody")
    (tmp_path / "c.json").write_text('{"RunAsUser": "nobody"}')
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path / "c.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    *_, ids, end = done.stdout.splitlines()
    assert set(ids.split()) == {str(user.pw_uid), str(user.pw_gid)}
    assert end == "for good"


def reachable_python() -> tuple[str, str] | None:
    """An interpreter of our version that every user can run, and where it finds the packages."""
    packages = sysconfig.get_path("purelib")
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            tried = subprocess.run(
                [python, "-c", "import sys, hornburg.cli; print(sys.version_info[:2])"],
                env={"PYTHONPATH": f"{SOURCE}:{packages}"},
                user="nobody",
                group="nogroup",
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if tried.stdout.strip() == str(sys.version_info[:2]):
            return python, f"{SOURCE}:{packages}"
    return None


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_root_binds_the_ports_and_becomes_the_user(home, server, monkeypatch):
    found = reachable_python()
    if found is None:
        pytest.skip("no interpreter of this version that every user of this system can run")
    monkeypatch.setattr(sys, "executable", found[0])
    monkeypatch.setenv("PYTHONPATH", found[1])
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    running: Server = server(home, RunAsUser="nobody")
    uids, gids, capabilities = identities(running.process.pid)
    assert uids == {str(user.pw_uid)}
    assert gids == {str(user.pw_gid)}
    assert int(capabilities, 16) == 0
    assert running.client.post("/instances", content=DatasetFactory().instance()).is_success
    for path in running.storage.rglob("*"):
        facts = path.lstat()
        assert (facts.st_uid, facts.st_mode & 0o077) == (user.pw_uid, 0), path
    assert running.stop() == 0


@pytest.mark.skipif(not ROOT, reason="only root is warned of")
def test_root_that_stays_root_is_said(server):
    assert "RunAsUser" in server().said("run by root")


@pytest.mark.skipif(ROOT, reason="root can become another user")
def test_others_cannot_become_another_user(settings_of):
    with pytest.raises(SettingsError, match="only root"):
        check_user(settings_of({"RunAsUser": "nobody"}))


@pytest.mark.parametrize("name", ["root", "no-such-user-here"])
def test_a_user_that_is_none(settings_of, name):
    with pytest.raises(SettingsError, match="other than root") as caught:
        check_user(settings_of({"RunAsUser": name}))
    assert caught.value.option == "RunAsUser"


@pytest.mark.skipif(not ROOT, reason="asks nothing of others")
def test_the_hardened_profile_wants_no_root(settings_of):
    hardened = {"SecurityProfile": "Hardened", "DicomBindAddresses": ["127.0.0.1"]}
    with pytest.raises(SettingsError) as caught:
        check_user(settings_of(hardened))
    assert caught.value.option == "RunAsUser"
    check_user(settings_of({**hardened, "RunAsUser": "nobody"}))
    check_user(settings_of({**hardened, "HardenedExceptions": {"RunAsUser": "a container"}}))


@pytest.fixture
def settings_of(tmp_path):
    import json

    from hornburg.settings import load

    def build(configuration):
        (tmp_path / "c.json").write_text(json.dumps(configuration))
        return load([tmp_path / "c.json"], {})

    return build


def test_files_that_others_reach_are_named(server, tmp_path):
    folder = tmp_path / "open"
    running = server(folder)
    running.stop()
    os.chmod(running.storage, 0o755)
    os.chmod(running.configuration, 0o666)
    again = server(folder)
    assert f"chmod 700 {again.storage}" in again.said("the stored images in")
    assert "others can write the configuration" in again.said("hornburg.json")
    assert "'hornburg audit'" in again.said("security audit: ")

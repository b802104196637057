"""What ``deploy/`` promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "hornburg.service"
SANDBOX = {
    "NoNewPrivileges": "true",
    "ProtectSystem": "strict",
    "ProtectHome": "true",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "ProtectKernelTunables": "true",
    "ProtectKernelModules": "true",
    "ProtectControlGroups": "true",
    "MemoryDenyWriteExecute": "true",
    "RestrictNamespaces": "true",
    "RestrictSUIDSGID": "true",
    "SystemCallArchitectures": "native",
    "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE",
    "UMask": "0077",
    "User": "hornburg",
}


def test_the_sandbox_is_filled_in():
    lines = [line for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#"]
    given = dict(line.split("=", 1) for line in lines)
    assert {name: given.get(name) for name in SANDBOX} == SANDBOX
    assert "SystemCallFilter=@system-service" in lines


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
def test_systemd_reads_it_and_finds_little_exposed():
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(UNIT)],
        capture_output=True,
        text=True,
        check=True,
        env={"SYSTEMD_EMOJI": "0", "PATH": "/usr/bin:/bin"},
    )
    level = float(re.search(r"exposure level for hornburg.service: ([\d.]+)", done.stdout)[1])
    assert level < 2.5
    assert "Unknown key" not in done.stderr


def test_the_container_is_nobody_special():
    text = (DEPLOY / "Containerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER (\d+):\1$", final, re.M)[1] != "0"
    # Nothing is installed or downloaded as that user, or after it.
    assert "RUN" not in final[final.index("\nUSER ") :]
    assert "--read-only" in text
    assert "--cap-drop=all" in text

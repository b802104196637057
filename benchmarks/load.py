"""Drives the load generators: uploads by `benchmarks.client`, the rest by `wrk` if there is one."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server

__all__ = ["CONNECTIONS", "Request", "Upload", "client_name", "send_in_turn", "upload"]

CONNECTIONS = 4
_ROOT = Path(__file__).parent.parent
_GRACE = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `body` is JSON and holds neither tab nor line end."""

    method: str
    path: str
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """What `hornburg.testing.DatasetFactory` shall make up: `numbers` of each level."""

    kind: Literal["MR", "CT"]
    patients: int
    studies: int
    series: int
    instances: int
    seed: str = "1"

    @property
    def count(self) -> int:
        return self.patients * self.studies * self.series * self.instances


def client_name(*, python: bool) -> str:
    """Which generator `send_in_turn` takes."""
    return "Python" if python or shutil.which("wrk") is None else "wrk"


def upload(server: Server, what: Upload, *, timeout: float, ahead: bool = True) -> dict[str, Any]:
    """POST every file once, and be sure that the server stored each of them as new.

    `ahead` makes all files before the clock starts; without it they are made on the way, which
    needs no memory, but is no measurement. Raises `BenchmarkError`.
    """
    numbers = {
        "patients": what.patients,
        "studies": what.studies,
        "series": what.series,
        "instances": what.instances,
    }
    job = {"kind": what.kind, "seed": what.seed, "numbers": numbers, "ahead": ahead}
    result = _python({**_where(server), "upload": job}, timeout)
    if result["errors"] or result["stored"] != what.count:
        raise BenchmarkError(
            f"{result['stored']} of {what.count} instances stored, "
            f"answers {result['statuses']}, {'; '.join(result['errors'])}"
        )
    return result


def send_in_turn(
    server: Server, requests: list[Request], seconds: float, *, mean_length: float, python: bool
) -> dict[str, Any]:
    """Send `requests` round and round for `seconds`.

    Every answer must have status 200, and together they must be as long as `mean_length` bytes
    each, so that nothing quick and cut short is measured. Raises `BenchmarkError`.
    """
    send = _wrk if client_name(python=python) == "wrk" else _python_in_turn
    result = send(server, requests, seconds)
    # The last round through the list is not a full one, so that the mean differs a little.
    if result["received"] < 0.9 * mean_length * result["requests"]:
        raise BenchmarkError(f"answers are shorter than the {mean_length:.0f} bytes seen before")
    return result


def _where(server: Server) -> dict[str, Any]:
    return {
        "port": server.port,
        "authorization": server.kind.authorization,
        "connections": CONNECTIONS,
    }


def _python_in_turn(server: Server, requests: list[Request], seconds: float) -> dict[str, Any]:
    rows = [[request.method, request.path, request.body] for request in requests]
    job = {**_where(server), "requests": rows, "seconds": seconds}
    result = _python(job, seconds + _GRACE)
    if result["errors"] or set(result["statuses"]) != {"200"}:
        raise BenchmarkError(f"answers {result['statuses']}, {'; '.join(result['errors'])}")
    return result


def _python(job: dict[str, Any], timeout: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.client"]
    result: dict[str, Any] = json.loads(_run(command, timeout, json.dumps(job)))
    return result


def _wrk(server: Server, requests: list[Request], seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "requests")
        listed.write_text(
            "".join(f"{one.method}\t{one.path}\t{one.body or ''}\n" for one in requests)
        )
        # wrk counts whole seconds only.
        duration = max(1, round(seconds))
        script = Path(__file__).with_name("requests.lua")
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}s", "--timeout", "30s"]
        command += ["-s", str(script), f"http://127.0.0.1:{server.port}/", "--", str(listed)]
        command += [server.kind.authorization]
        before = _children_cpu_seconds()
        output = _run(command, duration + _GRACE)
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    result["client_cpu_seconds"] = _children_cpu_seconds() - before
    if result["not_ok"] or result["broken"] or not result["requests"]:
        raise BenchmarkError(f"wrk met errors: {result}")
    return result


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: list[str], timeout: float, text: str | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=_ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{command[0]} was not done after {timeout:.0f} s") from error
    if done.returncode:
        raise BenchmarkError(f"{command[0]} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout

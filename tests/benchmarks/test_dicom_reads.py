"""Every answer under load is counted: a server that leaves some out has no figure."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.dicom_operations import DICOM_READS
from benchmarks.dicom_reads import Asked
from benchmarks.errors import BenchmarkError
from benchmarks.servers import HORNBURG, Server

from benchmarks import dcmtk

FIND = next(read for read in DICOM_READS if read.kind == "find")
GET = next(read for read in DICOM_READS if read.kind == "get")
WHOLE_FIND = "Received Find Response 1 (Pending)\nReceived Final Find Response (Success)\n"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(HORNBURG, tmp_path)


def test_the_rate_of_finds_counts_queries(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = dcmtk.Taken(2.0, 1.0)
    monkeypatch.setattr(dcmtk, "find", lambda *_: (taken, WHOLE_FIND * 6))
    asked = Asked(FIND, tmp_path, ["a.dcm", "b.dcm"], answers=2)
    assert asked.send(server, 3) == (3.0, taken)


def test_a_missing_answer_is_an_error(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = WHOLE_FIND + "Received Final Find Response (Success)\n"
    monkeypatch.setattr(dcmtk, "find", lambda *_: (dcmtk.Taken(1.0, 0.0), said))
    asked = Asked(FIND, tmp_path, ["a.dcm"], answers=1)
    with pytest.raises(BenchmarkError, match="1 answers to 2 queries, not 2 to 2"):
        asked.send(server, 2)


def test_the_rate_of_gets_counts_instances(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Received C-STORE Request (MsgID 1)\n" * 5 + "Received C-GET Response (Success)\n"
    got: list[str] = []

    def get(_: int, __: Path, name: str, times: int) -> tuple[dcmtk.Taken, str]:
        got.append(name)
        return dcmtk.Taken(1.0, 0.5), said * times

    monkeypatch.setattr(dcmtk, "get", get)
    rate, taken = Asked(GET, tmp_path, ["a.dcm", "b.dcm"], answers=10).send(server, 2)
    assert got == ["a.dcm", "b.dcm", "a.dcm", "b.dcm"]
    assert (rate, taken.seconds) == (5.0 * GET.times, 4.0)

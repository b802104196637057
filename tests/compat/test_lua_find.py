"""What filters of queries are given, and what is asked and found after them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made when imported
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)
from tests.compat.network import Client, Finding, plain
from tests.compat.samples import made
from tests.compat.servers import Pair, free_ports, running

Asked = list[dict[str, Any]]

_QUERIES: dict[str, dict[str, Any]] = {
    "patients": {"Level": "Patient", "Query": {}},
    "studies": {"Level": "Study", "Query": {"PatientID": "*", "StudyDate": "*"}},
    "series": {"Level": "Series", "Query": {"StudyInstanceUID": "1.2", "Modality": "CT"}},
    "instances": {"Level": "Instance", "Query": {"SeriesInstanceUID": "1.2"}},
}

_SCRIPTS = {
    # One that shows in the query what it was given.
    "told": """
        query['0010,0010'] = DumpJson(query, true):gsub('[^%w]', '_'):sub(1, 60)
        return query""",
    "without universal keys": """
        for key, value in pairs(query) do if value == '' then query[key] = nil end end
        return query""",
    # The Book's own.
    "without asterisks": """
        for key, value in pairs(query) do if value == '*' then query[key] = '' end end
        return query""",
    "another level": "query['0008,0052'] = 'PATIENT' return query",
    "nothing": "return {}",
}


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[int, Asked]]:
    """A modality that keeps what it is asked, and its port."""
    found: Asked = []

    def answer(event: evt.Event) -> Iterator[tuple[int, None]]:
        found.append(plain(event.identifier))
        yield 0x0000, None

    entity = AE("ASKED")
    entity.add_supported_context(PatientRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    (port,) = free_ports(1)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)]
    )
    try:
        yield port, found
    finally:
        assert server is not None
        server.shutdown()


@pytest.fixture(scope="module")
def pair(asked: tuple[int, Asked], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    options: dict[str, Any] = {"DicomModalities": {"asked": ["ASKED", "127.0.0.1", asked[0]]}}
    folder = tmp_path_factory.mktemp("lua") / "pair"
    options |= {"DicomServerEnabled": True, "DicomAlwaysAllowFind": True}
    with running(folder, ExecuteLuaEnabled=True, **options) as both:
        yield both


@pytest.mark.parametrize("script", _SCRIPTS)
@pytest.mark.parametrize("query", _QUERIES)
def test_the_same_is_asked(pair: Pair, asked: tuple[int, Asked], script: str, query: str) -> None:
    source = f"function OutgoingFindRequestFilter(query, modality) {_SCRIPTS[script]} end"
    _, identifiers = asked
    seen = []
    for server in pair:
        assert server.ask("POST", "/tools/execute-script", source.encode(), {}).status == 200
        identifiers.clear()
        body = json.dumps(_QUERIES[query]).encode()
        assert server.ask("POST", "/modalities/asked/query", body, {}).status == 200
        seen.append(list(identifiers))
    theirs, ours = seen
    assert theirs
    assert ours == theirs


@pytest.mark.parametrize(
    "script",
    [
        "return query",
        "query['0010,0020'] = 'F2' return query",
        "query['0010,0020'] = 12 return query",
        "query['0010,0020'] = nil return query",
        "query['0008,0050'] = '' return query",
        "query['PatientID'] = 'F2' return query",
        "query['0008,0052'] = 'PATIENT' query['0020,000d'] = nil return query",
        "query['0010,0010'] = 'Nobody' return query",
        "assert(origin.RemoteAet == 'COMPAT' and origin.RemoteIp == '127.0.0.1') return query",
    ],
)
def test_the_same_is_found(pair: Pair, script: str) -> None:
    theirs, ours = _found(pair, script)
    assert theirs.statuses[-1] == 0
    assert ours.statuses == theirs.statuses
    # They come in no order.
    assert sorted(ours.answers, key=repr) == sorted(theirs.answers, key=repr)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "return true",
        "return 'text'",
        "error('no')",
        "query['zz'] = 'x' return query",
        "query['0010,0020'] = {} return query",
    ],
)
def test_the_same_is_refused(pair: Pair, script: str) -> None:
    theirs, ours = _found(pair, script)
    assert (theirs.statuses, ours.statuses) == ((0xC000,), (0xA700,))
    assert ours.answers == theirs.answers == []


def _found(pair: Pair, script: str) -> list[Finding]:
    source = f"function IncomingFindRequestFilter(query, origin) {script} end"
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.PatientID = "F1"
    query.StudyInstanceUID = ""
    found = []
    for server in pair:
        for patient in ("F1", "F2"):
            stored = made(patient, "Find", f"9{patient[1]}", f"9{patient[1]}.1", 1)
            server.ask("POST", "/instances", stored, {})
        server.ask("POST", "/tools/execute-script", source.encode(), {})
        with Client(server.dicom_port) as client:
            found.append(client.find("study", query))
    return found

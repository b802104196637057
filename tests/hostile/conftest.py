"""One server for all attacks of a file; after each of them it must be as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.hostile.dicom_peer import ECHO, RELEASED, Caller
from tests.hostile.target import Target

from hornburg.testing.datasets import DatasetFactory


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    target = Target(
        tmp_path_factory.mktemp("hostile"),
        HttpRequestTimeout=1,
        UserMetadata={"note": 1024},
        UserContentType={"page": [1025, "text/html"], "drawing": [1026, "image/svg+xml"]},
    )
    yield target
    assert target.stop() == 0


@pytest.fixture
def target(_running: Target) -> Iterator[Target]:
    """The server under attack. Afterwards it answers, has nothing left over in its storage, and
    its log tells of nothing that was not foreseen."""
    yield _running
    assert _running.client.get("/system").status_code == 200
    assert _running.complaints() == []
    assert _running.leftovers() == set()


@pytest.fixture(scope="module")
def _archive_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    target = Target(
        tmp_path_factory.mktemp("hostile"),
        DicomScpTimeout=2,
        DicomScuTimeout=2,
        MaximumRequestBodySizeMB=8,
        DicomModalities={"friend": ["FRIEND", "127.0.0.1", 9]},
    )
    yield target
    assert target.stop() == 0


@pytest.fixture
def archive(_archive_running: Target) -> Iterator[Target]:
    """A server whose DICOM door is under attack. Afterwards it is as it was, answers a C-ECHO,
    and its log tells of nothing that was not foreseen."""
    yield _archive_running
    with Caller(_archive_running.dicom_port, "127.0.0.3") as honest:
        honest.associate(ECHO)
        assert honest.echo() == 0
        assert honest.release() == RELEASED
    assert _archive_running.complaints() == []
    assert _archive_running.leftovers() == set()


@pytest.fixture(scope="session")
def instance() -> bytes:
    """A DICOM file of 8 KB."""
    return DatasetFactory("MR").instance(0)


@pytest.fixture
def stored(target: Target, instance: bytes) -> dict[str, str]:
    """What the server says of that file: ID, ParentPatient and so on."""
    answer = target.client.post("/instances", content=instance)
    found: dict[str, str] = answer.json()
    return found

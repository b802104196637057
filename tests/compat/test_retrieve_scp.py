"""C-MOVE and C-GET: counters, statuses, and what arrives."""

from __future__ import annotations

from typing import Any

import pytest
from tests.compat.conftest import Network
from tests.compat.network import Moved
from tests.compat.servers import is_subject_orthanc
from tests.compat.tables.identifiers import dataset
from tests.compat.tables.retrievals import RETRIEVALS, Retrieval

_CT = "1.2.840.10008.5.1.4.1.1.2"
_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_STUDY = {"StudyInstanceUID": "1.2.100"}
_PLANS = {"PatientID": "id00001"}

_rows = pytest.mark.parametrize("row", RETRIEVALS, ids=lambda row: row.name)


@_rows
def test_moves_as_orthanc(row: Retrieval, network: Network) -> None:
    theirs, ours = (
        client.move(row.root, dataset(row.keys, row.level), network.destination)
        for client in network.clients
    )
    _judge(row, theirs, ours)


@_rows
def test_gets_as_orthanc(row: Retrieval, network: Network) -> None:
    theirs, ours = (
        client.get(row.root, dataset(row.keys, row.level), [_CT, _PLAN, _CAPTURE])
        for client in network.clients
    )
    if row.get_fails and not is_subject_orthanc():
        assert theirs.statuses == (0xC000,)
        assert ours.statuses[-1] == 0x0000
        assert ours.arrived
        return
    _judge(row, theirs, ours)


@pytest.mark.parametrize("title", ["DEST", "dest", "DEST "])
def test_titles_of_destinations(title: str, network: Network) -> None:
    theirs, ours = _move(network, title)
    assert _seen(theirs) == _seen(ours)


@pytest.mark.parametrize(("title", "status"), [("NOBODY", 0xA801), ("GONE", 0xA702)])
def test_destinations_that_get_nothing(title: str, status: int, network: Network) -> None:
    theirs, ours = _move(network, title)
    assert theirs.statuses == (0xC000,)
    # PS3.4 table C.4-2: unknown, or unable to perform sub-operations.
    assert ours.statuses == ((0xC000 if is_subject_orthanc() else status),)


def test_warnings_of_the_destination_count_for_themselves(network: Network) -> None:
    network.destination.status = 0xB000
    try:
        theirs, ours = _move(network)
    finally:
        network.destination.status = 0x0000
    assert theirs.arrived == ours.arrived
    assert theirs.statuses[-1] == ours.statuses[-1] == 0x0000
    # completed, failed, warning: Orthanc takes a warning for a success.
    assert theirs.counters[-1][1:] == (3, 0, 0)
    assert ours.counters[-1][1:] == ((3, 0, 0) if is_subject_orthanc() else (0, 0, 3))


@pytest.mark.parametrize("refusal", [0x0122, 0xA700, 0xC000])
def test_refusals_of_the_destination_do_not_end_it(refusal: int, network: Network) -> None:
    network.destination.status = refusal
    try:
        theirs, ours = _move(network)
    finally:
        network.destination.status = 0x0000
    # Orthanc ends with the first.
    assert theirs.statuses == (0xC000,)
    assert len(theirs.arrived) == 1
    if not is_subject_orthanc():
        assert ours.statuses[-1] == 0xA702
        assert ours.counters[-1][1:] == (0, 3, 0)
        assert len(ours.arrived) == 3


def test_a_get_of_a_class_that_was_not_offered(network: Network) -> None:
    theirs, ours = (
        client.get("patient", dataset(_PLANS, "PATIENT"), [_CT]) for client in network.clients
    )
    assert theirs.counters[-1][1:] == ours.counters[-1][1:] == (0, 1, 0)
    assert theirs.statuses[-1] == 0xC000
    # PS3.4 table C.4-3: unable to perform sub-operations; Orthanc too, since 1.12.
    assert ours.statuses[-1] == (0xC000 if is_subject_orthanc() else 0xA702)


def _move(network: Network, title: str = "") -> tuple[Moved, Moved]:
    theirs, ours = (
        client.move("study", dataset(_STUDY, "STUDY"), network.destination, title)
        for client in network.clients
    )
    return theirs, ours


def _judge(row: Retrieval, theirs: Moved, ours: Moved) -> None:
    if not row.meant or is_subject_orthanc():
        assert _seen(ours) == _seen(theirs)
        return
    assert _seen(ours) != _seen(theirs), f"no difference any more: {row.meant}"
    assert ours.statuses == (row.status,), row.meant
    assert ours.arrived == [], row.meant


def _zeros(counters: tuple[int | None, ...]) -> tuple[int, ...]:
    return tuple(one or 0 for one in counters)


def _seen(moved: Moved) -> dict[str, Any]:
    """What a client can tell.

    Pending answers with nothing remaining are left out: ours and Orthanc's C-GET give one, its
    C-MOVE does not. Counters that a failure leaves out are zeros.
    """
    pending = [counters for counters in moved.counters[:-1] if counters[0]]
    return {
        "status": moved.statuses[-1],
        "pending": set(moved.statuses[:-1]) or {0xFF00},
        "counters": [*map(_zeros, pending), _zeros(moved.counters[-1])],
        "data set": moved.final,
        "arrived": moved.arrived,
    }

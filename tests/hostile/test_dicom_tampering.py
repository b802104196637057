"""Callers who claim to be others, and instances that claim to be others (hostile inputs 27, 33)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.hostile.dicom_peer import (
    ACCEPT,
    ECHO,
    FIND,
    GET,
    MOVE,
    MR,
    PUSH,
    REJECT,
    Caller,
    element,
    store_command,
)
from tests.hostile.target import Target
from tests.hostile.test_dicom_messages import forget, instance

NAME = 0x00100010


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Every door is closed but to those who are known, each at its own address."""
    target = Target(
        tmp_path_factory.mktemp("closed"),
        DicomAlwaysAllowEcho=False,
        DicomAlwaysAllowStore=False,
        DicomCheckCalledAet=True,
        DicomCheckModalityHost=True,
        DicomModalities={
            "viewer": {"AET": "VIEWER", "Host": "127.0.0.5", "Port": 104, "AllowMove": False},
            "twin": {"AET": "VIEWER", "Host": "127.0.0.6", "Port": 104, "AllowFind": False},
            "mapped": {"AET": "MAPPED", "Host": "::ffff:127.0.0.7", "Port": 104},
        },
    )
    yield target
    assert target.complaints() == []
    assert target.stop() == 0


def asked(target: Target, address: str, calling: str, called: str = "ORTHANC") -> int:
    with Caller(target.dicom_port, address) as caller:
        return caller.associate(ECHO, calling=calling, called=called)[0]


@pytest.mark.parametrize(
    ("address", "calling", "answer"),
    [
        ("127.0.0.5", "VIEWER", ACCEPT),
        ("127.0.0.5", "  viewer", ACCEPT),
        ("127.0.0.6", "VIEWER", ACCEPT),
        ("127.0.0.1", "VIEWER", REJECT),
        ("127.0.0.7", "VIEWER", REJECT),
        ("127.0.0.7", "MAPPED", ACCEPT),
        ("127.0.0.5", "MAPPED", REJECT),
        ("127.0.0.5", "VIEWER2", REJECT),
        ("127.0.0.5", "VIEWE", REJECT),
        ("127.0.0.5", "viewer", ACCEPT),
        ("127.0.0.5", "VIEW ER", REJECT),
        ("127.0.0.5", "*", REJECT),
    ],
)
def test_who_is_who(closed: Target, address: str, calling: str, answer: int) -> None:
    assert asked(closed, address, calling) == answer


def test_called_by_another_name(closed: Target) -> None:
    assert asked(closed, "127.0.0.5", "VIEWER", "OTHER") == REJECT
    assert asked(closed, "127.0.0.5", "VIEWER", "../other") == REJECT


def test_twins_have_their_own_rights(closed: Target) -> None:
    """Two entries of one title: what one may, the other may not, whoever asks."""
    rights = {}
    for address in ("127.0.0.5", "127.0.0.6"):
        with Caller(closed.dicom_port, address) as caller:
            _, body = caller.associate(FIND, MOVE, GET, PUSH, calling="VIEWER")
            rights[address] = accepted(body)
    assert rights["127.0.0.5"] == {1, 5, 7}
    assert rights["127.0.0.6"] == {3, 5, 7}


def accepted(body: bytes) -> set[int]:
    found, position = set(), 68
    while position < len(body):
        length = int.from_bytes(body[position + 2 : position + 4], "big")
        if body[position] == 0x21 and body[position + 6] == 0:
            found.add(body[position + 4])
        position += 4 + length
    return found


def store(target: Target, uid: bytes, dataset: bytes, sop_class: str = MR) -> int | None:
    with Caller(target.dicom_port) as caller:
        caller.associate(sop_class)
        caller.say(1, store_command(uid.decode(), sop_class=sop_class), dataset)
        return caller.command().status


def test_the_same_instance_of_another_patient(archive: Target) -> None:
    """Both are kept: nothing that is here is changed by what a stranger sends."""
    assert store(archive, b"1.2.3", instance(b"1.2.3", patient=b"A")) == 0
    assert store(archive, b"1.2.3", instance(b"1.2.3", patient=b"B")) == 0
    assert len(archive.client.get("/instances").json()) == 2
    assert len(archive.client.get("/patients").json()) == 2
    forget(archive)


def test_the_same_instance_with_other_values(archive: Target) -> None:
    """The first stays as it is (OverwriteInstances is off)."""
    name = element(NAME, b"First")
    assert store(archive, b"1.2.3", instance(b"1.2.3", name)) == 0
    (known,) = archive.client.get("/instances").json()
    before = archive.client.get(f"/instances/{known}/file").content
    assert store(archive, b"1.2.3", instance(b"1.2.3", element(NAME, b"Other"))) == 0
    assert archive.client.get("/instances").json() == [known]
    assert archive.client.get(f"/instances/{known}/file").content == before
    forget(archive)


def test_another_class_than_the_command_says(archive: Target) -> None:
    ct = "1.2.840.10008.5.1.4.1.1.2"
    assert store(archive, b"1.2.3", instance(b"1.2.3"), ct) == 0xA900
    assert store(archive, b"1.2.4", instance(b"1.2.3")) == 0xA900
    assert archive.client.get("/instances").json() == []


def test_a_full_archive_keeps_what_it_has(server_with_quota: Target) -> None:
    """With MaximumStorageMode Reject a flood of strangers removes nothing, and what is protected
    outlives it with Recycle, too."""
    target = server_with_quota
    assert store(target, b"1.2.1", instance(b"1.2.1", patient=b"OLD")) == 0
    (old,) = target.client.get("/patients").json()
    target.client.put(f"/patients/{old}/protected", content=b"1")
    for number in range(30):
        uid = b"1.2.9.%d" % number
        status = store(target, uid, instance(uid, patient=b"FLOOD%d" % number))
        assert status in (0, 0xA700)
    known = target.client.get("/patients").json()
    assert old in known
    assert len(known) == 3


@pytest.fixture(params=["Reject", "Recycle"])
def server_with_quota(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    target = Target(
        tmp_path_factory.mktemp("quota"),
        MaximumPatientCount=3,
        MaximumStorageMode=request.param,
    )
    yield target
    assert target.stop() == 0

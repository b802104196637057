"""The audit trail of a real server, on every door; and that the log names no patient."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from pynetdicom.sop_class import Verification
from tests.wire.dicom_peers import associate, elements, entity, run

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")


def trail(server: Any, command: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "hornburg", "trail", command, str(server.configuration), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if command == "show":
        return [json.loads(line) for line in done.stdout.splitlines()]
    return done


def lines(server: Any, action: str, **members: Any) -> list[dict[str, Any]]:
    """The lines of an action with these members, of a server that has stopped."""
    return [
        line
        for line in trail(server, "show", "--action", action, "--json")
        if all(line.get(name) == value for name, value in members.items())
    ]


@pytest.fixture
def running(server: Any) -> Any:
    return server(
        DicomModalities={"finder": ["FINDER", "127.0.0.1", 11112]},
        DicomAlwaysAllowFind=False,
        DicomCheckCalledAet=True,
        DicomAet="HERE",
    )


@contextlib.contextmanager
def asking(server: Any, model: Any, title: str, called: str = "HERE") -> Iterator[Any]:
    """An association of ``title`` for one service, released in the end."""
    caller = entity(title)
    caller.add_requested_context(model)
    association = associate(caller, server.dicom_port, called)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def store(server: Any, folder: Path, content: bytes) -> None:
    (folder / "one.dcm").write_bytes(content)
    title = ("-aet", "FINDER", "-aec", "HERE")
    sent = run("storescu", *title, "127.0.0.1", server.dicom_port, folder / "one.dcm")
    assert sent.status == 0, sent


def test_dicom_is_in_the_trail(running, tmp_path):
    store(running, tmp_path, MAKE.instance())
    query = elements(
        QueryRetrieveLevel="STUDY", PatientID="?*", PatientName="", StudyInstanceUID=""
    )
    with asking(running, Find, "FINDER") as association:
        found = [one for _, one in association.send_c_find(query, Find) if one is not None]
    study = found[0].StudyInstanceUID
    # Strangers may not, so it isn't accepted in the negotiation.
    with asking(running, Find, "STRANGER") as association:
        assert not association.is_established
    with asking(running, Get, "FINDER") as association:
        wanted = elements(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
        list(association.send_c_get(wanted, Get))
    running.stop()
    assert trail(running, "verify").returncode == 0
    (line,) = lines(running, "upload", door="dicom")
    assert (line["aet"], line["called"], line["user"]) == ("FINDER", "HERE", "finder")
    assert (line["kind"], line["address"], line["route"]) == ("aet", "127.0.0.1", "C-STORE")
    assert line["subjects"][0]["StudyInstanceUID"] == study
    (found_line,) = lines(running, "view", route="C-FIND")
    assert found_line["answers"] == 1
    assert found_line["keys"] == ["0010,0020"]
    (line,) = lines(running, "download", route="C-GET")
    assert line["subjects"][0]["StudyInstanceUID"] == study
    assert lines(running, "association", aet="FINDER")


def hornburg(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hornburg", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_tokens_of_the_command_are_in_the_trail(server):
    """Whether the server runs or not: who has a token can come in."""
    running = server(AuthenticationEnabled=True, RegisteredUsers={"alice": "a"})
    text = hornburg("token", "create", running.configuration, "--user", "alice")
    identifier = text.split("_")[1]
    assert running.client.get("/studies", headers={"Authorization": f"Bearer {text}"}).is_success
    running.stop()
    hornburg("token", "revoke", identifier, running.configuration)
    running.start()
    running.stop()
    told = lines(running, "account", door="command")
    made, revoked = sorted(told, key=lambda line: line["proof"])
    assert made["what"] == revoked["what"] == f"/account/tokens/{identifier}"
    assert (made["proof"], revoked["proof"]) == ("hornburg token create", "hornburg token revoke")
    assert made["user"] == revoked["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert text.rpartition("_")[2] not in str(told)


def test_a_rejected_association_is_in_the_trail(running):
    echo = run("echoscu", "-aec", "ELSEWHERE", "127.0.0.1", running.dicom_port)
    assert echo.status != 0
    running.stop()
    (line,) = lines(running, "association-refused")
    assert (line["called"], line["outcome"]) == ("ELSEWHERE", "refused")
    assert line["detail"]


def test_rest_and_its_express_way_are_in_the_trail(running):
    stored = running.client.post("/instances", content=MAKE.instance()).json()
    study = f"/studies/{stored['ParentStudy']}"
    for _ in range(50):
        assert running.client.get(study).status_code == 200
    assert running.client.get(f"/instances/{stored['ID']}/file").status_code == 200
    running.stop()
    views = lines(running, "view", method="GET")
    assert sum(line.get("count", 1) for line in views) == 50
    assert len(views) < 50, "equal reads share lines"
    assert all(line["subjects"][0]["ids"] == [stored["ParentStudy"]] for line in views)
    assert all(line["subjects"][0]["PatientID"] for line in views)
    assert lines(running, "download")[0]["subjects"][0]["ids"] == [stored["ID"]]
    assert lines(running, "stop")


def test_what_was_written_survives_a_kill(running):
    running.client.post("/instances", content=MAKE.instance())
    folder = running.storage / "audit-trail"
    while not any(b'"upload"' in file.read_bytes() for file in folder.glob("*.jsonl")):
        pass
    running.kill()
    (file,) = folder.glob("*.jsonl")
    with file.open("ab") as opened:  # as a kill in the middle of a write
        opened.write(b'{"seq":99,"pr')
    running.start()
    running.stop()
    verified = trail(running, "verify")
    assert verified.returncode == 0, verified.stdout
    assert "of a line that was not finished" in verified.stdout
    assert [line["action"] for line in lines(running, "start")] == ["start", "start"]


def test_files_are_for_the_server_alone_and_no_left_overs(running):
    running.client.post("/instances", content=MAKE.instance())
    running.kill()
    running.start()
    folder = running.storage / "audit-trail"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())
    assert list(folder.glob("trail-*.jsonl")), "the sweep leaves it alone"


# -- what the log and the trail must not say ------------------------------------------------------

NAME, IDENTIFIER, SECRET, HEADER = "Verraten", "GEHEIM77", "s3cr3t-word", "wr0ng-word"


def planted() -> bytes:
    """A file with a name and an identifier that must not be in a log."""
    content = MAKE.instance(patient=7)
    from io import BytesIO

    from pydicom import dcmread

    header: Dataset = dcmread(BytesIO(content))
    header.PatientName, header.PatientID = f"{NAME}^Anna", IDENTIFIER
    written = BytesIO()
    header.save_as(written)
    return written.getvalue()


@pytest.mark.parametrize("level", ["verbose", "trace"])
def test_the_log_names_no_patient_and_no_password(server, tmp_path, level):
    running = server(
        RegisteredUsers={"alice": SECRET},
        AuthenticationEnabled=True,
        DicomModalities={"finder": ["FINDER", "127.0.0.1", 11112]},
        Worklists={"Enable": True, "Directory": str(tmp_path)},
    )
    (tmp_path / f"{NAME}.wl").write_bytes(b"no DICOM at all")
    running.client.auth = ("alice", SECRET)
    for category in ("", "-dicom", "-http", "-generic", "-jobs"):
        assert running.client.put(f"/tools/log-level{category}", content=level).status_code == 200
    content = planted()
    post = running.client.post
    stored = post("/instances", content=content).json()
    # Finds, right and wrong.
    for query in (
        {"PatientName": f"{NAME}*"},
        {"PatientID": IDENTIFIER},
        {"StudyDate": NAME},
        {NAME: IDENTIFIER},
        {"PatientBirthDate": f"{NAME}-{IDENTIFIER}"},
        NAME,
    ):
        post("/tools/find", json={"Level": "Study", "Query": query})
        post("/modalities/finder/query", json={"Level": "Study", "Query": query})
        post("/modalities/finder/find", json=query)
    post("/tools/lookup", content=IDENTIFIER)
    post("/tools/find", content=f'{{"{NAME}": "{IDENTIFIER}'.encode())
    post("/tools/create-dicom", json={"PatientName": NAME, "PatientID": IDENTIFIER})
    # Uploads that are none, and files that are named after patients.
    post("/instances", content=content[:700])
    post("/instances", content=content.replace(b"1.2.840", b"x.y.zzz"))
    post("/instances", content=zipped(f"{NAME}/{IDENTIFIER}.dcm", content[:900]))
    put = running.client.put
    put(f"/studies/{stored['ParentStudy']}/metadata/1024", content=NAME.encode())
    # Who isn't let in.
    running.client.get("/studies", auth=(NAME, HEADER))
    running.client.get("/studies", headers={"Authorization": f"Bearer {HEADER}"})
    # The same over DICOM.
    for query in (
        elements(QueryRetrieveLevel="STUDY", PatientName=f"{NAME}*", PatientID=IDENTIFIER),
        elements(QueryRetrieveLevel=NAME, PatientID=IDENTIFIER),
        elements(QueryRetrieveLevel="STUDY", StudyDate=NAME, PatientID=IDENTIFIER),
    ):
        with asking(running, Find, "FINDER", "ORTHANC") as association:
            list(association.send_c_find(query, Find))
    with asking(running, Verification, "FINDER", "ORTHANC") as association:
        association.send_c_echo()
    store_anyhow(running, tmp_path, content)
    running.client.get("/worklists")
    # A job that sends to nobody.
    post("/modalities/finder/store", json={"Resources": [stored["ID"]], "Synchronous": True})
    running.stop()
    said = "\n".join(running.lines)
    assert "POST" in said or "C-FIND" in said, "the log is verbose"
    written = "".join(
        file.read_text() for file in (running.storage / "audit-trail").glob("*.jsonl")
    )
    for word in (NAME, SECRET, HEADER):
        assert word.lower() not in said.lower(), context(said, word)
        if word != NAME:
            assert word.lower() not in written.lower()
    assert IDENTIFIER not in said, context(said, IDENTIFIER)
    assert f"{NAME}^" not in written, "of tag values, the trail has identifiers alone"
    assert IDENTIFIER in written


def context(text: str, word: str) -> str:
    at = text.lower().find(word.lower())
    return text[max(0, at - 300) : at + 100]


def zipped(name: str, content: bytes) -> bytes:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def store_anyhow(server: Any, folder: Path, content: bytes) -> None:
    (folder / "one.dcm").write_bytes(content)
    run("storescu", "-aet", "FINDER", "127.0.0.1", server.dicom_port, folder / "one.dcm")

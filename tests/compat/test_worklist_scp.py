"""C-FIND on worklists: the same folder of files behind both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from tests.compat.network import Client, Finding, Plain
from tests.compat.servers import is_subject_orthanc, running
from tests.compat.tables.identifiers import dataset

_PLUGIN = Path("/usr/share/orthanc/plugins/libModalityWorklists.so")
_CHARSET = "0008,0005"


def _step(**more: str) -> list[dict[str, str]]:
    return [
        {
            "Modality": "CT",
            "ScheduledStationAETitle": "CT1",
            "ScheduledProcedureStepStartDate": "20240101",
            "ScheduledProcedureStepStartTime": "101500",
            "ScheduledProcedureStepID": "S1",
            "ScheduledPerformingPhysicianName": "DOC^A",
        }
        | more
    ]


_WORKLISTS: dict[str, dict[str, Any]] = {
    "one": {
        "PatientID": "W1",
        "PatientName": "Müller^Jürgen",
        "AccessionNumber": "A1",
        "StudyInstanceUID": "1.2.1",
        "RequestedProcedureID": "R1",
        "ScheduledProcedureStepSequence": _step(),
    },
    "two": {
        "PatientID": "w2",
        "PatientName": "DOE^JANE",
        "AccessionNumber": "A2",
        "StudyInstanceUID": "1.2.2",
        "RequestedProcedureID": "R2",
        "ScheduledProcedureStepSequence": _step(
            Modality="MR",
            ScheduledStationAETitle="MR1",
            ScheduledProcedureStepStartDate="20240202",
        ),
    },
}


def _asked(**more: str) -> list[dict[str, str]]:
    wanted = ("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate")
    return [dict.fromkeys(wanted, "") | more]


_QUERIES: tuple[dict[str, Any], ...] = (
    {"PatientID": "", "PatientName": "", "ScheduledProcedureStepSequence": _asked()},
    {"PatientID": "W1"},
    {"PatientID": "w1"},
    {"PatientID": "W*"},
    {"PatientID": "?1"},
    {"PatientID": "W1\\w2"},
    {"PatientID": "", "PatientName": "doe*"},
    {"PatientID": "", "PatientName": "müller^jürgen"},
    {"PatientID": "", "AccessionNumber": "nothing"},
    {"PatientID": "", "ScheduledProcedureStepSequence": []},
    {"PatientID": "", "ScheduledProcedureStepSequence": [{}]},
    {"PatientID": "", "ScheduledProcedureStepSequence": _asked(Modality="CT")},
    {"PatientID": "", "ScheduledProcedureStepSequence": _asked(Modality="ct")},
    {"PatientID": "", "ScheduledProcedureStepSequence": _asked(Modality="CT\\MR")},
    {"PatientID": "", "ScheduledProcedureStepSequence": _asked(ScheduledStationAETitle="MR1")},
    {
        "PatientID": "",
        "ScheduledProcedureStepSequence": _asked(
            ScheduledProcedureStepStartDate="20240101-20240131"
        ),
    },
    {
        "PatientID": "",
        "ScheduledProcedureStepSequence": _asked(ScheduledProcedureStepStartDate="20240202"),
    },
)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Client]]:
    """Both servers, with one folder of worklists."""
    if not _PLUGIN.exists():
        pytest.skip("Orthanc's plug-in for worklists is not installed")
    folder = tmp_path_factory.mktemp("worklists")
    files = folder / "files"
    files.mkdir()
    for name, content in _WORKLISTS.items():
        _write(files / f"{name}.wl", content)
    # A folder, as in Debian's configuration: what is in it concerns Orthanc alone.
    plugins = folder / "plugins"
    plugins.mkdir(mode=0o755)
    (plugins / _PLUGIN.name).symlink_to(_PLUGIN)
    options: dict[str, Any] = {
        "DicomAet": "ARCHIVE",
        "DicomModalities": {"compat": ["COMPAT", "127.0.0.1", 104]},
        "Plugins": [str(plugins)],
        "Worklists": {"Enable": True, "Database": str(files)},
    }
    with (
        running(folder / "servers", DicomServerEnabled=True, **options) as pair,
        Client(pair.orthanc.dicom_port) as first,
        Client(pair.subject.dicom_port) as second,
    ):
        yield first, second


def _write(path: Path, content: dict[str, Any]) -> None:
    data = dataset(content, charset="ISO_IR 100")
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = UID("1.2.276.0.7230010.3.1.0.1")
    data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    pydicom.dcmwrite(path, data, enforce_file_format=True)


@pytest.mark.parametrize("keys", _QUERIES, ids=str)
def test_answers(keys: dict[str, Any], clients: tuple[Client, Client]) -> None:
    theirs, ours = (client.find("worklist", dataset(keys)) for client in clients)
    assert _seen(ours) == _seen(theirs)


def test_an_answer_is_in_the_character_set_of_its_query(clients: tuple[Client, Client]) -> None:
    asked = {"PatientID": "", "PatientName": "Müller*"}
    theirs, ours = (
        client.find("worklist", dataset(asked, charset="ISO_IR 192")) for client in clients
    )
    # Orthanc answers in DefaultEncoding.
    assert [one[_CHARSET][1] for one in theirs.answers] == ["ISO_IR 100"]
    expected = "ISO_IR 100" if is_subject_orthanc() else "ISO_IR 192"
    assert [one[_CHARSET][1] for one in ours.answers] == [expected]
    assert _without(ours.answers[0], _CHARSET) == _without(theirs.answers[0], _CHARSET)


def test_keys_without_a_value_come_back(clients: tuple[Client, Client]) -> None:
    asked = {"PatientID": "W1", "PatientComments": "", "ReferencedStudySequence": []}
    theirs, ours = (client.find("worklist", dataset(asked)) for client in clients)
    empty = {} if is_subject_orthanc() else {"0008,1110": ("SQ", []), "0010,4000": ("LT", "")}
    # Orthanc leaves them out (PS3.4 C.2.2.1.3).
    assert ours.answers == [theirs.answers[0] | empty]


def _seen(finding: Finding) -> tuple[set[int], list[str]]:
    return set(finding.statuses), sorted(repr(sorted(one.items())) for one in finding.answers)


def _without(answer: Plain, tag: str) -> Plain:
    return {key: value for key, value in answer.items() if key != tag}

"""What the audit trail is told of HTTP requests."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from tests.security.trails import lines_of_archive

from hornburg.security.trail.chain import TrailError

STUDY = "1.2.3"


def a_file() -> bytes:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = CTImageStorage
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    header.StudyInstanceUID, header.SeriesInstanceUID = STUDY, "1.2.3.4"
    header.PatientID, header.PatientName = "ID-7", "Secret^Name"
    content = BytesIO()
    dcmwrite(content, header, enforce_file_format=True)
    return content.getvalue()


async def told(served, action: str) -> list[dict]:
    """The lines of an action."""
    return [line for line in await lines_of_archive(served.archive) if line["action"] == action]


async def test_an_upload_names_its_instance_and_whose_it_is(served):
    (stored,) = await served.upload(a_file())
    (line,) = await told(served, "upload")
    assert line["outcome"] == "success"
    assert (line["door"], line["method"], line["route"]) == ("rest", "POST", "/instances")
    assert line["address"] == "127.0.0.1"
    assert line["status"] == 200
    assert line["subjects"] == [
        {
            "level": "instance",
            "PatientID": "ID-7",
            "StudyInstanceUID": STUDY,
            "patient": stored["ParentPatient"],
            "study": stored["ParentStudy"],
            "ids": [stored["ID"]],
        }
    ]


@pytest.mark.parametrize("compressed", [True, False])
async def test_an_upload_of_what_is_there_names_it(serve, compressed):
    served = await serve(StorageCompression=compressed)
    await served.upload(a_file())
    response = await served.client.post("/instances", content=a_file())
    assert response.json()["Status"] == "AlreadyStored"
    first, second = await told(served, "upload")
    assert first["subjects"] == second["subjects"]


async def test_a_read_names_whose_it_is(served):
    (stored,) = await served.upload(a_file())
    await served.client.get(f"/studies/{stored['ParentStudy']}/statistics?x=Secret")
    (line,) = await told(served, "view")
    assert line["route"] == "/studies/{public_id}/statistics"
    assert "Secret" not in str(line)
    assert line["subjects"] == [
        {
            "level": "study",
            "PatientID": "ID-7",
            "StudyInstanceUID": STUDY,
            "patient": stored["ParentPatient"],
            "ids": [stored["ParentStudy"]],
        }
    ]


async def test_a_head_is_told_as_what_it_is(served):
    (stored,) = await served.upload(a_file())
    await served.client.head(f"/studies/{stored['ParentStudy']}/statistics")
    (line,) = await told(served, "view")
    assert (line["method"], line["route"]) == ("HEAD", "/studies/{public_id}/statistics")
    assert line["subjects"][0]["StudyInstanceUID"] == STUDY


async def test_a_deletion_still_tells_whose_it_was(served):
    (stored,) = await served.upload(a_file())
    response = await served.client.request("DELETE", f"/studies/{stored['ParentStudy']}")
    assert response.status_code == 200
    (line,) = await told(served, "delete")
    (subject,) = line["subjects"]
    assert (subject["level"], subject["PatientID"]) == ("study", "ID-7")
    assert subject["StudyInstanceUID"] == STUDY


async def test_ids_in_bodies_are_named(served):
    (stored,) = await served.upload(a_file())
    ids = [stored["ID"], stored["ParentStudy"]]
    await served.client.post("/tools/bulk-content", json={"Resources": ids})
    await served.client.post("/tools/bulk-delete", json={"Resources": [stored["ID"]]})
    (line,) = await told(served, "view")
    assert sorted(name for one in line["subjects"] for name in one["ids"]) == sorted(ids)
    (line,) = await told(served, "delete")
    assert line["subjects"][0]["ids"] == [stored["ID"]]
    assert line["subjects"][0]["PatientID"] == "ID-7"


async def test_a_find_tells_its_keys_and_how_many_it_answered(served):
    await served.upload(a_file())
    await served.client.post(
        "/tools/find", json={"Level": "Study", "Query": {"PatientName": "Secret*", "StudyDate": ""}}
    )
    (line,) = await told(served, "view")
    assert line["answers"] == 1
    assert set(line["keys"]) == {"PatientName", "StudyDate"}
    assert "Secret" not in str(line)


async def test_a_change_of_settings_tells_what_and_not_to_what(served):
    await served.client.put("/modalities/pacs", json=["PACS", "secret-host", 104])
    (line,) = await told(served, "settings")
    assert line["what"] == "/modalities/pacs"
    assert "secret-host" not in str(line)


async def test_tokens_and_the_end_of_sessions_are_told(serve):
    """Who makes a token can come in for years."""
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "right"})
    alice = ("alice", "right")
    made = (await served.client.post("/account/tokens", json={"Name": "n"}, auth=alice)).json()
    await served.client.get("/account/tokens", auth=alice)
    header = {"Authorization": f"Bearer {made['Token']}"}
    await served.client.post("/account/tokens", json={}, headers=header)
    await served.client.delete(f"/account/tokens/{made['ID']}", auth=alice)
    await served.client.delete("/account/sessions", auth=alice)
    lines = await told(served, "account")
    assert [(each["method"], each["what"], each["outcome"]) for each in lines] == [
        ("POST", f"/account/tokens/{made['ID']}", "success"),
        ("POST", "/account/tokens", "refused"),
        ("DELETE", f"/account/tokens/{made['ID']}", "success"),
        ("DELETE", "/account/sessions", "success"),
    ]
    assert [each["user"] for each in lines] == ["alice"] * 4
    assert made["Token"].rpartition("_")[2] not in str(lines)


async def test_what_is_done_to_jobs_is_told(served):
    """Their routes are for everybody, who sees his own alone."""
    for method, path in (
        ("GET", "/jobs"),
        ("GET", "/jobs/none"),
        ("POST", "/jobs/none/cancel"),
        ("GET", "/jobs/none/archive"),
        ("DELETE", "/jobs/none"),
    ):
        await served.client.request(method, path)
    lines = await told(served, "jobs")
    assert [(each["method"], each["what"]) for each in lines] == [
        ("POST", "/jobs/none/cancel"),
        ("GET", "/jobs/none/archive"),
        ("DELETE", "/jobs/none"),
    ]


async def test_what_failed_is_told_as_such(served):
    await served.client.get("/studies/66c8e41e-ac3a9029-0b85e42a-8195ee0a-92c2e62e")
    (line,) = await told(served, "view")
    assert (line["outcome"], line["status"]) == ("failed", 404)


async def test_wrong_passwords_are_told_and_who_is_right(serve):
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "right"})
    await served.client.get("/studies")
    await served.client.get("/studies", auth=("alice", "wrong"))
    await served.client.get("/studies", auth=("alice", "right"))
    (line,) = await told(served, "login-failed")
    assert (line["outcome"], line["status"], line["what"]) == ("refused", 401, "alice")
    assert "wrong" not in str(line)
    assert "user" not in line  # nobody has shown to be that
    (line,) = await told(served, "view")
    assert (line["user"], line["kind"]) == ("alice", "password")


async def test_a_password_in_the_place_of_a_name_is_told_to_nobody(serve):
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "right"})
    await served.client.get("/studies", auth=("right", ""))
    (line,) = await told(served, "login-failed")
    assert "right" not in str(line)


async def test_a_flood_of_refused_requests_fills_no_disk(serve):
    """Nobody has to be known to make them, and each would be a line of 300 bytes."""
    served = await serve(AuthenticationEnabled=True, RegisteredUsers={"alice": "right"})
    for number in range(300):
        await served.client.get(f"/{number}", headers={"Authorization": f"Bearer {number}"})
        await served.client.post(f"/{number}", headers={"Sec-Fetch-Site": "cross-site"})
    failed, foreign = await told(served, "login-failed"), await told(served, "request")
    for found in (failed, foreign):
        assert len(found) < 100
        assert sum(line.get("count", 1) for line in found) == 300


async def test_pages_of_other_sites_are_told(served):
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    await served.client.post("/tools/reset", headers=headers)
    (line,) = await told(served, "request")
    assert (line["outcome"], line["status"]) == ("refused", 403)


@pytest.mark.parametrize("required", [True, False])
async def test_no_patient_data_while_a_required_trail_cant_be_written(serve, required):
    served = await serve(AuditTrail={"Required": required})
    await served.upload(a_file())
    trail = served.archive.trail
    really, trail._writer.write = trail._writer.write, lambda _: (0, TrailError("full"))
    await trail.flush(everything=True)
    refused = 503 if required else 200
    assert (await served.client.get("/studies")).status_code == refused
    assert (await served.client.post("/instances", content=a_file())).status_code == refused
    assert (await served.client.get("/tools/log-level")).status_code == 200
    trail._writer.write = really
    await trail.flush(everything=True)
    assert (await served.client.get("/studies")).status_code == 200


async def test_the_trail_is_read_over_rest(served):
    (stored,) = await served.upload(a_file())
    await served.client.get(f"/studies/{stored['ParentStudy']}/series")
    response = await served.client.get("/tools/audit-trail", params={"patient": "ID-7"})
    assert [line["action"] for line in response.json()] == ["upload", "view"]
    response = await served.client.get(
        "/tools/audit-trail", params={"study": STUDY, "action": "view", "limit": 1}
    )
    (line,) = response.json()
    assert line["subjects"][0]["StudyInstanceUID"] == STUDY
    (line,) = [one for one in await told(served, "audit") if "subjects" not in one][:1]
    assert line["route"] == "/tools/audit-trail"


@pytest.mark.parametrize(
    "arguments", [{"since": "yesterday"}, {"limit": "0"}, {"limit": "10001"}, {"what": "x"}]
)
async def test_arguments_that_make_no_sense_are_refused(served, arguments):
    response = await served.client.get("/tools/audit-trail", params=arguments)
    assert response.status_code == 400


async def test_without_a_trail_there_is_none_to_read(serve):
    served = await serve(AuditTrail={"Enabled": False})
    await served.upload(a_file())
    assert (await served.client.get("/tools/audit-trail")).status_code == 404
    assert not (served.archive.settings.storage_directory / "audit-trail").exists()

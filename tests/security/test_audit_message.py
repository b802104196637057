"""Events as DICOM audit messages: the schema, the codes, and what must not be said."""

from __future__ import annotations

import base64
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.security.audit_schema import check

from hornburg.security.audit_message import Source, messages_of
from hornburg.security.principals import Kind, Permission, Principal
from hornburg.security.trail import Event, Identity, Outcome, Subject
from hornburg.security.trail.grouping import single

ALICE = Principal("alice", Kind.PASSWORD, "10.0.0.1")
WHOSE = Identity("p" * 44, "s" * 44, "ID-1", "1.2.3")
SOURCE = Source("HORNBURG", "our archive")


def messages(event: Event, known=None) -> list[Element]:
    made = [fromstring(one) for one in messages_of(SOURCE, single([(1e9, event)]), known or {})]
    for one in made:
        check(one)
    return made


def about(level: int = 3, identity: Identity | None = WHOSE) -> tuple[Subject, ...]:
    return (Subject(level, "66c8e41e-ac3a9029-0b85e42a-8195ee0a-92c2e62e", identity),)


def code_of(message: Element, name: str = "EventID") -> str | None:
    found = message.find(f"EventIdentification/{name}")
    return None if found is None else found.get("csd-code")


@pytest.mark.parametrize(
    ("event", "code", "kind", "action"),
    [
        (Event(action="start"), "110100", "110120", "E"),
        (Event(action="stop"), "110100", "110121", "E"),
        (Event(action="audit", method="GET"), "110101", None, "R"),
        (Event(action="view", subjects=about()), "110103", None, "R"),
        (Event(action="edit", method="PUT", subjects=about()), "110103", None, "U"),
        (Event(action="edit", method="PUT", subjects=about(0)), "110110", None, "U"),
        (Event(action="upload", door="dicom", subjects=about()), "110104", None, "C"),
        (Event(action="upload", door="rest", subjects=about()), "110104", None, "C"),
        (Event(action="upload", door="command", subjects=about()), "110107", None, "C"),
        (Event(action="download", subjects=about()), "110104", None, "R"),
        (Event(action="download", route="/studies/{id}/archive", subjects=about(1)), "110106", None, "R"),
        (Event(action="send", what="/modalities/pacs/store", subjects=about()), "110106", None, "R"),
        (Event(action="delete", subjects=about(1)), "110105", None, "D"),
        (Event(action="delete", subjects=about(3)), "110103", None, "D"),
        (Event(action="view", keys=("PatientName",), answers=1), "110112", None, "E"),
        (Event(action="query-remote", what="/modalities/pacs/query"), "110112", None, "E"),
        (Event(action="worklists", door="dicom"), "110112", None, "E"),
        (Event(action="worklists", method="POST"), "110109", None, "C"),
        (Event(action="login"), "110114", "110122", "E"),
        (Event(action="login-failed", outcome=Outcome.REFUSED), "110114", "110122", "E"),
        (Event(action="logout"), "110114", "110123", "E"),
        (Event(action="association-refused", outcome=Outcome.REFUSED, called="US"), "110113", "110126", "E"),
        (Event(action="view", outcome=Outcome.REFUSED, route="/studies"), "110113", "110132", "E"),
        (Event(action="settings", method="PUT", what="/modalities/pacs"), "110113", "110128", "E"),
        (Event(action="settings", method="PUT", what="/tools/log-level"), "110113", "110131", "E"),
        (Event(action="account", method="POST", what="/account/tokens/1"), "110113", "110137", "E"),
    ],
)  # fmt: skip
def test_what_happened_has_its_code(event, code, kind, action):
    (message,) = messages(event)
    assert code_of(message) == code
    assert code_of(message, "EventTypeCode") == kind
    assert message.find("EventIdentification").get("EventActionCode") == action


def test_who_is_told_with_address_and_title():
    event = Event(
        action="upload", who=ALICE, door="dicom", aet="CT1", called="US", subjects=about()
    )
    (message,) = messages(event)
    theirs, ours = message.findall("ActiveParticipant")
    assert theirs.attrib == {
        "UserID": "alice",
        "AlternativeUserID": "AETITLES=CT1",
        "UserIsRequestor": "true",
        "NetworkAccessPointID": "10.0.0.1",
        "NetworkAccessPointTypeCode": "2",
    }
    assert theirs.find("RoleIDCode").get("csd-code") == "110153"
    assert ours.get("UserID") == "US"
    assert ours.find("RoleIDCode").get("csd-code") == "110152"
    assert message.find("AuditSourceIdentification").get("AuditSourceID") == "our archive"


def test_patient_and_study_are_told():
    (message,) = messages(Event(action="view", subjects=about()))
    study, patient = message.findall("ParticipantObjectIdentification")
    assert (study.get("ParticipantObjectID"), patient.get("ParticipantObjectID")) == (
        "1.2.3",
        "ID-1",
    )
    assert study.find("ParticipantObjectIDTypeCode").get("csd-code") == "110180"
    assert study.find("SOPClass").get("NumberOfInstances") == "1"
    assert patient.get("ParticipantObjectTypeCode") == "1"


def test_a_message_is_about_one_patient():
    other = Identity("q" * 44, "t" * 44, "ID-2", "1.2.4")
    subjects = (Subject(3, "a", WHOSE), Subject(3, "b", WHOSE), Subject(3, "c", other))
    found = messages(Event(action="view", subjects=subjects))
    assert len(found) == 2
    counts = [one.find(".//SOPClass").get("NumberOfInstances") for one in found]
    assert counts == ["2", "1"]


def test_whose_it_is_may_be_known_by_others():
    subject = about(identity=None)
    (message,) = messages(
        Event(action="view", subjects=subject), {(3, subject[0].public_id): WHOSE}
    )
    assert message.find(".//SOPClass") is not None


def test_a_query_tells_names_alone():
    (message,) = messages(Event(action="view", keys=("PatientName", "StudyDate"), answers=2))
    query = message.find(".//ParticipantObjectQuery").text
    assert base64.b64decode(query) == b"PatientName\\StudyDate"


def test_how_it_ended_is_told():
    (message,) = messages(
        Event(action="view", outcome=Outcome.FAILED, status=404, subjects=about())
    )
    found = message.find("EventIdentification")
    assert found.get("EventOutcomeIndicator") == "8"
    assert found.find("EventOutcomeDescription").text == "failed 404"


@given(
    st.sampled_from([*(one.value for one in Permission), "login-failed", "association-refused"]),
    st.sampled_from(list(Outcome)),
    st.text(max_size=30),
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 3), st.none() | st.text(max_size=10)), max_size=4),
)
def test_whatever_happens_is_valid(action, outcome, name, text, subjects):
    event = Event(
        action=action,
        outcome=outcome,
        who=Principal(name, Kind.AET, "10.0.0.1"),
        aet=text,
        what="/x" + text,
        detail=text,
        keys=(text,),
        subjects=tuple(
            Subject(level, str(number), None if uid is None else Identity("p", "s", uid, uid))
            for number, (level, uid) in enumerate(subjects)
        ),
    )
    messages(event)

"""Who may do what over DICOM."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.security.dicom_rules import Act, Caller, DicomRules, Why
from hornburg.settings import Modality, Settings

CLOSED = {
    f"dicom_always_allow_{name}": False
    for name in ("echo", "store", "find", "find_worklist", "get", "move")
}
FLAGS = {
    Act.ECHO: "allow_echo",
    Act.STORE: "allow_store",
    Act.FIND: "allow_find",
    Act.FIND_WORKLIST: "allow_find_worklist",
    Act.MOVE: "allow_move",
    Act.GET: "allow_get",
    Act.STORAGE_COMMITMENT: "allow_n_action",
    Act.EVENT_REPORT: "allow_n_event_report",
}
ALL = set(Act)


def modality(aet="SCANNER", host="192.0.2.1", **more):
    return Modality(aet=aet, host=host, port=104, **more)


def rules(known=None, **options):
    return DicomRules(Settings(**options), lambda: known or {})


def caller(aet="SCANNER", address="192.0.2.1", called="ORTHANC"):
    return Caller(aet, called, address)


def allowed(made, who):
    return {act for act in Act if made.may(who, act).allowed}


def test_out_of_the_box_strangers_echo_and_store_and_nothing_else():
    made = rules()
    assert made.admit(caller()) is None
    assert allowed(made, caller()) == {Act.ECHO, Act.STORE}
    assert made.may(caller(), Act.FIND).modality is None
    assert "DicomModalities" in made.may(caller(), Act.FIND).reason


def test_out_of_the_box_a_known_modality_may_everything():
    made = rules({"ct": modality()})
    assert allowed(made, caller()) == ALL
    assert made.may(caller(), Act.FIND).modality == "ct"
    assert made.may(caller(), Act.ECHO).modality == "ct"


@pytest.mark.parametrize("name", CLOSED)
def test_each_door_opens_for_its_own_act_alone(name):
    made = rules(**{**CLOSED, name: True})
    act = Act[name.removeprefix("dicom_always_allow_").upper()]
    assert made.admit(caller()) is None
    assert allowed(made, caller()) == {act}


def test_with_all_doors_closed_a_stranger_is_rejected():
    made = rules({"ct": modality()}, **CLOSED)
    rejection = made.admit(caller("STRANGER"))
    assert (rejection.result, rejection.source, rejection.reason) == (1, 1, 3)
    assert made.admit(caller()) is None
    assert allowed(made, caller("STRANGER")) == set()
    assert allowed(made, caller()) == ALL


@pytest.mark.parametrize("act", Act)
def test_each_flag_of_a_modality_closes_its_own_act_alone(act):
    made = rules({"ct": modality(**{FLAGS[act]: False})}, **CLOSED)
    assert allowed(made, caller()) == ALL - {act}
    assert made.may(caller(), act).modality == "ct"
    assert '"ct"' in made.may(caller(), act).reason


@pytest.mark.parametrize("act", [Act.ECHO, Act.STORE, Act.FIND, Act.GET])
def test_an_open_door_is_open_to_a_modality_whose_flag_says_no(act):
    # As Orthanc: the flag counts only while the door is closed.
    door = f"dicom_always_allow_{act.name.lower()}"
    known = {"ct": modality(**{FLAGS[act]: False})}
    assert rules(known, **{**CLOSED, door: True}).may(caller(), act).allowed
    assert not rules(known, **CLOSED).may(caller(), act).allowed


def test_storage_commitment_is_for_known_modalities_only():
    made = rules(**dict.fromkeys(CLOSED, True))
    assert allowed(made, caller()) == ALL - {Act.STORAGE_COMMITMENT, Act.EVENT_REPORT}


def test_titles_compare_without_case_and_blanks_unless_strict():
    known = {"ct": modality("Scanner ")}
    assert rules(known).may(caller(" sCANNER"), Act.FIND).allowed
    strict = rules(known, strict_aet_comparison=True)
    assert not strict.may(caller("SCANNER"), Act.FIND).allowed
    assert strict.may(caller(" Scanner "), Act.FIND).allowed


@pytest.mark.parametrize(
    ("called", "options", "accepted"),
    [
        ("OTHER", {}, True),
        ("OTHER", {"dicom_check_called_aet": True}, False),
        ("orthanc", {"dicom_check_called_aet": True}, True),
        (" ORTHANC ", {"dicom_check_called_aet": True}, True),
        ("orthanc", {"dicom_check_called_aet": True, "strict_aet_comparison": True}, False),
        ("ORTHANC", {"dicom_check_called_aet": True, "strict_aet_comparison": True}, True),
    ],
)
def test_called_title(called, options, accepted):
    rejection = rules(**options).admit(caller(called=called))
    assert (rejection is None) is accepted
    if rejection is not None:
        assert (rejection.result, rejection.source, rejection.reason) == (1, 1, 7)
        assert "DicomCheckCalledAet" in rejection.sentence


@pytest.mark.parametrize("bad", ["", "   ", "A" * 17, "CAF\xc9", "A\x07B", "A\nB", "A\\B", "A\0B"])
def test_titles_that_are_none_are_rejected(bad):
    made = rules({"x": modality()})
    assert made.admit(caller(aet=bad)).reason is Why.CALLING_TITLE
    assert made.admit(caller(called=bad)).reason is Why.CALLED_TITLE
    # The sentence goes to the log, the title does not.
    assert made.admit(caller(aet=bad)).sentence.isprintable()


# ---- addresses ----


def test_addresses_count_only_when_they_are_checked():
    known = {"ct": modality()}
    elsewhere = caller(address="192.0.2.9")
    assert allowed(rules(known), elsewhere) == ALL
    checked = rules(known, dicom_check_modality_host=True)
    assert allowed(checked, elsewhere) == {Act.ECHO, Act.STORE}
    assert allowed(checked, caller()) == ALL
    assert "DicomCheckModalityHost" in checked.may(elsewhere, Act.FIND).reason
    assert checked.may(elsewhere, Act.FIND).modality is None
    closed = rules(known, dicom_check_modality_host=True, **CLOSED)
    assert closed.admit(caller()) is None
    rejection = closed.admit(elsewhere)
    assert (rejection.result, rejection.source, rejection.reason) == (1, 1, 3)


def test_entries_that_share_a_title_open_no_hole():
    # In Orthanc two entries with one title that both allow an act let it in from any address.
    known = {"a": modality(host="192.0.2.1"), "b": modality(host="192.0.2.2")}
    made = rules(known, dicom_check_modality_host=True, **CLOSED)
    assert made.admit(caller(address="192.0.2.3")) is not None
    for act in Act:
        assert not made.may(caller(address="192.0.2.3"), act).allowed
        assert made.may(caller(address="192.0.2.2"), act).modality == "b"


def test_each_entry_gives_its_rights_to_its_own_address():
    known = {
        "reader": modality(host="192.0.2.1", allow_store=False),
        "writer": modality(host="192.0.2.2", allow_find=False),
    }
    made = rules(known, dicom_check_modality_host=True, **CLOSED)
    assert allowed(made, caller(address="192.0.2.1")) == ALL - {Act.STORE}
    assert allowed(made, caller(address="192.0.2.2")) == ALL - {Act.FIND}


def test_without_the_check_any_entry_with_the_title_allows_and_the_name_follows_the_address():
    known = {
        "a": modality(host="192.0.2.1", allow_find=False),
        "b": modality(host="192.0.2.2"),
    }
    made = rules(known, **CLOSED)
    assert made.may(caller(address="192.0.2.9"), Act.FIND).modality == "b"
    assert made.may(caller(address="192.0.2.9"), Act.ECHO).modality == "a"
    assert made.may(caller(address="192.0.2.2"), Act.ECHO).modality == "b"


@pytest.mark.parametrize(
    ("host", "seen", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::FFFF:c000:201", "192.0.2.1", True),
        ("2001:db8:0:0::1", "2001:DB8::1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("fe80::1", "fe80::1%eth0", True),
        ("fe80::1%eth1", "fe80::1%eth0", False),
        ("0.0.0.1", "::1", False),
        ("localhost", "127.0.0.1", False),
        ("192.0.2.1", "", False),
        ("192.0.2.1", "192.0.2.1.example", False),
    ],
)
def test_addresses_compare_as_numbers(host, seen, same):
    made = rules({"ct": modality(host=host)}, dicom_check_modality_host=True, **CLOSED)
    assert made.may(caller(address=seen), Act.FIND).allowed is same


def test_a_change_of_the_modalities_holds_at_once():
    known = {"ct": modality()}
    current = [known]
    made = DicomRules(Settings(**CLOSED), lambda: current[0])
    assert made.admit(caller()) is None
    current[0] = {}
    assert made.admit(caller()) is not None
    assert not made.may(caller(), Act.ECHO).allowed


# ---- transcoding ----


def test_transcoding():
    one = modality(allow_transcoding=False)
    made = rules({"ct": one})
    assert not made.may_transcode(one)
    assert not made.may_transcode(caller())
    assert made.may_transcode(caller("STRANGER"))
    assert made.may_transcode(modality())
    never = rules(transcode_dicom_protocol=False)
    assert not never.may_transcode(modality())
    assert not never.may_transcode(caller())


# ---- what holds for everything ----

ADDRESSES = ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::1"]
MODALITIES = st.lists(
    st.builds(
        lambda aet, host, flags: modality(
            aet, host, **dict(zip(FLAGS.values(), flags, strict=True))
        ),
        st.sampled_from(["SCANNER", "scanner", "OTHER"]),
        st.sampled_from(ADDRESSES),
        st.tuples(*[st.booleans()] * len(FLAGS)),
    ),
    max_size=4,
)


@given(MODALITIES, st.sampled_from(ADDRESSES), st.tuples(*[st.booleans()] * 6))
def test_nothing_is_allowed_without_an_open_door_or_an_entry_that_says_so(known, address, doors):
    options = dict(zip(CLOSED, doors, strict=True))
    entries = {str(place): one for place, one in enumerate(known)}
    made = rules(entries, dicom_check_modality_host=True, **options)
    who = caller(address=address)
    plain = address.removeprefix("::ffff:")
    mine = [
        one
        for one in known
        if one.aet.upper() == "SCANNER" and one.host.removeprefix("::ffff:") == plain
    ]
    for act in Act:
        door = options.get(f"dicom_always_allow_{act.name.lower()}", False)
        expected = door or any(getattr(one, FLAGS[act]) for one in mine)
        assert made.may(who, act).allowed == expected
    assert (made.admit(who) is None) == (any(doors) or bool(mine))


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_judged(aet, called, address):
    made = rules({"ct": modality()}, dicom_check_modality_host=True, dicom_check_called_aet=True)
    who = Caller(aet, called, address)
    assert made.admit(who) is None or made.admit(who).sentence
    for act in Act:
        assert made.may(who, act).reason

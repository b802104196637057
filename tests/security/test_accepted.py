"""What C-STORE accepts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.dicom.sop_classes import (
    STORAGE_CLASSES,
    TRANSFER_SYNTAXES,
    is_known_class,
    is_uid,
    name_of_uid,
)
from hornburg.errors import ParameterOutOfRangeError
from hornburg.security.accepted import Accepted
from hornburg.security.wildcards import matches
from hornburg.settings import Settings

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
PRIVATE = "1.2.826.0.1.3680043.9.1"
VERIFICATION = "1.2.840.10008.1.1"
PREFIX = "1.2.840.10008.1.2"

# The list of Orthanc 1.10.1, out of the box.
OF_ORTHANC = [
    PREFIX + end
    for end in (
        "",
        ".1",
        ".1.99",
        ".2",
        *(f".4.{number}" for number in range(50, 67)),
        ".4.70",
        ".4.80",
        ".4.81",
        *(f".4.{number}" for number in range(90, 96)),
        *(f".4.{number}" for number in range(100, 109)),
        ".5",
        ".6.1",
        ".6.2",
    )
]

# What each option of Orthanc 1.10.1 adds to an empty list.
GROUPS = {
    "deflated": [".1.99"],
    "jpeg": [*(f".4.{number}" for number in range(50, 67)), ".4.70"],
    "jpeg2000": [".4.90", ".4.91", ".4.92", ".4.93"],
    "jpeg_lossless": [".4.80", ".4.81"],
    "jpip": [".4.94", ".4.95"],
    "mpeg2": [".4.100", ".4.101"],
    "mpeg4": [".4.102", ".4.103", ".4.104", ".4.105", ".4.106"],
    "rle": [".5"],
    "h265": [".4.107", ".4.108"],
}


def accepted(**options):
    return Accepted(Settings(**options))


# ---- transfer syntaxes ----


def test_out_of_the_box_everything_that_orthanc_takes_and_what_came_since():
    made = accepted()
    assert set(OF_ORTHANC) <= set(made.syntaxes())
    assert set(made.syntaxes()) == set(TRANSFER_SYNTAXES)
    assert all(made.syntax(uid) for uid in OF_ORTHANC)
    assert [uid for uid in made.syntaxes() if uid in OF_ORTHANC] == OF_ORTHANC
    assert not made.syntax("1.2.3")
    assert not made.syntax("")
    assert not made.syntax(CT)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_overrides_the_list(group):
    option = f"{group}_transfer_syntax_accepted"
    members = [PREFIX + end for end in GROUPS[group]]
    alone = accepted(accepted_transfer_syntaxes=(), **{option: True})
    assert [uid for uid in alone.syntaxes() if uid in OF_ORTHANC] == members
    # What came since belongs to one of them: 4.102.1 goes with 4.102.
    assert all(uid in members or uid.removesuffix(".1") in members for uid in alone.syntaxes())
    without = accepted(**{option: False})
    assert [uid for uid in OF_ORTHANC if not without.syntax(uid)] == members


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], []),
        ([PREFIX], [PREFIX]),
        (
            [PREFIX + ".4.9?", PREFIX + ".5"],
            [*(PREFIX + f".4.9{n}" for n in range(6)), PREFIX + ".5"],
        ),
        ([PREFIX + ".4.10?"], [PREFIX + f".4.10{n}" for n in range(9)]),
    ],
)
def test_patterns_at_run_time_as_orthanc_answers_them(patterns, expected):
    made = accepted()
    made.set_syntaxes(patterns)
    assert list(made.syntaxes()) == expected
    assert all(made.syntax(uid) for uid in expected)


def test_everything_by_a_star():
    made = accepted(accepted_transfer_syntaxes=())
    made.set_syntaxes(["*"])
    assert made.syntaxes() == TRANSFER_SYNTAXES


@pytest.mark.parametrize("patterns", [["1"] * 1001, ["1" * 65]])
def test_more_patterns_than_anybody_needs(patterns):
    made = accepted()
    with pytest.raises(ParameterOutOfRangeError):
        made.set_syntaxes(patterns)
    assert made.syntaxes() == TRANSFER_SYNTAXES


@pytest.mark.parametrize("patterns", [["jpeg"], ["1.2.3"], [""], [PREFIX, "1.2.3"]])
def test_at_run_time_a_pattern_that_matches_nothing_changes_nothing(patterns):
    # Else one slip of the pen has every C-STORE refused from then on.
    made = accepted()
    with pytest.raises(ParameterOutOfRangeError, match=re.escape(ascii(patterns[-1]))):
        made.set_syntaxes(patterns)
    assert made.syntaxes() == TRANSFER_SYNTAXES


def test_a_pattern_that_matches_nothing_is_named(caplog):
    accepted(accepted_transfer_syntaxes=("1.2.840.10008.1.2.4.7",))
    assert "1.2.840.10008.1.2.4.7" in caplog.text


# ---- SOP classes ----


def test_out_of_the_box_all_storage_classes_of_the_standard():
    made = accepted()
    assert made.storage_classes() == STORAGE_CLASSES
    assert made.storage_class(CT)
    for uid in (VERIFICATION, PRIVATE, PREFIX, "", "x", "1..2", CT + " "):
        assert not made.storage_class(uid)


def test_unknown_classes():
    made = accepted(unknown_sop_class_accepted=True)
    assert made.storage_class(PRIVATE)
    # Known, and nothing that can be stored; and no UID at all.
    for uid in (VERIFICATION, "1.2.840.10008.1.3.10", "", "x", "1.02", "1" * 65):
        assert not made.storage_class(uid)
    made.unknown_classes = False
    assert not made.storage_class(PRIVATE)
    made.unknown_classes = True
    assert made.unknown_classes
    assert made.storage_class(PRIVATE)


def test_a_list_of_classes_and_of_exceptions():
    made = accepted(accepted_sop_classes=(CT, PRIVATE), rejected_sop_classes=None)
    assert made.storage_classes() == (PRIVATE, CT)
    assert not made.storage_class(MR)
    without = accepted(rejected_sop_classes=(CT,), unknown_sop_class_accepted=True)
    assert not without.storage_class(CT)
    assert without.storage_class(MR)
    both = accepted(accepted_sop_classes=(CT, MR), rejected_sop_classes=(MR,))
    assert both.storage_classes() == (CT,)
    unknown = accepted(rejected_sop_classes=(PRIVATE,), unknown_sop_class_accepted=True)
    assert not unknown.storage_class(PRIVATE)
    assert accepted(accepted_sop_classes=()).storage_classes() == ()
    star = accepted(accepted_sop_classes=("1.2.840.10008.*",))
    assert star.storage_classes() == STORAGE_CLASSES
    assert not star.storage_class(VERIFICATION)


def test_made_up_classes_take_no_memory():
    made = accepted(unknown_sop_class_accepted=True)
    for number in range(10_000):
        assert made.storage_class(f"1.2.3.{number}")
    assert len(made._remembered) <= 4096


# ---- the lists of the standard ----


def test_storage_classes():
    named = {name_of_uid(uid) for uid in STORAGE_CLASSES}
    assert {
        "CT Image Storage",
        "Hanging Protocol Storage",
        "Encapsulated PDF Storage",
        "Raw Data Storage",
    } <= named
    assert any("Retired" in name or "Trial" in name for name in named)
    assert "1.2.840.10008.5.1.4.1.1.3" in STORAGE_CLASSES  # ultrasound of 1993, retired
    assert not [name for name in named if "Commitment" in name or "Directory" in name]
    assert len(STORAGE_CLASSES) > 190
    assert all(map(is_known_class, STORAGE_CLASSES))
    assert not is_known_class(PREFIX)
    assert name_of_uid(PRIVATE) == ""


@pytest.mark.parametrize("good", ["1.2", "0.1", "2.25.0", "1." + "2" * 62])
def test_uids(good):
    assert is_uid(good)


@pytest.mark.parametrize(
    "bad", ["", ".", "1.", ".1", "1..2", "1.02", "1.2\0", "1.٢", "1." + "2" * 63]
)
def test_no_uids(bad):
    assert not is_uid(bad)


# ---- patterns ----


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_patterns_match_as_a_regular_expression_does(pattern, text):
    expression = "".join({"*": ".*", "?": "."}.get(c, c) for c in pattern)
    assert matches(pattern, text) == (re.fullmatch(expression, text) is not None)


def test_a_pattern_of_many_stars_ends():
    assert not matches("*1" * 30 + "x", "1" * 64)

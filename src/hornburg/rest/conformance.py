"""The DICOM conformance statement (PS3.2), as a text that is made of what is accepted now."""

from __future__ import annotations

from collections.abc import Iterable

from hornburg.dicom.sop_classes import name_of_uid
from hornburg.dimse import uids
from hornburg.security.accepted import Accepted

__all__ = ["statement"]

_QUERIES = (uids.PATIENT_ROOT_FIND, uids.STUDY_ROOT_FIND, uids.MODALITY_WORKLIST_FIND)
_MOVES = (uids.PATIENT_ROOT_MOVE, uids.STUDY_ROOT_MOVE)
_GETS = (uids.PATIENT_ROOT_GET, uids.STUDY_ROOT_GET)

_STORED = 'All storage SOP classes of the section "C-STORE as SCP".'
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("C-ECHO as SCP", (uids.VERIFICATION,)),
    ("C-FIND as SCP", _QUERIES),
    ("C-MOVE as SCP", _MOVES),
    ("C-GET as SCP", _GETS),
    ("Storage commitment as SCP", (uids.STORAGE_COMMITMENT_PUSH,)),
    ("C-ECHO as SCU", (uids.VERIFICATION,)),
    ("C-FIND as SCU", _QUERIES),
    ("C-MOVE as SCU", _MOVES),
    ("C-GET as SCU", _GETS),
    ("Storage commitment as SCU", (uids.STORAGE_COMMITMENT_PUSH,)),
)


def statement(accepted: Accepted) -> str:
    """The whole text."""
    parts = ["DICOM Conformance Statement of Hornburg", "=" * 39, ""]
    parts += _section("C-STORE as SCP", accepted.storage_classes())
    parts += _section("Transfer syntaxes of C-STORE as SCP", accepted.syntaxes())
    for title, classes in _SECTIONS:
        parts += _section(title, classes)
    parts += [*_heading("C-STORE as SCU"), _STORED, ""]
    return "\n".join(parts)


def _heading(title: str) -> list[str]:
    return [title, "-" * len(title), ""]


def _section(title: str, classes: Iterable[str]) -> list[str]:
    rows = [(name_of_uid(uid), uid) for uid in classes]
    width = max((len(name) for name, _ in rows), default=0)
    return [*_heading(title), *(f"  {name:<{width}} | {uid}" for name, uid in rows), ""]

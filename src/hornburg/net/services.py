"""Which service an abstract syntax belongs to."""

from __future__ import annotations

from hornburg.dimse import uids
from hornburg.security.dicom_rules import Act

__all__ = ["act_of"]

_ACTS: dict[str, Act] = {
    uids.VERIFICATION: Act.ECHO,
    uids.PATIENT_ROOT_FIND: Act.FIND,
    uids.STUDY_ROOT_FIND: Act.FIND,
    uids.PATIENT_STUDY_ONLY_FIND: Act.FIND,
    uids.MODALITY_WORKLIST_FIND: Act.FIND_WORKLIST,
    uids.PATIENT_ROOT_MOVE: Act.MOVE,
    uids.STUDY_ROOT_MOVE: Act.MOVE,
    uids.PATIENT_STUDY_ONLY_MOVE: Act.MOVE,
    uids.PATIENT_ROOT_GET: Act.GET,
    uids.STUDY_ROOT_GET: Act.GET,
    uids.PATIENT_STUDY_ONLY_GET: Act.GET,
    uids.STORAGE_COMMITMENT_PUSH: Act.STORAGE_COMMITMENT,
}


def act_of(abstract_syntax: str) -> Act | None:
    """What is asked on a presentation context of this abstract syntax; none for storage."""
    return _ACTS.get(abstract_syntax)

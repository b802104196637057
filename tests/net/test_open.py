"""What is said when the other side does not offer a service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hornburg.archive.remote import FindNotOfferedError, NotOfferedError
from hornburg.dimse import uids
from hornburg.net.open import context_for

TARGET = cast(Any, SimpleNamespace(name="pacs", modality=SimpleNamespace(aet="PACS")))
NOTHING = cast(Any, SimpleNamespace(contexts={}))


@pytest.mark.parametrize(
    ("uid", "kind", "number"),
    [
        (uids.VERIFICATION, NotOfferedError, 2015),
        (uids.STORAGE_COMMITMENT_PUSH, NotOfferedError, 2015),
        (uids.STUDY_ROOT_FIND, FindNotOfferedError, 2016),
        (uids.MODALITY_WORKLIST_FIND, FindNotOfferedError, 2016),
    ],
)
def test_it_has_orthancs_number(uid: str, kind: type[NotOfferedError], number: int) -> None:
    with pytest.raises(kind, match="pacs") as refused:
        context_for(NOTHING, TARGET, uid)
    assert refused.value.outside.orthanc == number

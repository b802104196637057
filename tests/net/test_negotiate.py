"""Which transfer syntax of a presentation context is taken."""

from __future__ import annotations

import pytest

from hornburg.net.negotiate import answer_to
from hornburg.security.accepted import Accepted
from hornburg.security.dicom_rules import Caller, DicomRules
from hornburg.settings import Settings
from hornburg.ul.events import AssociateRequest, PresentationContext

CT, ECHO = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1"
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"
LOSSLESS, RLE, FOREIGN = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5", "1.2.3"


def taken(offered: tuple[str, ...], sop_class: str = CT) -> tuple[int, str]:
    settings = Settings()
    request = AssociateRequest("ORTHANC", "CT1", (PresentationContext(1, sop_class, offered),))
    rules = DicomRules(settings, dict)
    caller = Caller("CT1", "ORTHANC", "127.0.0.1")
    accept, _ = answer_to(request, caller, rules, Accepted(settings), 16384)
    (result,) = accept.contexts
    return result.result, result.transfer_syntax


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((IMPLICIT, EXPLICIT), EXPLICIT),
        ((BIG, IMPLICIT), IMPLICIT),
        # Who can send pixels as they are is not asked to compress them, lossy ones above all.
        ((JPEG, EXPLICIT), EXPLICIT),
        ((JPEG, BIG), BIG),
        ((DEFLATED, EXPLICIT), EXPLICIT),
        ((JPEG, LOSSLESS, RLE, DEFLATED), DEFLATED),
        # Of compressed ones that which comes first.
        ((LOSSLESS, JPEG), LOSSLESS),
        ((FOREIGN, RLE), RLE),
    ],
)
def test_of_several_the_one_that_changes_least(offered: tuple[str, ...], chosen: str) -> None:
    assert taken(offered) == (0, chosen)


def test_none_that_is_known() -> None:
    assert taken((FOREIGN,))[0] == 4
    assert taken((JPEG,), ECHO)[0] == 4
    assert taken((JPEG, IMPLICIT), ECHO) == (0, IMPLICIT)

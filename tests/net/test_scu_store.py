"""What is proposed to a modality that is to get instances."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hornburg.archive.remote import RemoteError, Target
from hornburg.dicom.errors import DicomFormatError
from hornburg.dicom.transcode import TranscodingError
from hornburg.net.open import MOST_CONTEXTS
from hornburg.net.scu_store import open_sender, wanted
from hornburg.settings import Modality, Settings
from hornburg.ul.negotiation import AcceptedContext

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT, IMPLICIT, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"


def test_the_preferred_syntax_has_a_context_of_its_own() -> None:
    # With a choice in one context, it is the other side that says what it prefers.
    assert wanted([(CT, RLE)], EXPLICIT) == [
        (CT, (EXPLICIT, IMPLICIT)),
        (CT, (RLE,)),
        (CT, (EXPLICIT,)),
    ]


def test_no_context_is_proposed_twice() -> None:
    offers = [(CT, EXPLICIT), (MR, IMPLICIT)]
    assert wanted(offers, EXPLICIT) == [
        (CT, (EXPLICIT, IMPLICIT)),
        (MR, (EXPLICIT, IMPLICIT)),
        (CT, (EXPLICIT,)),
        (MR, (IMPLICIT,)),
        (MR, (EXPLICIT,)),
    ]


def test_there_are_never_too_many() -> None:
    offers = [(f"1.2.{number}", RLE) for number in range(100)]
    proposed = wanted(offers, EXPLICIT)
    assert len(proposed) == MOST_CONTEXTS
    assert {sop_class for sop_class, _ in proposed} == {sop_class for sop_class, _ in offers}


@pytest.mark.parametrize(
    ("transfer_syntax", "reason"),
    [
        (RLE, TranscodingError("A frame is too large")),
        (RLE, DicomFormatError("The data set ends early", 5)),
        ("1.2.3", None),
    ],
)
async def test_what_cannot_be_transcoded_is_a_failure_of_that_instance(
    monkeypatch: pytest.MonkeyPatch, transfer_syntax: str, reason: Exception | None
) -> None:
    association = SimpleNamespace(
        contexts={1: AcceptedContext(1, CT, EXPLICIT, True, False)}, why=""
    )

    @asynccontextmanager
    async def associate(*_: Any) -> AsyncIterator[Any]:
        yield association

    async def transcode(*_: Any) -> bytes:
        assert reason is not None
        raise reason

    monkeypatch.setattr("hornburg.net.scu_store.associate", associate)
    archive = cast(
        Any, SimpleNamespace(settings=Settings(), transcoder=SimpleNamespace(transcode=transcode))
    )
    target = Target("ct", Modality(aet="CT1", host="127.0.0.1", port=104), "ME", 2)
    async with open_sender(archive, target, [(CT, transfer_syntax)]) as sender:
        with pytest.raises(RemoteError) as refused:
            await sender.store(b"", CT, "1.2.3.4", transfer_syntax)
        assert sender.alive
    line = str(refused.value)
    assert line.startswith("ct (CT1 at 127.0.0.1:104): instance 1.2.3.4 can't be sent: ")
    assert line.endswith(str(reason or ""))

"""What is said when the other side is not there, does not offer a service, or refuses."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hornburg.archive.remote import FindNotOfferedError, NotOfferedError, RemoteError, Target
from hornburg.dimse import uids
from hornburg.dimse.commands import Command, CommandField
from hornburg.net.answers import check
from hornburg.net.open import associate, context_for, contexts_of
from hornburg.settings import Modality, Settings

TARGET = Target("pacs", Modality(aet="PACS", host="127.0.0.1", port=104), "ME", 2)
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


@pytest.mark.parametrize(
    ("name", "host", "shown"),
    [
        ("pacs", "127.0.0.1", "pacs (PACS at 127.0.0.1:104)"),
        ("pacs", "::1", "pacs (PACS at [::1]:104)"),
        ("", "pacs.example", "PACS at pacs.example:104"),
    ],
)
def test_who_was_called_is_told_with_title_and_address(name: str, host: str, shown: str) -> None:
    assert Target(name, Modality(aet="PACS", host=host, port=104), "ME", 2).described == shown


async def test_whose_port_is_closed() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        target = Target("pacs", Modality(aet="PACS", host="127.0.0.1", port=port), "ME", 2)
        with pytest.raises(RemoteError) as refused:
            async with associate(
                Settings(), target, contexts_of([(uids.VERIFICATION, ("1.2.840.10008.1.2",))])
            ):
                pass
    assert str(refused.value) == f"pacs (PACS at 127.0.0.1:{port}): Connection refused"


@pytest.mark.parametrize(
    ("field", "status", "words"),
    [
        (CommandField.C_ECHO_RSP, 0x0122, "C-ECHO failed: 0x0122: SOP class not supported"),
        (CommandField.C_FIND_RSP, 0xA700, "C-FIND failed: 0xA700: Out of resources"),
        (CommandField.N_ACTION_RSP, 0x0124, "N-ACTION failed: 0x0124: Not authorized"),
        (CommandField.N_EVENT_REPORT_RSP, 0x0110, "N-EVENT-REPORT failed: 0x0110: Processing"),
        (CommandField.N_ACTION_RSP, None, "N-ACTION failed: 0xC000: Failure"),
    ],
)
def test_a_failure_is_told_with_the_operation_and_its_status(
    field: CommandField, status: int | None, words: str
) -> None:
    with pytest.raises(RemoteError) as refused:
        check(TARGET, Command(field=field, status=status, error_comment="no room"))
    line = str(refused.value)
    assert line.startswith(f"pacs (PACS at 127.0.0.1:104): {words}")
    assert line.endswith(" (no room)")
    assert refused.value.dimse_status == (0xC000 if status is None else status)


def test_the_comment_of_a_failure_stays_on_its_line() -> None:
    answer = Command(field=CommandField.C_FIND_RSP, status=0xA700, error_comment="a\nb")
    with pytest.raises(RemoteError, match=r"\(a\\nb\)$"):
        check(TARGET, answer)


def test_a_warning_is_no_failure() -> None:
    check(TARGET, Command(field=CommandField.N_ACTION_RSP, status=0xB000))

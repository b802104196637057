"""C-FIND as a service: responses, statuses, cancelling. The network is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.archive.making import dicom, holding

from hornburg.archive.parts import Archive
from hornburg.archive.query import IdentifierError
from hornburg.archive.worklists import Worklists
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value, decode, encode
from hornburg.dicom.errors import DicomFormatError
from hornburg.dimse import uids
from hornburg.dimse.commands import Command, CommandField
from hornburg.net.scp.find import serve_find
from hornburg.net.scp.request import Request
from hornburg.net.scp.worklist import serve_worklist
from hornburg.security.dicom_rules import Caller
from hornburg.security.principals import Permission
from hornburg.settings import WorklistSettings

IMPLICIT = "1.2.840.10008.1.2"
STUDY = {0x00080052: Value("CS", "STUDY"), 0x0020000D: Value("UI")}


@dataclass
class Asked:
    """A request whose answers are kept, and that is cancelled after some of them."""

    archive: Archive
    raw: bytes
    syntax: str = IMPLICIT
    model: str = uids.STUDY_ROOT_FIND
    cancel_after: int = 1_000_000
    worklists: Worklists | None = None
    heard: bool = False
    sends_cancel: bool = False
    answers: list[tuple[int, bytes | None]] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        return Caller("FINDSCU", "ORTHANC", "127.0.0.1")

    @property
    def parts(self) -> Any:
        return SimpleNamespace(archive=self.archive, worklists=self.worklists)

    def seen(self, permission: Permission) -> Any:
        return self.archive

    def needs(self, permission: Permission) -> None:
        """Everything is granted."""

    @property
    def context(self) -> Any:
        return SimpleNamespace(
            abstract_syntax=self.model, transfer_syntax=self.syntax, context_id=1
        )

    @property
    def cancelled(self) -> bool:
        return len(self.answers) >= self.cancel_after or self.heard

    def hear(self) -> None:
        self.heard = True

    def note(self, identifier: object) -> None:
        """The log is not verbose."""

    async def identifier(self, read: Callable[[DataSet], Any]) -> Any:
        """As a request does it."""
        return await Request.identifier(cast("Any", self), read)

    async def dataset(self, limit: int = 0) -> bytes:
        return self.raw

    async def answer(self, status: int, dataset: bytes | None = None, **_fields: Any) -> None:
        self.answers.append((status, dataset))
        if self.sends_cancel and len(self.answers) == 1:
            # What the other side sends is read when the loop has its turn.
            asyncio.get_running_loop().call_soon(self.hear)

    async def answer_each(self, status: int, datasets: Sequence[bytes]) -> int:
        """As a request does it."""
        return await Request.answer_each(cast("Any", self), status, datasets)

    @property
    def command(self) -> Command:
        return Command(CommandField.C_FIND_RQ, 1)

    @property
    def association(self) -> Any:
        return self

    async def send_each(self, _context: int, command: Command, datasets: Sequence[bytes]) -> None:
        assert command.has_dataset
        for dataset in datasets:
            await self.answer(command.status or 0, dataset)


async def ask(archive: Archive, keys: Elements, **options: Any) -> list[tuple[int, bytes | None]]:
    syntax = options.get("syntax", IMPLICIT)
    request = Asked(archive, encode(keys, transfer_syntax=syntax), **options)
    await serve_find(cast("Any", request))
    return request.answers


FILES = tuple(dicom(number) for number in range(1, 6))


@pytest.mark.parametrize("syntax", [IMPLICIT, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
async def test_one_pending_response_for_each_match(tmp_path: Path, syntax: str) -> None:
    async with holding(tmp_path, FILES) as archive:
        answers = await ask(archive, STUDY, syntax=syntax)
    assert [status for status, _ in answers] == [0xFF00] * 5 + [0x0000]
    found = [decode(raw, syntax).text(0x0020000D) or "" for _, raw in answers if raw is not None]
    assert sorted(found) == [f"1.2.{number}" for number in range(1, 6)]
    assert answers[-1][1] is None


async def test_no_match_is_success_alone(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES) as archive:
        answers = await ask(archive, {**STUDY, 0x0020000D: Value("UI", "9")})
    assert answers == [(0x0000, None)]


async def test_a_cancel_is_heard_between_two_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hornburg.net.scp.request._IN_A_ROW", 1)
    async with holding(tmp_path, FILES) as archive:
        answers = await ask(archive, STUDY, cancel_after=2)
    assert [status for status, _ in answers] == [0xFF00, 0xFF00, 0xFE00]


async def test_a_cancel_is_heard_while_answers_go_out_at_once(tmp_path: Path) -> None:
    files = [dicom(number) for number in range(1, 41)]
    async with holding(tmp_path, files) as archive:
        answers = await ask(archive, STUDY, sends_cancel=True)
        assert answers[-1][0] == 0xFE00
        assert len(answers) < 30
        made = worklists(tmp_path, 40)
        answers = await ask_worklists(archive, made, sends_cancel=True)
        assert answers[-1][0] == 0xFE00
        assert len(answers) < 30


async def test_large_answers_are_few_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hornburg.net.scp.request._BYTES_IN_A_ROW", 1)
    async with holding(tmp_path, FILES) as archive:
        answers = await ask(archive, STUDY, cancel_after=3)
    assert [status for status, _ in answers] == [0xFF00] * 3 + [0xFE00]


async def test_a_limit_shows_in_the_final_status(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES, limit_find_results=3) as archive:
        answers = await ask(archive, STUDY)
    assert [status for status, _ in answers] == [0xFF00] * 3 + [0xFE00]


async def test_keys_that_are_not_supported_show_in_the_pending_status(tmp_path: Path) -> None:
    async with holding(tmp_path, FILES) as archive:
        answers = await ask(archive, {**STUDY, 0x00282000: Value("OB", b"\1\2")})
    assert [status for status, _ in answers] == [0xFF01] * 5 + [0x0000]


async def test_a_model_without_series_knows_none(tmp_path: Path) -> None:
    keys = {**STUDY, 0x00080052: Value("CS", "SERIES")}
    async with holding(tmp_path, FILES) as archive:
        with pytest.raises(IdentifierError):
            await ask(archive, keys, model=uids.PATIENT_STUDY_ONLY_FIND)


@pytest.mark.parametrize("raw", [b"\x08\0\x52\0\xff\xff\xff\x7fSTUDY", b"\x08\0"])
async def test_bytes_that_are_no_identifier(tmp_path: Path, raw: bytes) -> None:
    async with holding(tmp_path, ()) as archive:
        with pytest.raises(DicomFormatError) as refused:
            await serve_find(cast("Any", Asked(archive, raw)))
    assert refused.value.outside.dimse == 0xC000


# -- worklists --------------------------------------------------------------------------------


def worklists(folder: Path, count: int, **options: Any) -> Worklists:
    made = Worklists(WorklistSettings(True, folder / "wl", **options), folder / "own")
    for number in range(count):
        made.create({0x00100020: Value("LO", f"W{number}")})
    return made


async def ask_worklists(
    archive: Archive, made: Worklists | None, **options: Any
) -> list[tuple[int, bytes | None]]:
    keys = {0x00100020: Value("LO"), 0x00400100: Value("SQ", ())}
    request = Asked(archive, encode(keys), worklists=made, **options)
    await serve_worklist(cast("Any", request))
    return request.answers


async def test_worklists_come_one_by_one(tmp_path: Path) -> None:
    async with holding(tmp_path / "archive", ()) as archive:
        answers = await ask_worklists(archive, worklists(tmp_path, 60))
    assert [status for status, _ in answers] == [0xFF00] * 60 + [0x0000]
    found = {decode(raw).text(0x00100020) for _, raw in answers if raw is not None}
    assert found == {f"W{number}" for number in range(60)}


async def test_worklists_may_be_limited_and_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hornburg.net.scp.request._IN_A_ROW", 1)
    async with holding(tmp_path / "archive", ()) as archive:
        limited = worklists(tmp_path, 4, limit=3)
        for after, count in ((1000, 3), (1, 1)):
            answers = await ask_worklists(archive, limited, cancel_after=after)
            assert [status for status, _ in answers] == [0xFF00] * count + [0xFE00]
        exact = worklists(tmp_path, 0, limit=4)
        assert (await ask_worklists(archive, exact))[-1] == (0x0000, None)


async def test_without_worklists_the_answer_is_that_there_is_none(tmp_path: Path) -> None:
    async with holding(tmp_path / "archive", ()) as archive:
        assert await ask_worklists(archive, None) == [(0x0000, None)]

"""The audit trail: lines that are chained and sealed, and what verifying finds."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.security.principals import Kind, Principal
from hornburg.security.trail import NO_TRAIL, Event, Identity, Outcome, Subject, Trail
from hornburg.security.trail import anchor as anchors
from hornburg.security.trail import writer as writers
from hornburg.security.trail.chain import TrailError, parse
from hornburg.security.trail.files import files_of
from hornburg.security.trail.reading import Wanted, lines_of, newest_of
from hornburg.security.trail.trail import TrailBrokenError
from hornburg.security.trail.verify import verify
from hornburg.security.trail.writer import Writer

ALICE = Principal("alice", Kind.PASSWORD, "10.0.0.1")
STUDY = "66c8e41e-ac3a9029-0b85e42a-8195ee0a-92c2e62e"
OTHER = "11111111-ac3a9029-0b85e42a-8195ee0a-92c2e62e"


def writer(folder: Path, most: int = 1 << 20, days: int = 0) -> Writer:
    return Writer(folder, folder / "trail.key", most, days)


def written(folder: Path, count: int = 10, most: int = 1 << 20) -> list[Path]:
    """A trail with some lines; answers its files."""
    trail = writer(folder, most)
    trail.open()
    for number in range(count):
        done, error = trail.write([{"time": "2026-01-01T00:00:00.000000Z", "n": number}])
        assert (done, error) == (1, None)
    trail.close()
    return [file for _, file in files_of(folder)]


def words(folder: Path) -> list[str]:
    return [str(one) for one in verify(folder, folder / "trail.key").findings]


def lines(folder: Path) -> list[dict]:
    return list(lines_of(folder, Wanted()))


def test_what_was_written_is_whole(tmp_path):
    (file,) = written(tmp_path)
    verdict = verify(tmp_path, tmp_path / "trail.key")
    assert verdict.is_whole
    assert (verdict.lines, verdict.files, verdict.last.seq) == (11, 1, 11)
    assert [line["seq"] for line in lines(tmp_path)] == list(range(1, 12))
    assert lines(tmp_path)[0]["action"] == "trail-file"
    assert file.name == "trail-000000000001.jsonl"


def test_it_goes_on_where_it_ended(tmp_path):
    written(tmp_path, 3)
    written(tmp_path, 3)
    assert verify(tmp_path, tmp_path / "trail.key").lines == 7
    assert not words(tmp_path)


def test_files_are_for_their_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        written(tmp_path / "new")
    finally:
        os.umask(before)
    folder = tmp_path / "new"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        if file.name != "trail.lock":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_files_rotate_and_name_the_file_before(tmp_path):
    files = written(tmp_path, 40, most=2000)
    assert len(files) > 3
    assert not words(tmp_path)
    first = json.loads(files[1].read_text().splitlines()[0])
    last = files[0].read_bytes().splitlines()[-1]
    import hashlib

    assert first["before"] == files[0].name
    assert first["last"] == first["prev"] == hashlib.sha256(last).hexdigest()


def edit(file: Path, change) -> None:
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(change(content)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda rows: [*rows[:4], rows[4].replace(b'"n":3', b'"n":9'), *rows[5:]],
            ":5: line 5 was changed",
        ),
        (lambda rows: [*rows[:4], *rows[5:]], ":5: lines 5 to 5 are missing"),
        (lambda rows: rows[:8], "lines 9 to 11 are missing: they were cut off"),
        (lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]], ":6: line 5 comes after line 6"),
        (lambda rows: [*rows[:5], rows[4], *rows[5:]], ":6: line 5 comes after line 5"),
        (lambda rows: rows[1:], ":1: this is not the first line of the file"),
        (lambda rows: [*rows[:4], b"{}\n", *rows[5:]], ":5: this is no line of the trail"),
        (lambda rows: [*rows[:-1], rows[-1][:40]], "lines 11 to 11 are missing"),
        (lambda rows: [], "the trail: lines 1 to 11 are missing"),
    ],
    ids=["changed", "missing", "cut", "reordered", "twice", "first", "foreign", "half", "emptied"],
)
def test_what_was_done_to_a_file_is_found(tmp_path, change, expected):
    (file,) = written(tmp_path)
    edit(file, change)
    assert any(expected in each for each in words(tmp_path)), words(tmp_path)


def test_lines_of_a_copy_of_the_server_are_found(tmp_path):
    """Sealed with the same key, numbered alike, and of another history: a machine was set back to
    a snapshot, and somebody mixes what both have written."""
    ours, copy = tmp_path / "ours", tmp_path / "copy"
    written(ours, 3)
    shutil.copytree(ours, copy)
    (ours_file,) = written(ours, 4)
    trail = writer(copy)
    trail.open()
    for number in range(4):
        trail.write([{"time": "2026-01-02T00:00:00.000000Z", "n": 100 + number}])
    trail.close()
    ((_, copy_file),) = files_of(copy)
    foreign = copy_file.read_bytes().splitlines(keepends=True)
    assert not words(copy)
    edit(ours_file, lambda rows: [*rows[:5], foreign[5], *rows[6:]])
    assert any(":6: the line before line 6 was changed" in each for each in words(ours))


def test_a_chain_made_anew_without_the_key_is_found(tmp_path):
    """Who can write the files but not read the key hashes them all again in vain."""
    from hornburg.security.trail.chain import START, make_line

    (file,) = written(tmp_path)
    last, forged = START, []
    for row in file.read_bytes().splitlines():
        members = json.loads(row)
        for name in ("seq", "prev", "seal"):
            members.pop(name)
        if members.get("n") == 3:
            continue
        line, last = make_line(b"guess" * 7, last, members)
        forged.append(line + b"\n")
    file.write_bytes(b"".join(forged))
    assert len(words(tmp_path)) >= 10
    assert "seal is wrong" in words(tmp_path)[0]


def test_a_missing_file_is_found(tmp_path):
    files = written(tmp_path, 40, most=2000)
    files[1].unlink()
    assert any("are missing" in each and files[2].name in each for each in words(tmp_path))


def test_missing_first_files_are_found(tmp_path):
    files = written(tmp_path, 40, most=2000)
    files[0].unlink()
    assert any("and their files are missing" in each for each in words(tmp_path))


def test_a_missing_last_file_is_found(tmp_path):
    files = written(tmp_path, 40, most=2000)
    files[-1].unlink()
    assert any("cut off" in each for each in words(tmp_path))


def test_a_missing_or_forged_anchor_is_found(tmp_path):
    written(tmp_path)
    anchor = tmp_path / "trail.anchor"
    content = json.loads(anchor.read_text())
    anchor.write_text(json.dumps({**content, "seq": 5}))
    assert "another key" in words(tmp_path)[0]
    anchor.unlink()
    assert "missing" in words(tmp_path)[0]


def test_without_its_key_nothing_can_be_said(tmp_path):
    written(tmp_path)
    (tmp_path / "trail.key").unlink()
    with pytest.raises(TrailError, match=r"key .* is missing"):
        verify(tmp_path, tmp_path / "trail.key")
    with pytest.raises(TrailError, match="no audit trail"):
        verify(tmp_path / "nowhere", tmp_path / "nowhere" / "trail.key")


# -- what a start finds ---------------------------------------------------------------------------


def test_a_half_line_after_a_crash_is_cut_off_and_told(tmp_path):
    (file,) = written(tmp_path)
    with file.open("ab") as opened:
        opened.write(b'{"seq":12,"prev":"')
    assert verify(tmp_path, tmp_path / "trail.key").is_whole
    trail = writer(tmp_path)
    assert "18 bytes of a line" in trail.open()[0]
    trail.close()
    assert not words(tmp_path)
    assert lines(tmp_path)[-1]["action"] == "trail-repaired"


def test_a_file_that_was_begun_and_no_more_is_begun_again(tmp_path):
    files = written(tmp_path, 40, most=2000)
    last = verify(tmp_path, tmp_path / "trail.key").last.seq
    (tmp_path / f"trail-{last + 1:012d}.jsonl").touch(0o600)
    written(tmp_path, 10, most=2000)
    assert not words(tmp_path)
    assert len(files_of(tmp_path)) > len(files)


def test_a_cut_tail_is_told_for_ever(tmp_path):
    (file,) = written(tmp_path)
    edit(file, lambda rows: rows[:8])
    trail = writer(tmp_path)
    assert trail.open() == ["lines 9 to 11 are missing"]
    trail.close()
    written(tmp_path, 3)
    found = words(tmp_path)
    assert any("lines 9 to 11 are missing" in each for each in found)
    assert any("found at a start of the server" in each for each in found)


def test_a_tail_that_went_with_the_power_is_no_crime(tmp_path, monkeypatch):
    trail = writer(tmp_path)
    trail.open()
    trail.write([{"n": 1}])
    trail.flush(now=True)
    trail.write([{"n": 2}])
    # As a power cut: nothing more reaches the disk, and the machine starts again.
    trail._durable = 3
    monkeypatch.setattr(trail, "flush", lambda **_: False)
    trail.close()
    (file,) = [file for _, file in files_of(tmp_path)]
    edit(file, lambda rows: rows[:2])
    assert any("cut off" in each for each in words(tmp_path))
    monkeypatch.setattr(anchors, "boot", lambda: "another")
    assert not words(tmp_path)
    again = writer(tmp_path)
    assert "had not reached the disk when the power was cut" in again.open()[0]
    again.close()
    assert not words(tmp_path)


def test_what_had_reached_the_disk_is_not_excused_by_a_boot(tmp_path, monkeypatch):
    (file,) = written(tmp_path)
    edit(file, lambda rows: rows[:8])
    monkeypatch.setattr(anchors, "boot", lambda: "another")
    assert any("cut off" in each for each in words(tmp_path))


def test_a_key_that_is_gone_is_told(tmp_path):
    written(tmp_path)
    (tmp_path / "trail.key").unlink()
    trail = writer(tmp_path)
    assert "a new one was made" in trail.open()[0]
    trail.close()
    assert any("seal is wrong" in each for each in words(tmp_path))


def test_all_files_gone_is_told(tmp_path):
    (file,) = written(tmp_path)
    file.unlink()
    trail = writer(tmp_path)
    assert trail.open() == ["lines 1 to 11 are missing"]
    trail.close()
    assert any("and their files are missing" in each for each in words(tmp_path))


def test_one_process_writes(tmp_path):
    trail = writer(tmp_path)
    trail.open()
    with pytest.raises(TrailError, match="another Hornburg"):
        writer(tmp_path).open()
    trail.write([{"n": 1}])
    assert not words(tmp_path), "verifying works meanwhile"
    trail.close()


def test_a_key_elsewhere_takes_the_anchor_with_it(tmp_path):
    trail = Writer(tmp_path / "trail", tmp_path / "safe" / "our.key", 1 << 20)
    trail.open()
    trail.write([{"n": 1}])
    trail.close()
    assert {file.name for file in (tmp_path / "safe").iterdir()} == {"our.key", "our.anchor"}
    assert verify(tmp_path / "trail", tmp_path / "safe" / "our.key").is_whole


# -- retention and a full disk --------------------------------------------------------------------


def test_old_files_go_and_the_chain_says_so(tmp_path, monkeypatch):
    now = 1_800_000_000.0
    monkeypatch.setattr(writers, "time", lambda: now)
    for _ in range(6):
        trail = writer(tmp_path, days=3)
        trail.open()
        trail.write([{"n": 1}])
        trail.close()
        now += 86_400
    names = [file.name for _, file in files_of(tmp_path)]
    assert names[0] != "trail-000000000001.jsonl"
    assert not words(tmp_path)
    assert any(line.get("action") == "trail-retention" for line in lines(tmp_path))
    files_of(tmp_path)[0][1].unlink()
    assert any("and their files are missing" in each for each in words(tmp_path))


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    trail = writer(tmp_path)
    trail.open()
    trail.write([{"n": 1}])
    really = os.write
    room = 100

    def little(descriptor: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device")
        part = bytes(data)[:room]
        room -= len(part)
        return really(descriptor, part)

    monkeypatch.setattr(writers.os, "write", little)
    done, error = trail.write([{"n": 2}, {"n": 3}])
    assert done == 0
    assert "No space left" in str(error)
    monkeypatch.setattr(writers.os, "write", really)
    assert trail.write([{"n": 2}, {"n": 3}]) == (2, None)
    trail.close()
    assert not words(tmp_path)
    assert [line.get("n") for line in lines(tmp_path)] == [None, 1, 2, 3]


def test_lines_before_a_folder_that_cant_be_read_are_not_written_twice(tmp_path, monkeypatch):
    trail = writer(tmp_path, most=600)
    trail.open()
    really = writers.files_of

    def unreadable(folder: Path) -> list[tuple[int, Path]]:
        if trail.last.seq > 1:
            raise TrailError("The audit trail can't be read")
        return really(folder)

    monkeypatch.setattr(writers, "files_of", unreadable)
    numbers = [{"n": number} for number in range(10)]
    done, error = trail.write(numbers)
    assert 0 < done < 10
    assert "can't be read" in str(error)
    monkeypatch.setattr(writers, "files_of", really)
    assert trail.write(numbers[done:]) == (10 - done, None)
    trail.close()
    assert not words(tmp_path)
    assert [line["n"] for line in lines(tmp_path) if "n" in line] == list(range(10))


# -- events ---------------------------------------------------------------------------------------


def run(folder: Path, *events: Event, reads=(), resolve=None) -> list[dict]:
    async def main() -> None:
        trail = Trail(writer(folder), flush=30)
        await trail.open(resolve)
        for event in events:
            trail.note(event)
        for who, url in reads:
            trail.read(who, url)
        await trail.close()

    asyncio.run(main())
    assert not words(folder)
    return lines(folder)[1:]


def test_equal_reads_share_a_line_that_counts_them(tmp_path):
    event = Event(action="view", who=ALICE, door="rest", method="GET", route="/studies/{id}")
    one = msgspec.structs.replace(event, subjects=(Subject(1, STUDY),))
    (line,) = run(tmp_path, one, one, one)
    assert line["count"] == 3
    assert line["user"] == "alice"
    assert line["kind"] == "password"
    assert line["address"] == "10.0.0.1"
    assert line["subjects"] == [{"level": "study", "ids": [STUDY]}]


def test_changes_have_a_line_each(tmp_path):
    event = Event(action="delete", who=ALICE, door="rest", subjects=(Subject(1, STUDY),))
    assert len(run(tmp_path, event, event)) == 2


def test_a_refusal_and_a_success_are_two_lines(tmp_path):
    found = run(
        tmp_path,
        Event(action="view", who=ALICE, door="rest"),
        Event(action="view", who=ALICE, door="rest", outcome=Outcome.REFUSED, status=403),
    )
    assert [line["outcome"] for line in found] == ["success", "refused"]


def test_quick_reads_are_grouped_by_what_was_asked(tmp_path):
    urls = [
        f"/studies/{STUDY}",
        f"/studies/{STUDY}",
        f"/studies/{OTHER}",
        f"/instances/{STUDY}/file",
    ]
    found = run(tmp_path, reads=[(ALICE, url.encode()) for url in urls])
    by_action = {line["action"]: line for line in found}
    assert by_action["view"]["count"] == 3
    assert by_action["view"]["route"] == "/studies/{id}"
    assert by_action["view"]["subjects"] == [{"level": "study", "ids": [STUDY, OTHER]}]
    assert by_action["download"]["route"] == "/instances/{id}/file"
    assert by_action["download"]["subjects"][0]["level"] == "instance"


def test_many_resources_are_several_lines(tmp_path):
    subjects = tuple(Subject(3, f"{number:044x}") for number in range(250))
    found = run(tmp_path, Event(action="view", who=ALICE, subjects=subjects))
    assert [len(line["subjects"][0]["ids"]) for line in found] == [100, 100, 50]


def test_whose_a_resource_is_is_looked_up(tmp_path):
    identity = Identity("p" * 44, STUDY, "ID-1", "1.2.3")

    async def resolve(asked):
        return dict.fromkeys(asked, identity)

    (line,) = run(
        tmp_path, Event(action="view", who=ALICE, subjects=(Subject(2, OTHER),)), resolve=resolve
    )
    assert line["subjects"] == [
        {
            "level": "series",
            "PatientID": "ID-1",
            "StudyInstanceUID": "1.2.3",
            "patient": "p" * 44,
            "study": STUDY,
            "ids": [OTHER],
        }
    ]
    assert list(lines_of(tmp_path, Wanted(patient="ID-1"))) == [
        next(iter(lines_of(tmp_path, Wanted(study="1.2.3"))))
    ]
    assert not list(lines_of(tmp_path, Wanted(patient="ID-2")))
    assert list(lines_of(tmp_path, Wanted(user="alice", action="view", resource=OTHER)))


def test_long_texts_are_bounded(tmp_path):
    (line,) = run(tmp_path, Event(action="settings", detail="x" * 10_000))
    assert len(line["detail"]) == 256


def test_no_trail_forgets():
    NO_TRAIL.note(Event(action="view"))
    NO_TRAIL.read(ALICE, b"/studies/x")
    NO_TRAIL.check()
    assert not NO_TRAIL.must_refuse


@pytest.mark.parametrize("required", [True, False])
def test_a_trail_that_cant_be_written_refuses_when_it_is_required(tmp_path, required):
    async def main() -> None:
        trail = Trail(writer(tmp_path), flush=30, required=required)
        await trail.open()
        trail.note(Event(action="delete"))
        really, trail._writer.write = trail._writer.write, lambda _: (0, TrailError("full"))
        await trail.flush()
        assert trail.must_refuse is required
        if required:
            with pytest.raises(TrailBrokenError):
                trail.check()
        trail._writer.write = really
        await trail.close()
        trail.check()

    asyncio.run(main())
    assert [line["action"] for line in lines(tmp_path)] == ["trail-file", "delete"]


def test_a_required_trail_stops_the_start(tmp_path):
    (tmp_path / "file").touch()

    async def main(required: bool) -> None:
        trail = Trail(writer(tmp_path / "file" / "trail"), required=required)
        await trail.open()
        await trail.close()

    asyncio.run(main(False))
    with pytest.raises(TrailError, match="can't be written"):
        asyncio.run(main(True))


def test_what_there_was_no_room_for_is_counted(tmp_path, monkeypatch):
    from hornburg.security.trail import trail as module

    monkeypatch.setattr(module, "_MOST_WAITING", 3)
    found = run(tmp_path / "a", *[Event(action="delete") for _ in range(5)])
    assert [line["action"] for line in found] == [*["delete"] * 3, "trail-lost"]
    assert (found[3]["count"], found[3]["outcome"]) == (2, "failed")
    found = run(tmp_path / "b", reads=[(ALICE, f"/studies/{STUDY}".encode())] * 7)
    assert [(line["action"], line["count"]) for line in found] == [("view", 3), ("trail-lost", 4)]


@given(st.binary(max_size=300))
def test_a_line_from_anywhere_is_none_of_ours(content):
    line = parse(b"k" * 32, content)
    assert line is None or not line.sealed


def test_reading_passes_over_what_is_no_line(tmp_path):
    (file,) = written(tmp_path, 2)
    others = [
        b"[1]\n",
        b"\xff\n",
        b'{"subjects":[1]}\n',
        b'{"subjects":[{"ids":1}]}\n',
        b'{"answers":1,"keys":[{}]}\n',
    ]
    edit(file, lambda rows: [rows[0], *others, *rows[1:]])
    assert [line["seq"] for line in lines(tmp_path)] == [1, 2, 3]


def test_the_newest_lines_are_read_without_the_oldest_files(tmp_path):
    files = written(tmp_path, 10, most=600)
    everything = lines(tmp_path)
    assert newest_of(tmp_path, Wanted(), 1000) == everything
    for limit in (1, 3, 7):
        assert newest_of(tmp_path, Wanted(), limit) == everything[-limit:]
    assert newest_of(tmp_path, Wanted(action="trail-file"), 1)[0]["before"] == files[-2].name
    files[0].unlink()
    files[0].mkdir()  # nobody can read it
    assert newest_of(tmp_path, Wanted(), 3) == everything[-3:]

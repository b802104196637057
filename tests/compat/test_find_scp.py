"""C-FIND: the same identifiers to both, the answers compared tag by tag."""

from __future__ import annotations

from typing import Any

import pytest
from tests.compat.conftest import Network
from tests.compat.network import Finding, Plain
from tests.compat.servers import is_subject_orthanc
from tests.compat.tables.identifiers import QUERIES, Meant, Query, dataset

_CHARSET = "0008,0005"
_UNICODE = "ISO_IR 192"


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_finds_as_orthanc(query: Query, network: Network) -> None:
    asked = (dataset(query.keys, query.level, query.charset) for _ in range(2))
    theirs, ours = (
        client.find(query.root, identifier)
        for client, identifier in zip(network.clients, asked, strict=True)
    )
    if not is_subject_orthanc():
        _check_charsets(theirs, ours, query.charset)
    found = _differences(theirs, ours)
    if query.meant is not None and not is_subject_orthanc():
        found = _judge(query.meant, theirs, ours, found)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_names_of_rows_are_unique() -> None:
    names = [query.name for query in QUERIES]
    assert len(names) == len(set(names))


def _check_charsets(theirs: Finding, ours: Finding, asked: str) -> None:
    """Orthanc answers in DefaultEncoding, and drops what that can't hold. Ours takes the character
    set of the query, and UTF-8 for what that can't hold."""
    assert {one[_CHARSET][1] for one in theirs.answers} <= {"ISO_IR 100"}
    known = "" if asked == "ISO_IR 999" else asked
    assert {one[_CHARSET][1] for one in ours.answers} <= {known or "ISO_IR 100", _UNICODE}


def _differences(theirs: Finding, ours: Finding, leave: tuple[str, ...] = ()) -> list[str]:
    found = []
    if set(theirs.statuses) != set(ours.statuses):
        found.append(f"statuses: Orthanc {_hex(theirs)}, ours {_hex(ours)}")
    first, second = ([_lossy(one, leave) for one in some.answers] for some in (theirs, ours))
    missing = [one for one in first if one not in second]
    more = [one for one in second if one not in first]
    if len(first) != len(second):
        found.append(f"Orthanc {len(first)} answers, ours {len(second)}")
    found += [f"Orthanc alone: {_without_equal(one, more)}" for one in missing[:3]]
    found += [f"ours alone: {_without_equal(one, missing)}" for one in more[:3]]
    return found


def _hex(finding: Finding) -> list[str]:
    return sorted({f"{status:#06x}" for status in finding.statuses})


def _without_equal(one: Plain, others: list[Plain]) -> Plain:
    """What an answer has that no other answer has, with what tells whose it is."""
    return {
        tag: value
        for tag, value in one.items()
        if tag in ("0010,0020", "0020,000d") or all(other.get(tag) != value for other in others)
    }


def _lossy(value: Any, leave: tuple[str, ...] = ()) -> Any:
    """What Latin-1 leaves of an answer: all that there is in Orthanc's."""
    if isinstance(value, dict):
        left = (*leave, _CHARSET)
        return {tag: _lossy(item) for tag, item in value.items() if tag not in left}
    if isinstance(value, (list, tuple)):
        return [_lossy(item) for item in value]
    if isinstance(value, str):
        return value.encode("latin-1", "ignore").decode("latin-1")
    return value


def _judge(meant: Meant, theirs: Finding, ours: Finding, found: list[str]) -> list[str]:
    if not found:
        return [f"no difference any more, though one is noted: {meant.because}"]
    if meant.leave:
        return _differences(theirs, ours, meant.leave)
    noted = meant.count, meant.status
    seen = len(ours.answers), ours.statuses[-1]
    return [] if seen == noted else [f"ours {seen}, noted {noted} ({meant.because})", *found]

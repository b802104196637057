"""Two answers to one request: where do they differ?"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.compat.exchange import Answer
from tests.compat.rules import ALWAYS, Rule, uuids

__all__ = ["differences", "normalised"]

_JSON = "application/json"

#: Fields of an error that clients may act upon. ``Details`` is a sentence of each server's own.
_ERROR = ("HttpError", "HttpStatus", "Message", "Method", "OrthancError", "OrthancStatus", "Uri")

#: Longer differences are cut in reports.
_SHOWN = 300


def differences(theirs: Answer, ours: Answer, rules: tuple[Rule, ...] = ()) -> list[str]:
    """Sentences on each difference that a client could notice, none when there is none."""
    if theirs.status != ours.status:
        return [f"status: Orthanc {_short(theirs)}, ours {_short(ours)}"]
    found = _headers(theirs, ours)
    if theirs.status >= 400:
        return found + _errors(theirs, ours)
    if theirs.media_type != ours.media_type and (theirs.body or ours.body):
        found.append(f"content type: Orthanc {theirs.media_type!r}, ours {ours.media_type!r}")
    first, second = normalised(theirs, rules), normalised(ours, rules)
    if first != second:
        found += _unequal("body", first, second)
    return found


def normalised(answer: Answer, rules: tuple[Rule, ...] = ()) -> Any:
    """The body as it is compared: parsed if it is JSON, after the rules."""
    if answer.media_type not in (_JSON, "application/dicom+json"):
        return answer.body
    value = json.loads(answer.body) if answer.body else None
    for rule in (*ALWAYS, *rules):
        value = rule(value)
    return value


def _headers(theirs: Answer, ours: Answer) -> list[str]:
    found = []
    for name, form in _HEADERS.items():
        first = form(theirs.headers.get(name, ""))
        second = form(ours.headers.get(name, ""))
        # More headers than Orthanc sends do no harm: an ETag on /file, say.
        if first != second and first:
            found.append(f"{name}: Orthanc {first!r}, ours {second!r}")
    return found


def _errors(theirs: Answer, ours: Answer) -> list[str]:
    # Orthanc leaves many errors without a body; ours may always describe them.
    if not theirs.body.startswith(b"{"):
        return []
    if not ours.body:
        return ["error: Orthanc describes it, ours has no body"]
    # Orthanc sends them without a type.
    if ours.media_type not in (_JSON, theirs.media_type):
        return [f"error: Orthanc describes it in JSON, ours is {ours.media_type!r}"]
    # The path of an error may hold the random name of a query or a job.
    first, second = (uuids({key: one.json().get(key) for key in _ERROR}) for one in (theirs, ours))
    return [] if first == second else _unequal("error", first, second)


def _unequal(where: str, first: Any, second: Any) -> list[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        found = []
        for key in sorted(first.keys() | second.keys()):
            if key not in second:
                found.append(f"{where}: ours lacks {key!r}, Orthanc has {_cut(first[key])}")
            elif key not in first:
                found.append(f"{where}: ours has {key!r} too, {_cut(second[key])}")
            elif first[key] != second[key]:
                found += _unequal(f"{where}[{key!r}]", first[key], second[key])
        return found
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = zip(first, second, strict=True)
        return [
            line
            for place, (one, other) in enumerate(pairs)
            if one != other
            for line in _unequal(f"{where}[{place}]", one, other)
        ]
    return [f"{where}: Orthanc {_cut(first)}, ours {_cut(second)}"]


def _short(answer: Answer) -> str:
    return f"{answer.status} {_cut(answer.body)}"


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _etag(value: str) -> str:
    # The number of the revision is out: 1.10 keeps none in SQLite, reads back 0 always, and may
    # answer a PUT with any number.
    # Without MD5s there is nothing behind it.
    return "" if value.endswith('-"') else re.sub(r'^"-?\d+-', '"<revision>-', value)


def _allow(value: str) -> str:
    # HEAD and OPTIONS are answered by ours (RFC 9110 9.3), by Orthanc never.
    methods = {method.strip() for method in value.split(",") if method.strip()}
    return ",".join(sorted(methods - {"HEAD", "OPTIONS"}))


_HEADERS = {
    "etag": _etag,
    "allow": _allow,
    # Ours says whether a browser may show it (RFC 6266 4.2); Orthanc leaves that out.
    "content-disposition": lambda value: uuids(re.sub("^(attachment|inline); ", "", value)),
    "location": str,
    "content-encoding": str,
    # A parameter may follow the realm (RFC 7617 2.1).
    "www-authenticate": lambda value: value.split(",")[0],
}

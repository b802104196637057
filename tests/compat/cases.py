"""How a table writes requests down.

A :class:`Step` is one request. A :class:`Case` is one step, or several that build on each other.
Names in braces stand for identifiers: ``{ct}`` is the instance of the sample ``ct``, ``{ct.study}``
its study, ``{stored.Path}`` a field of what the last upload of the case was answered;
``{etag}`` the last ETag of that server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.compat.rules import Rule

__all__ = [
    "Case",
    "Family",
    "Ours",
    "Step",
    "case",
    "delete",
    "each",
    "fill",
    "get",
    "post",
    "put",
]


@dataclass(frozen=True)
class Ours:
    """A difference that is meant.

    Args:
        because: why ours answers otherwise.
        status: the status that ours gives.
        body: what ours answers after the rules; None is not looked at.
    """

    because: str
    status: int = 200
    body: Any = None


@dataclass(frozen=True)
class Step:
    """One request, and what may differ in the answers."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    ours: Ours | None = None
    #: Go on with the next step only if Orthanc answered 200.
    gate: bool = False
    #: Ask again until the State of the job is one of an end.
    until_done: bool = False


@dataclass(frozen=True)
class Case:
    """Steps that belong together, under a name.

    ``tidy`` deletes the patient of the last upload afterwards, so that what one server took and
    the other refused is not seen by other cases.
    """

    name: str
    steps: tuple[Step, ...]
    tidy: bool = False


@dataclass(frozen=True)
class Family:
    """A table: its cases, and the pair of servers that they go to.

    ``pair`` is "stocked" (holds the samples; read only), "scratch" (empty at first, may be
    changed), "guarded" (passwords, revisions, compression, bare errors), "sparse" (empty, room
    for two patients, no MD5) or "connected" (knows modalities: ``pacs``, an Orthanc with the
    samples, ``dest``, which takes what is sent, and ``gone``, where nobody answers).
    """

    name: str
    pair: str
    cases: tuple[Case, ...]


def case(name: str, *steps: Step, tidy: bool = False) -> Case:
    return Case(name, steps, tidy)


def _step(method: str, path: str, body: Any, rules: tuple[Rule, ...], named: Any) -> Step:
    return Step(method, path, body, rules=rules, **named)


def get(path: str, *rules: Rule, **named: Any) -> Step:
    return _step("GET", path, None, rules, named)


def delete(path: str, *rules: Rule, **named: Any) -> Step:
    return _step("DELETE", path, None, rules, named)


def post(path: str, body: Any = b"", *rules: Rule, **named: Any) -> Step:
    return _step("POST", path, body, rules, named)


def put(path: str, body: Any = b"", *rules: Rule, **named: Any) -> Step:
    return _step("PUT", path, body, rules, named)


def each(*steps: Step) -> tuple[Case, ...]:
    """A case for every step, named after the request."""
    seen: dict[str, int] = {}
    cases = []
    for step in steps:
        name = _name(step)
        seen[name] = seen.get(name, 0) + 1
        cases.append(Case(name if seen[name] == 1 else f"{name} #{seen[name]}", (step,)))
    return tuple(cases)


def _name(step: Step) -> str:
    parts = [step.method, step.path]
    if step.body is not None and not isinstance(step.body, bytes):
        parts.append(str(step.body))
    parts += [f"{key}: {value}" for key, value in step.headers.items()]
    return " ".join(parts)[:120]


_NAME = re.compile(r"\{([A-Za-z][\w.]*)\}")


def fill(value: Any, names: Mapping[str, str]) -> Any:
    """Put identifiers where names in braces stand.

    Raises:
        KeyError: a name is not known.
    """
    if isinstance(value, str):
        return _NAME.sub(lambda match: names[match[1]], value)
    if isinstance(value, dict):
        return {key: fill(item, names) for key, item in value.items()}
    return [fill(item, names) for item in value] if isinstance(value, list) else value

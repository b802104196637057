"""Measures reads of a loaded archive: all servers hold the same, and are asked in turns."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.load import Request, send_in_turn
from benchmarks.loaded import loaded_folder
from benchmarks.operations import MEMORY_MARGIN_MB, Archive, Lookup
from benchmarks.plan import Contestant, Plan, say
from benchmarks.results import Row
from benchmarks.servers import Server

__all__ = ["measure_lookups"]


@dataclass(frozen=True, slots=True)
class _Loaded:
    contestant: Contestant
    server: Server


@dataclass(frozen=True, slots=True)
class _Asked:
    requests: list[Request]
    mean_length: float


def measure_lookups(plan: Plan, lookups: list[Lookup]) -> list[Row]:
    """A row for each look-up, and one for the peak memory afterwards."""
    archive = Archive(plan.patients)
    with ExitStack() as stack:
        folders = [
            (
                contestant,
                stack.enter_context(
                    loaded_folder(plan, contestant, "loaded", [archive.what], archive.studies)
                ),
            )
            for contestant in plan.contestants
        ]
        servers = [
            _Loaded(contestant, stack.enter_context(Server(contestant.kind, folder)))
            for contestant, folder in folders
        ]
        rows = [_measure(plan, servers, archive, lookup) for lookup in lookups]
        memory = Row(f"peak memory, reads of {archive.what.count:,}", "MB", MEMORY_MARGIN_MB)
        for loaded in servers:
            memory.add(loaded.contestant.label, loaded.server.peak_memory() / 1e6)
    return [*rows, memory]


def _measure(plan: Plan, servers: list[_Loaded], archive: Archive, lookup: Lookup) -> Row:
    """One row; a failure is noted in it, so that the others are measured all the same."""
    row = Row(lookup.name, "/s", plan.goal(lookup.goal))
    try:
        asked = _checked_requests(servers, archive, lookup)
        for number in range(plan.rounds):
            for loaded in servers:
                say(
                    f"{lookup.name}, round {number + 1} of {plan.rounds}, {loaded.contestant.label}"
                )
                _round(plan, loaded, asked[loaded.contestant.label], row)
    except BenchmarkError as error:
        row.problem = str(error)
        say(f"! {lookup.name}: {error}")
        for loaded in servers:
            loaded.server.check_alive()
    return row


def _round(plan: Plan, loaded: _Loaded, asked: _Asked, row: Row) -> None:
    result = send_in_turn(
        loaded.server,
        asked.requests,
        plan.seconds,
        mean_length=asked.mean_length,
        python=plan.python_client,
    )
    row.add(loaded.contestant.label, result["requests"] / result["seconds"])
    row.note_client(result["client_cpu_seconds"] / result["seconds"])


def _checked_requests(
    servers: list[_Loaded], archive: Archive, lookup: Lookup
) -> dict[str, _Asked]:
    """The requests for each server; every answer is looked at, and the same on all servers."""
    asked: dict[str, _Asked] = {}
    first: list[Any] = []
    for loaded in servers:
        requests = lookup.requests(loaded.server, archive)
        bodies = [_answer(loaded.server, request) for request in requests]
        answers = [lookup.check(body) for body in bodies]
        asked[loaded.contestant.label] = _Asked(requests, sum(map(len, bodies)) / len(bodies))
        first = first or answers
        _compare(first, answers, requests, loaded)
    return asked


def _answer(server: Server, request: Request) -> bytes:
    return server.raw(request.method, request.path, request.body)


def _compare(first: list[Any], answers: list[Any], asked: list[Request], loaded: _Loaded) -> None:
    if len(first) != len(answers):
        raise BenchmarkError(f"{loaded.contestant.label} gives {len(answers)} of {len(first)}")
    for one, other, request in zip(first, answers, asked, strict=True):
        if one != other:
            raise BenchmarkError(
                f"{loaded.contestant.label} answers otherwise on {request.path} "
                f"{request.body or ''}: {_difference(one, other)}"
            )


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, list) and isinstance(other, list):
        left = [item for item in one if item not in other][:2]
        right = [item for item in other if item not in one][:2]
        return f"{left!r} against {right!r}"[:500]
    return f"{one!r} against {other!r}"[:500]

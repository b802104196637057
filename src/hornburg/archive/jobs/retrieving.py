"""What C-MOVE and C-GET have in common as jobs: one retrieval a step, and its counters."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

from hornburg.archive.identifiers import json_of_elements, retrieve_identifier, with_charset
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.remote import RemoteError, Suboperations, Target
from hornburg.archive.targets import saved_target, target_of_saved
from hornburg.dicom.elements import Elements, Value
from hornburg.dicom.levels import Level
from hornburg.dicom.orthanc_json import Form
from hornburg.dimse.status import Category, Service, category, sentence
from hornburg.jobs.job import CONTINUE, SUCCESS, Job, Step

__all__ = ["RetrieveJob", "RetrieveRequest", "Wanted"]

log = logging.getLogger("hornburg.archive")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One resource of the other side. ``shown`` is what answers and ``/jobs`` show of it; its
    unique keys are what is sent. ``sop_classes`` are those of its instances, if that is known."""

    level: Level
    shown: Elements
    sop_classes: tuple[str, ...] = ()

    def identifier(self, encoding: str) -> Elements:
        """The identifier on the line.

        Raises:
            BadRequestError: a unique key is missing.
        """
        keys = {
            tag: value.content
            for tag, value in self.shown.items()
            if isinstance(value.content, str)
        }
        return with_charset(retrieve_identifier(self.level, keys), encoding)


@dataclass(frozen=True, slots=True)
class RetrieveRequest:
    """What is to be fetched from where; ``destination`` is the title of a C-MOVE's target."""

    target: Target
    wanted: tuple[Wanted, ...]
    destination: str = ""
    permissive: bool = False
    form: Form = "short"
    description: str = "REST API"


class RetrieveJob(Job):
    """One resource a step; a subclass says by which service."""

    service: ClassVar[str]

    def __init__(self, tools: Tools, request: RetrieveRequest) -> None:
        self._tools = tools
        self._request = request
        self._next = 0
        self._part = 0.0

    @abstractmethod
    def _suboperations(
        self, wanted: Wanted, identifier: Elements
    ) -> AsyncGenerator[Suboperations, None]:
        """Ask for one resource."""

    async def step(self) -> Step:
        """Retrieve the next resource."""
        if self._next < len(self._request.wanted):
            wanted = self._request.wanted[self._next]
            self._part = 0.0
            try:
                await self._retrieve(wanted)
            except RemoteError as error:
                if not self._request.permissive:
                    raise
                log.warning("a retrieval failed and is passed over: %s", error)
            self._next += 1
            self._part = 0.0
        return SUCCESS if self._next >= len(self._request.wanted) else CONTINUE

    async def _retrieve(self, wanted: Wanted) -> None:
        identifier = wanted.identifier(self._tools.archive.runtime.default_encoding)
        last: Suboperations | None = None
        async with aclosing(self._suboperations(wanted, identifier)) as coming:
            async for last in coming:
                done = last.completed + last.failed + last.warning
                self._part = done / (done + last.remaining) if done else 0.0
        self._judge(last)

    def _judge(self, last: Suboperations | None) -> None:
        if last is None or category(last.status) is Category.PENDING:
            raise RemoteError(f"{self._asked}: it ended without a final answer")
        status = last.status
        if category(status) is Category.SUCCESS and not last.failed:
            return
        # A warning means that some of the instances did not come (PS3.4 C.4.2.1.5).
        if category(status) is Category.WARNING and not last.failed and last.completed:
            return
        count = last.completed + last.failed + last.warning
        failed = f" ({last.failed} failed of {count} instances)" if last.failed else ""
        # The statuses of C-GET mean the same (PS3.4 C.4.2.1.5, C.4.3.1.4).
        words = sentence(Service.MOVE, status)
        raise RemoteError(f"{self._asked}: {words}{failed}", status)

    @property
    def _asked(self) -> str:
        """What is asked of whom, for errors."""
        return f"{self.service} of {self._request.target.described}"

    @property
    def progress(self) -> float:
        """Resources that are done, and the part of the current one."""
        count = len(self._request.wanted)
        return min((self._next + self._part) / count, 1.0) if count else 0.0

    def content(self) -> dict[str, Any]:
        """As Orthanc shows it."""
        request = self._request
        dictionary = self._tools.archive.dictionary
        return {
            "Description": request.description,
            "LocalAet": request.target.local_aet,
            "Query": [
                json_of_elements(one.shown, dictionary, request.form) for one in request.wanted
            ],
            "RemoteAet": request.target.modality.aet,
        }

    def state(self) -> dict[str, Any]:
        """What is wanted, and how far it is."""
        request = self._request
        return {
            "Target": saved_target(request.target),
            "Destination": request.destination,
            "Permissive": request.permissive,
            "Form": request.form,
            "Description": request.description,
            "Wanted": [
                {
                    "Level": one.level.word,
                    "Shown": [
                        [tag, value.vr, value.content]
                        for tag, value in one.shown.items()
                        if isinstance(value.content, str)
                    ],
                    "SopClasses": list(one.sop_classes),
                }
                for one in request.wanted
            ],
            "Next": self._next,
        }

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Tools) -> RetrieveJob:
        """Go on with what is not done yet."""
        form: Form = "short"
        if state["Form"] in ("full", "simplify"):
            form = state["Form"]
        request = RetrieveRequest(
            target_of_saved(state["Target"], tools.modalities()),
            tuple(
                Wanted(
                    Level.from_word(one["Level"]),
                    {int(tag): Value(str(vr), str(text)) for tag, vr, text in one["Shown"]},
                    tuple(map(str, one["SopClasses"])),
                )
                for one in state["Wanted"]
            ),
            str(state["Destination"]),
            bool(state["Permissive"]),
            form,
            str(state["Description"]),
        )
        job = cls(tools, request)
        job._next = int(state["Next"])
        return job

    def restart(self) -> None:
        """Retrieve everything again."""
        self._next = 0
        self._part = 0.0

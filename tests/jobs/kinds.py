"""Jobs that do nothing, step by step as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hornburg.errors import HornburgError
from hornburg.jobs.job import CONTINUE, SUCCESS, Job, Output, Step, Why


class Scripted(Job):
    """Takes its steps from a list: a Step is answered, an exception raised, "block" waits for
    :attr:`go`. At the end of the list it is done."""

    type = "Scripted"

    def __init__(self, *script: Step | Exception | str, name: str = "", done: int = 0) -> None:
        self.script = list(script)
        self.name = name
        self.done = done
        self.steps = 0
        self.stops: list[Why] = []
        self.discarded = False
        self.go = asyncio.Event()
        self.entered = asyncio.Event()
        self.outputs: dict[str, Output] = {}

    async def step(self) -> Step:
        self.steps += 1
        if self.done >= len(self.script):
            return SUCCESS
        what = self.script[self.done]
        if what == "block":
            self.entered.set()
            await self.go.wait()
            what = CONTINUE
        self.done += 1
        if isinstance(what, Exception):
            raise what
        assert isinstance(what, Step)
        return what

    def content(self) -> dict[str, Any]:
        return {"Name": self.name, "Done": self.done}

    @property
    def progress(self) -> float:
        return self.done / len(self.script) if self.script else 0.0

    async def stop(self, why: Why) -> None:
        self.stops.append(why)

    def restart(self) -> None:
        self.done = 0

    def output(self, key: str) -> Output | None:
        return self.outputs.get(key)

    def delete_output(self, key: str) -> bool:
        return self.outputs.pop(key, None) is not None

    def discard(self) -> None:
        self.discarded = True


class Counting(Scripted):
    """Survives a restart: so many blocking steps."""

    type = "Counting"

    def __init__(self, steps: int, *, name: str = "", done: int = 0) -> None:
        super().__init__(*["block"] * steps, name=name, done=done)

    async def step(self) -> Step:
        try:
            return await super().step()
        finally:
            self.entered.clear()
            self.go.clear()

    def state(self) -> dict[str, Any]:
        return {"name": self.name, "steps": len(self.script), "done": self.done}

    @classmethod
    def load(cls, state: Mapping[str, Any], tools: Any = None) -> Counting:
        job = cls(state["steps"], name=state["name"], done=state["done"])
        if isinstance(tools, list):
            tools.append(job)
        return job


class RemoteTrouble(HornburgError):
    """Like the error of a remote application entity."""

    dimse_status = 0xA700

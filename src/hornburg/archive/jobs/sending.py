"""What the jobs that send instances have in common, whatever carries them.

One instance a step. A permissive job notes what could not be sent and goes on; when nobody is
there several times in a row, it gives up on the rest.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hornburg.archive.exports import log_exports
from hornburg.archive.jobs.tools import Tools
from hornburg.archive.outgoing import Outgoing, outgoing
from hornburg.dicom.levels import Level
from hornburg.errors import HornburgError
from hornburg.index.base import Reader
from hornburg.jobs.job import CONTINUE, SUCCESS, Job, Step, Why

__all__ = ["Resource", "SendingJob", "resources_of_saved"]

log = logging.getLogger("hornburg.archive")

Resource = tuple[Level, str]

#: Times in a row that nobody was there before a permissive job gives up on the rest.
_MOST_REFUSALS = 3


class SendingJob(Job):
    """Instances to one receiver.

    Args:
        resources: what is asked to be sent.
        permissive: whether the job goes on when an instance can't be sent.
        receiver: its symbolic name, for the log of exports.
        described: the same for errors and logs.
    """

    FAILURES: ClassVar[tuple[type[HornburgError], ...]]
    """What goes wrong with one instance alone."""

    def __init__(
        self,
        tools: Tools,
        resources: tuple[Resource, ...],
        *,
        permissive: bool,
        receiver: str,
        described: str,
    ) -> None:
        self._tools = tools
        self._resources = resources
        self._permissive = permissive
        self._receiver = receiver
        self._described = described
        self._instances: list[Outgoing] | None = None
        self._owners: dict[str, tuple[int, ...]] = {}
        self._count = 0
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._exported: set[int] = set()
        self._next = 0
        self._refusals = 0

    @abstractmethod
    async def _send(self, one: Outgoing) -> None:
        """Send an instance; ``_refusals`` counts how often in a row nobody was there.

        Raises:
            HornburgError: one of ``FAILURES`` when that is the fault of the instance alone.
        """

    @abstractmethod
    def _is_broken(self) -> bool:
        """Whether the way to the receiver is of no use any more."""

    @abstractmethod
    async def _let_go(self) -> None:
        """Close the way to the receiver."""

    async def _finish(self, instances: Sequence[Outgoing]) -> None:
        """What comes after the last instance."""

    async def _resolve(self) -> list[Outgoing]:
        archive, resources = self._tools.archive, self._resources
        instances = await outgoing(archive, resources)
        if archive.settings.log_exported_resources:
            self._owners = await archive.index.read(lambda reader: _owners(reader, resources))
        self._instances = instances
        self._count = len(instances)
        return instances

    async def step(self) -> Step:
        """Send the next instance."""
        instances = self._instances
        if instances is None:
            instances = await self._resolve()
        if self._refusals >= _MOST_REFUSALS:
            self._give_up(instances)
        while self._next < len(instances):
            one = instances[self._next]
            if one.public_id in self._done or one.public_id in self._failed:
                self._next += 1
                continue
            await self._send_or_note(one)
            self._next += 1
            return CONTINUE
        await self._let_go()
        await self._finish(instances)
        return SUCCESS

    def _give_up(self, instances: Sequence[Outgoing]) -> None:
        """What is left is not sent: nobody is there."""
        left = {one.public_id for one in instances[self._next :]} - self._done - self._failed
        self._next = len(instances)
        if left:
            log.warning(
                "%d more instances were not sent to %s: nobody was there %d times in a row",
                len(left),
                self._described,
                _MOST_REFUSALS,
            )
        self._failed |= left

    async def _send_or_note(self, one: Outgoing) -> None:
        try:
            await self._send(one)
        except self.FAILURES as error:
            if self._is_broken():
                await self._let_go()
            if not self._permissive:
                raise
            log.warning("instance %s was not sent: %s", one.public_id, error)
            self._failed.add(one.public_id)
            return
        self._done.add(one.public_id)
        await self._log_export(one)

    async def _log_export(self, one: Outgoing) -> None:
        """The log names the resources that were asked for, with their first instance that goes."""
        owners = self._owners.get(one.public_id, ())
        new = [number for number in owners if number not in self._exported]
        if new:
            resources = [self._resources[number] for number in new]
            await log_exports(self._tools.archive, self._receiver, resources)
            self._exported.update(new)

    async def stop(self, why: Why) -> None:
        """Close the way to the receiver."""
        await self._let_go()

    @property
    def progress(self) -> float:
        """Instances that were sent or given up, of all."""
        done = len(self._done) + len(self._failed)
        return done / self._count if self._count else 0.0

    def content(self) -> dict[str, Any]:
        """What Orthanc shows of all such jobs."""
        content: dict[str, Any] = {
            "FailedInstancesCount": len(self._failed),
            "InstancesCount": self._count,
        }
        if self._resources:
            content["ParentResources"] = sorted({each for _, each in self._resources})
        return content

    def state(self) -> dict[str, Any]:
        """Which instances are done; the others are looked up again."""
        return {
            "Resources": [[level.word, public_id] for level, public_id in self._resources],
            "Permissive": self._permissive,
            "Count": self._count,
            "Done": sorted(self._done),
            "Failed": sorted(self._failed),
            "Exported": sorted(self._exported),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._count = int(state["Count"])
        self._done = set(map(str, state["Done"]))
        self._failed = set(map(str, state["Failed"]))
        self._exported = set(map(int, state["Exported"]))

    def restart(self) -> None:
        """Send everything again."""
        self._instances = None
        self._done.clear()
        self._failed.clear()
        self._exported.clear()
        self._next = self._refusals = 0


def resources_of_saved(state: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The resources that :meth:`SendingJob.state` wrote."""
    return tuple((Level.from_word(word), str(each)) for word, each in state["Resources"])


def _owners(reader: Reader, resources: Sequence[Resource]) -> dict[str, tuple[int, ...]]:
    """For each instance the numbers of the resources that it belongs to."""
    owners: dict[str, tuple[int, ...]] = {}
    for number, (level, public_id) in enumerate(resources):
        for instance, _ in reader.dicom_locations(level, public_id):
            owners[instance] = (*owners.get(instance, ()), number)
    return owners

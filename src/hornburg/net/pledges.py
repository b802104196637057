"""How much of others' requests for storage commitment is under way."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from hornburg.errors import HornburgError, Outside
from hornburg.jobs.engine import Jobs

__all__ = ["Pledges", "TooManyReferencesError"]

log = logging.getLogger("hornburg.dicom")


class TooManyReferencesError(HornburgError):
    """PS3.7 annex C: 0x0213, resource limitation; the other side may ask again later."""

    outside = Outside(HTTPStatus.SERVICE_UNAVAILABLE, 8, "Bad request", 0x0213)


class Pledges:
    """Bounds the references that jobs hold which have not ended: each takes some 200 bytes, and
    ten thousand jobs may wait.

    Args:
        most: references of all jobs together.
    """

    def __init__(self, most: int = 500_000) -> None:
        self._most = most
        self._held = 0
        self._watching: set[asyncio.Task[None]] = set()

    def check(self, number: int) -> None:
        """Whether there is room for so many references.

        Raises:
            TooManyReferencesError: there is none at the moment.
        """
        if self._held + number > self._most:
            raise TooManyReferencesError(
                f"{self._held} instances wait for storage commitment, {self._most} may"
            )

    def hold(self, number: int, jobs: Jobs, job_id: str) -> None:
        """Count these references until the job has ended."""
        self._held += number
        task = asyncio.ensure_future(self._until_end(number, jobs, job_id))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _until_end(self, number: int, jobs: Jobs, job_id: str) -> None:
        try:
            await jobs.wait(job_id)
        except HornburgError as error:
            log.debug("a job that is gone already: %s", error)
        finally:
            self._held -= number

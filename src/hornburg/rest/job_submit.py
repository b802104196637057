"""What all routes that start a job have in common: how it is asked for, and what is answered.

Source: Orthanc Book, users/advanced-rest, "Synchronous vs. asynchronous calls"; which member wins,
and the errors, were watched on Orthanc 1.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from hornburg.errors import BadFileFormatError
from hornburg.jobs.job import Job
from hornburg.rest.answers import json_answer
from hornburg.rest.fields import Fields
from hornburg.rest.requests import jobs_of, own_account

__all__ = ["JobOptions", "answer_job", "job_options"]

Asked = Request[Any, Any, Any]

#: Orthanc keeps priorities in 32 bits.
_PRIORITIES = range(-(1 << 31), 1 << 31)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job is asked for.

    ``permissive`` is for the job itself: whether it goes on when a part of it fails.
    """

    synchronous: bool = True
    priority: int = 0
    permissive: bool = False
    user_data: Any = None


def job_options(fields: Fields, *, synchronous: bool = True) -> JobOptions:
    """Read ``Synchronous``, ``Asynchronous``, ``Priority``, ``Permissive`` and ``UserData``.

    ``Synchronous`` wins over ``Asynchronous``. All are optional.

    Args:
        fields: the body of the request.
        synchronous: what the route does when the body does not say.

    Raises:
        BadFileFormatError: one of them has the wrong type.
    """
    if "Synchronous" in fields:
        synchronous = _boolean(fields, "Synchronous")
    elif "Asynchronous" in fields:
        synchronous = not _boolean(fields, "Asynchronous")
    return JobOptions(
        synchronous,
        _priority(fields),
        _boolean(fields, "Permissive"),
        fields.get("UserData"),
    )


async def answer_job(request: Asked, job: Job, options: JobOptions) -> Response[bytes]:
    """Run a job and answer its public content; or submit it and answer where to find it.

    A synchronous job goes on when the client hangs up, as in Orthanc.

    Raises:
        TooManyJobsError: too many jobs wait already (503).
        HornburgError: the error of a synchronous job.
    """
    jobs, owner = jobs_of(request), own_account(request)
    if options.synchronous:
        status = await jobs.run(
            job, priority=options.priority, user_data=options.user_data, owner=owner
        )
        return json_answer(status.content)
    job_id = await jobs.submit(
        job, priority=options.priority, user_data=options.user_data, owner=owner
    )
    return json_answer({"ID": job_id, "Path": f"/jobs/{job_id}"})


def _boolean(fields: Fields, name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadFileFormatError(f"Boolean value expected in field: {name}")
    return value


def _priority(fields: Fields) -> int:
    value = fields.get("Priority", 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadFileFormatError("Integer value expected in field: Priority")
    if value not in _PRIORITIES:
        raise BadFileFormatError(
            f"Integer from {_PRIORITIES[0]} to {_PRIORITIES[-1]} expected in field: Priority"
        )
    return value

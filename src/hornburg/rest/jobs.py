"""``/jobs``: what runs in the background, and its control.

Everybody sees and steers the own jobs, as long as they may do what these do: an API token that is
limited to figures begins no transfer anew. Those of others need the permission ``jobs``, and
without it are not there.

Source: Orthanc Book, users/advanced-rest, "Jobs"; fields and statuses were watched on Orthanc 1.10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post
from litestar.params import PathParameter, QueryParameter
from litestar.response.base import ASGIResponse

from hornburg.archive.jobs.get import GetJob
from hornburg.archive.jobs.move import MoveJob
from hornburg.archive.jobs.store_to_modality import StoreJob
from hornburg.archive.jobs.store_to_peer import PeerStoreJob
from hornburg.errors import BadRequestError
from hornburg.jobs.engine import Jobs
from hornburg.jobs.errors import NoSuchOutputError, UnknownJobError
from hornburg.rest.answers import done, json_answer
from hornburg.rest.job_answers import output_answer, status_json
from hornburg.rest.permission import access_of
from hornburg.rest.requests import account_seen, archive_of, flag, jobs_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
_TAGS = ["Jobs"]

#: What the routes state that begin these kinds; the others are begun by the server itself.
_NEEDS = {
    StoreJob.type: Permission.SEND,
    PeerStoreJob.type: Permission.SEND,
    MoveJob.type: Permission.QUERY_REMOTE,
    GetJob.type: Permission.QUERY_REMOTE,
}

JobId = Annotated[str, PathParameter(description="Identifier of the job")]
Key = Annotated[str, PathParameter(description="Name of the output, such as archive")]
Expand = Annotated[
    str | None, QueryParameter(name="expand", description="Show the jobs, not their identifiers")
]


@get("/jobs", permission=Permission.ANYONE, summary="List jobs", tags=_TAGS)
async def list_jobs(request: Asked, expand: Expand = None) -> Response[bytes]:
    """The jobs that wait, run, or are remembered; sorted by identifier."""
    jobs = jobs_of(request)
    ids = [each for each in jobs.ids(account_seen(request)) if _may(request, jobs, each)]
    if not flag(request, "expand"):
        return json_answer(ids)
    return json_answer([status_json(jobs.status(job_id)) for job_id in ids])


@get("/jobs/{job_id:str}", permission=Permission.ANYONE, summary="Get a job", tags=_TAGS)
async def get_job(request: Asked, job_id: JobId) -> Response[bytes]:
    """State, progress, timings, error and public content of a job."""
    return json_answer(status_json(_seen(request, job_id).status(job_id)))


@delete(
    "/jobs/{job_id:str}",
    permission=Permission.ANYONE,
    status_code=200,
    summary="Forget a job",
    tags=_TAGS,
)
async def delete_job(request: Asked, job_id: JobId) -> Response[bytes]:
    """Remove a finished job and its outputs from the history; others have to be cancelled first."""
    _seen(request, job_id).delete(job_id)
    return done()


@post(
    "/jobs/{job_id:str}/cancel",
    permission=Permission.ANYONE,
    status_code=200,
    summary="Cancel a job",
    tags=_TAGS,
)
async def cancel_job(request: Asked, job_id: JobId) -> Response[bytes]:
    """End a job as a failure. One that is finished stays as it is."""
    return _control(request, Jobs.cancel, job_id)


@post(
    "/jobs/{job_id:str}/pause",
    permission=Permission.ANYONE,
    status_code=200,
    summary="Pause a job",
    tags=_TAGS,
)
async def pause_job(request: Asked, job_id: JobId) -> Response[bytes]:
    """Halt a job; one that runs halts after its step. One that is finished stays as it is."""
    return _control(request, Jobs.pause, job_id)


@post(
    "/jobs/{job_id:str}/resume",
    permission=Permission.ANYONE,
    status_code=200,
    summary="Resume a job",
    tags=_TAGS,
)
async def resume_job(request: Asked, job_id: JobId) -> Response[bytes]:
    """Let a paused job go on when its turn comes."""
    return _control(request, Jobs.resume, job_id)


@post(
    "/jobs/{job_id:str}/resubmit",
    permission=Permission.ANYONE,
    status_code=200,
    summary="Resubmit a job",
    tags=_TAGS,
)
async def resubmit_job(request: Asked, job_id: JobId) -> Response[bytes]:
    """Begin a failed job anew."""
    return _control(request, Jobs.resubmit, job_id)


def _seen(request: Asked, job_id: str) -> Jobs:
    """The job engine, to be asked about one job.

    Raises:
        UnknownJobError: there is no such job, or it is not for who asks.
    """
    jobs = jobs_of(request)
    jobs.refuse_others(job_id, account_seen(request))
    if not _may(request, jobs, job_id):
        raise UnknownJobError(f"There is no job {job_id[:64]!r}")
    return jobs


def _may(request: Asked, jobs: Jobs, job_id: str) -> bool:
    """Whether who asks may do what a job does."""
    access = access_of(request.scope)
    return access.may(Permission.JOBS) or access.may(_NEEDS.get(jobs.kind(job_id), Permission.JOBS))


def _control(request: Asked, action: Callable[[Jobs, str], None], job_id: str) -> Response[bytes]:
    try:
        action(_seen(request, job_id), job_id)
    except UnknownJobError as error:
        # Orthanc answers 400 here, and 404 where a job is only looked at.
        raise BadRequestError(str(error)) from error
    return done()


@get(
    "/jobs/{job_id:str}/{key:str}",
    permission=Permission.ANYONE,
    summary="Get an output of a job",
    media_type="application/octet-stream",
    tags=_TAGS,
)
async def get_output(request: Asked, job_id: JobId, key: Key) -> ASGIResponse:
    """A file that a job made."""
    try:
        output = _seen(request, job_id).output(job_id, key)
    except UnknownJobError as error:
        raise NoSuchOutputError(str(error)) from error
    return await output_answer(archive_of(request), output)


@delete(
    "/jobs/{job_id:str}/{key:str}",
    permission=Permission.ANYONE,
    status_code=200,
    summary="Delete an output of a job",
    tags=_TAGS,
)
async def delete_output(request: Asked, job_id: JobId, key: Key) -> Response[bytes]:
    """Remove a file that a job made; the job stays."""
    try:
        _seen(request, job_id).delete_output(job_id, key)
    except UnknownJobError as error:
        raise NoSuchOutputError(str(error)) from error
    return done()


ROUTES = (
    list_jobs,
    get_job,
    delete_job,
    cancel_job,
    pause_job,
    resume_job,
    resubmit_job,
    get_output,
    delete_output,
)

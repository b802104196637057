"""Instances made ready one ahead: the next is read, and transcoded where it must be, while the one
before is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from hornburg.archive.outgoing import Outgoing, content_of
from hornburg.net.prepare import Offers, prepare
from hornburg.net.scp.request import Request

__all__ = ["Ahead", "Ready"]


class Ready(NamedTuple):
    """An instance, the context to send it on, and its data set."""

    one: Outgoing
    context: int
    dataset: memoryview


class Ahead:
    """Gives instances in their order; to be left as a context, so that nothing stays open."""

    def __init__(
        self,
        request: Request,
        instances: Sequence[Outgoing],
        offers: Offers,
        *,
        may_transcode: bool,
    ) -> None:
        self._request = request
        self._instances = instances
        self._offers = offers
        self._may_transcode = may_transcode
        self._task: asyncio.Task[tuple[Ready, AsyncExitStack]] | None = None
        self._next = 0

    async def __aenter__(self) -> Ahead:
        self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and task.exception() is None:
            await task.result()[1].aclose()

    def begin(self) -> None:
        """Begin with the next one, if there is one more."""
        if self._task is None and self._next < len(self._instances):
            self._task = asyncio.ensure_future(self._prepare(self._instances[self._next]))
            self._next += 1

    async def take(self) -> tuple[Ready, AsyncExitStack]:
        """The one that :meth:`begin` began with; the stack is to be closed when it is sent.

        Raises:
            HornburgError: it can't be made ready.
        """
        task = self._task
        assert task is not None
        try:
            # Cancelled, the task stays here for the end of the context.
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._task = None

    async def _prepare(self, one: Outgoing) -> tuple[Ready, AsyncExitStack]:
        parts = self._request.parts
        async with AsyncExitStack() as stack:
            content = await stack.enter_async_context(content_of(parts.archive, one.attachment))
            context, dataset = await prepare(
                self._offers,
                parts.archive.transcoder,
                content,
                one.sop_class,
                one.transfer_syntax,
                may_transcode=self._may_transcode,
            )
            return Ready(one, context, dataset), stack.pop_all()

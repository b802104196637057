"""Property tests against a served archive: one archive for all examples of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.rest.conftest import Served, serving

__all__ = ["examples"]

Run = Callable[[Awaitable[Any]], Any]


@contextmanager
def examples(folder: Path, **options: Any) -> Iterator[tuple[Served, Run]]:
    """A served archive, and a function that runs a coroutine in its loop to its end."""
    with asyncio.Runner() as runner:

        def run(work: Awaitable[Any]) -> Any:
            async def wait() -> Any:
                return await work

            return runner.run(wait())

        stack = AsyncExitStack()
        served = run(stack.enter_async_context(serving(folder, **options)))
        try:
            yield served, run
        finally:
            run(stack.aclose())

"""What holds for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A busy machine is no fault of what is tested: nothing here asserts on time.
settings.register_profile("hornburg", deadline=None)
settings.load_profile("hornburg")


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Commands that run in this process set up the log, which other tests look at."""
    root, ours = logging.getLogger(), logging.getLogger("hornburg")
    before = list(root.handlers), root.level, ours.level
    yield
    handlers, root.level, ours.level = before
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    logging.captureWarnings(False)

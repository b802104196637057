"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no fault of what is tested: nothing here asserts on time.
settings.register_profile("hornburg", deadline=None)
settings.load_profile("hornburg")

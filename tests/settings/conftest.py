"""A way to load one configuration that a test writes as a dictionary."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hornburg.settings import Settings, load

Loader = Callable[..., Settings]


@pytest.fixture
def configured(tmp_path: Path) -> Loader:
    """``configured({...}, VARIABLE="...")`` loads it from ``tmp_path / "c.json"``."""

    def build(configuration: object, **environ: str) -> Settings:
        file = tmp_path / "c.json"
        file.write_text(
            configuration if isinstance(configuration, str) else json.dumps(configuration)
        )
        return load([file], environ, folder=tmp_path)

    return build

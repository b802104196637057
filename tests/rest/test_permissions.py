"""Every route states the permission that it needs."""

from __future__ import annotations

from hornburg.rest.app import ROUTES
from hornburg.rest.permission import permission_of
from hornburg.security.principals import Permission


def test_every_route_states_a_permission() -> None:
    silent = [
        (sorted(handler.http_methods), sorted(handler.paths))  # type: ignore[union-attr]
        for handler in ROUTES
        if not isinstance(permission_of(handler), Permission)  # type: ignore[arg-type]
    ]
    assert not silent

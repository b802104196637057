"""Hornburg as a hospital has it, and as bare as it gets: what users, rules and the trail cost.

Both have everything else alike. The bare one asks nobody who they are, has no rules and notes
nothing; every request to the other carries a user's password, is judged by rules that name the
user, the address and the modality, and is in the trail.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.plan import Contestant
from benchmarks.servers import HORNBURG
from hornburg.security.passwords import hash_password

__all__ = ["GOAL", "HEADING", "contestants"]

#: "Unchanged within 5 %".
GOAL = 0.95

HEADING = "With users, rules and the audit trail, beside without"

_USER, _PASSWORD = "bench", "correct horse battery"
_EVERYTHING_ASKED = ["view", "download", "upload"]


def contestants() -> list[Contestant]:
    """The one with all of it, which is compared with the one that has none."""
    bare = replace(HORNBURG, settings={"AuditTrail": {"Enabled": False}})
    secured = replace(HORNBURG, settings=_settings(), login=f"{_USER}:{_PASSWORD}")
    return [Contestant("with all", secured), Contestant("bare", bare)]


def _settings() -> dict[str, Any]:
    return {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {
            _USER: hash_password(_PASSWORD),
            "admin": hash_password("staple and paper clip"),
        },
        "AccessRules": [
            {"Users": ["admin"], "Role": "admin", "Addresses": ["127.0.0.1", "::1"]},
            {"Users": ["admin", _USER], "Role": "reader"},
            {"Users": [_USER], "Permissions": ["upload"], "Addresses": ["127.0.0.0/8"]},
            {"Modalities": ["bench"], "Permissions": _EVERYTHING_ASKED},
        ],
        "AuditTrail": {"Enabled": True},
    }

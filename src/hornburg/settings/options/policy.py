"""Who may do what: roles and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from hornburg.settings.rows import Row
from hornburg.settings.rules import (
    ROLES_ALLOWED,
    RULES_ALLOWED,
    AccessRule,
    read_roles,
    read_rules,
)
from hornburg.settings.sections import freeze

__all__ = ["PolicyOptions"]


@dataclass(frozen=True, kw_only=True)
class PolicyOptions:
    """Who may do what: roles and rules."""

    roles: Annotated[
        Mapping[str, tuple[str, ...]],
        Row(
            "Roles",
            "Roles besides reader, uploader, editor and admin: from a name to its permissions.",
            ours=True,
            read=read_roles,
            allowed=ROLES_ALLOWED,
        ),
    ] = field(default_factory=lambda: freeze({}))
    access_rules: Annotated[
        tuple[AccessRule, ...] | None,
        Row(
            "AccessRules",
            "Who may do what, from where, with which resources; what no rule grants is refused; "
            "without it, whoever comes in may do everything.",
            ours=True,
            read=read_rules,
            allowed=RULES_ALLOWED,
        ),
    ] = None

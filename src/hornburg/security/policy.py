"""The one policy: what a principal may do, and with which resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hornburg.errors import ForbiddenError
from hornburg.security.principals import NOBODY, Permission, Principal
from hornburg.settings import Settings

__all__ = ["EVERYTHING", "FULL", "Access", "Narrow", "Policy", "Scope"]


@dataclass(frozen=True, slots=True)
class Narrow:
    """Resources that a grant is limited to: each set that isn't empty must hold the resource.

    ``labels`` of the study or its patient, ``patients`` by PatientID, ``studies`` by
    StudyInstanceUID.
    """

    labels: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()
    studies: frozenset[str] = frozenset()


Scope = tuple[Narrow, ...] | None
"""``None`` is everything; of several, any one is enough; the empty tuple is nothing."""

EVERYTHING: Scope = None


@dataclass(frozen=True, slots=True)
class Access:
    """What a principal may do now."""

    principal: Principal
    granted: Mapping[Permission, Scope]

    def may(self, permission: Permission) -> bool:
        """Whether it is allowed, at least for some resources."""
        return permission is Permission.ANYONE or permission in self.granted

    def scope(self, permission: Permission) -> Scope:
        """The resources that it is allowed with.

        Raises:
            ForbiddenError: it is not allowed at all.
        """
        if permission is Permission.ANYONE:
            return EVERYTHING
        try:
            return self.granted[permission]
        except KeyError:
            who = self.principal.name or "nobody"
            raise ForbiddenError(
                f"This needs the permission {permission.value!r}, which {who} does not have"
            ) from None


FULL = Access(NOBODY, dict.fromkeys(Permission, EVERYTHING))
"""Everything."""


class Policy:
    """The rules of the settings. Without rules, who came in may do everything, as in Orthanc."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._all: dict[Permission, Scope] = dict.fromkeys(Permission, EVERYTHING)

    def access(self, principal: Principal = NOBODY) -> Access:
        """What a principal may do."""
        granted = self._all
        if principal.narrowed is not None:
            granted = {one: scope for one, scope in granted.items() if one in principal.narrowed}
        return Access(principal, granted)

"""The one policy: what a principal may do, and with which resources.

``AccessRules`` are grants. All that match who asks (by name, by a role of the proof, by modality
or certificate) and where from are joined, permission by permission; what nobody granted is
refused. Without ``AccessRules`` whoever came in may do everything, as in Orthanc.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hornburg.errors import ForbiddenError
from hornburg.security.addresses import parse_address
from hornburg.security.principals import NOBODY, Kind, Permission, Principal
from hornburg.settings import Settings
from hornburg.settings.rules import BUILT_IN_ROLES, NARROWABLE, AccessRule

__all__ = ["EVERYTHING", "FULL", "Access", "Narrow", "Policy", "Scope"]

#: Whoever changes names and addresses often costs no more memory than this.
_MOST_KEPT = 4096


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

    def may_all(self, permission: Permission) -> bool:
        """Whether it is allowed with every resource: what shortcuts ask, which look at none."""
        return permission is Permission.ANYONE or self.granted.get(permission, ()) is EVERYTHING

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
            who = self.principal.name or '"nobody" (who shows no name)'
            if self.principal.kind is Kind.TOKEN:
                # Its user may have it: the token may be narrower.
                who = f"this token of {who}"
            raise ForbiddenError(
                f"This needs the permission {permission.value}, which {who} does not have"
            ) from None


FULL = Access(Principal(kind=Kind.INSIDE), dict.fromkeys(Permission, EVERYTHING))
"""Everything: what the server itself may do."""

_NOTHING: Mapping[Permission, Scope] = {}


class Policy:
    """The rules of the settings.

    Answers are kept, so that a request costs a look into a mapping.
    """

    def __init__(self, settings: Settings) -> None:
        self._rules = settings.access_rules
        self._roles = {
            name: frozenset(map(Permission, words))
            for name, words in (*BUILT_IN_ROLES.items(), *settings.roles.items())
        }
        self._kept: dict[Principal, Access] = {}
        rules = self._rules or ()
        self._modalities = frozenset(name for rule in rules for name in rule.modalities)
        self._certificates = frozenset(name for rule in rules for name in rule.certificates)

    @property
    def has_rules(self) -> bool:
        """Whether there are ``AccessRules``, and so anything that somebody may not."""
        return self._rules is not None

    def role(self, name: str) -> frozenset[Permission] | None:
        """The permissions of a role; ``None`` when there is no such role."""
        return self._roles.get(name)

    def access(self, principal: Principal = NOBODY) -> Access:
        """What a principal may do."""
        known = self._kept.get(principal)
        if known is None:
            known = Access(principal, self._granted(principal))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[principal] = known
        return known

    def _granted(self, principal: Principal) -> Mapping[Permission, Scope]:
        if principal.kind is Kind.INSIDE:
            granted: Mapping[Permission, Scope] = FULL.granted
        elif self._rules is None:
            granted = self._without_rules(principal)
        elif principal.kind is Kind.AET and not self._is_named(principal):
            granted = FULL.granted
        else:
            granted = self._by_rules(principal, self._rules)
        if principal.narrowed is not None:
            return {one: scope for one, scope in granted.items() if one in principal.narrowed}
        return granted

    def _without_rules(self, principal: Principal) -> Mapping[Permission, Scope]:
        if principal.kind is not Kind.OPENID:
            return FULL.granted
        # A provider knows many who have no business here: its roles must say what they may.
        roles = (self._roles.get(role, frozenset()) for role in principal.roles)
        return dict.fromkeys(frozenset[Permission]().union(*roles), EVERYTHING)

    def _is_named(self, principal: Principal) -> bool:
        """Whether rules speak of a caller of the DICOM server; the others keep what
        ``DicomModalities`` gives them."""
        return (
            principal.name in self._modalities
            or "*" in self._modalities
            or (principal.detail != "" and principal.detail in self._certificates)
        )

    def _by_rules(
        self, principal: Principal, rules: Iterable[AccessRule]
    ) -> Mapping[Permission, Scope]:
        granted: dict[Permission, Scope] = {}
        for rule in rules:
            if not _is_for(rule, principal) or not _is_from(rule, principal.address):
                continue
            narrow = Narrow(rule.labels, rule.patients, rule.studies) if rule.is_narrow else None
            for permission in self._permissions(rule):
                if narrow is None:
                    granted[permission] = EVERYTHING
                elif permission.value in NARROWABLE:
                    granted[permission] = _joined(granted.get(permission, ()), narrow)
        return granted or _NOTHING

    def _permissions(self, rule: AccessRule) -> Iterable[Permission]:
        if rule.role:
            # A role that isn't there was refused when the configuration was read.
            return self._roles.get(rule.role, frozenset())
        return map(Permission, rule.permissions)


def _joined(scope: Scope, narrow: Narrow) -> Scope:
    return scope if scope is None or narrow in scope else (*scope, narrow)


def _is_for(rule: AccessRule, principal: Principal) -> bool:
    kind, name = principal.kind, principal.name
    if kind in (Kind.AET, Kind.CERTIFICATE) and principal.detail in rule.certificates:
        return True
    if kind is Kind.AET:
        return "*" in rule.modalities or (name != "" and name in rule.modalities)
    if kind is Kind.NOBODY:
        return "nobody" in rule.users
    if "*" in rule.users:
        return True
    if not rule.token_roles.isdisjoint(principal.roles):
        return True
    if kind is Kind.OPENID:
        # Who may choose a name at the provider must not become a user of ours by that: names of
        # ours hold no colon, those of the provider do (UsernamePrefix).
        return ":" in name and name in rule.users
    return name not in ("", "nobody") and name in rule.users


def _is_from(rule: AccessRule, address: str) -> bool:
    if not rule.networks:
        return True
    seen = parse_address(address)
    return seen is not None and any(seen in network for network in rule.networks)

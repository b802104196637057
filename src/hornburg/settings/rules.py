"""The sections of the policy: ``Roles`` and ``AccessRules``, ours alone.

Words are checked here, so that a rule that was written wrongly stops the start and never grants
or denies something else than its author meant.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hornburg.settings.errors import Refused
from hornburg.settings.sections import freeze, member, read_section, text

__all__ = [
    "BUILT_IN_ROLES",
    "NARROWABLE",
    "PERMISSIONS",
    "ROLES_ALLOWED",
    "RULES_ALLOWED",
    "AccessRule",
    "Network",
    "read_roles",
    "read_rules",
    "refuse_unknown_roles",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PERMISSIONS = (
    "view",
    "download",
    "upload",
    "edit",
    "modify",
    "anonymize",
    "delete",
    "send",
    "query-remote",
    "worklists",
    "jobs",
    "settings",
    "control",
    "metrics",
    "scripts",
    "audit",
)
"""What may be granted."""

NARROWABLE = frozenset(
    ("view", "download", "upload", "edit", "modify", "anonymize", "delete", "send")
)
"""What is about resources of the archive, and can be limited to some of them."""

BUILT_IN_ROLES: Mapping[str, tuple[str, ...]] = freeze(
    {
        "reader": ("view", "download"),
        "uploader": ("upload",),
        "editor": (
            "view",
            "download",
            "upload",
            "edit",
            "modify",
            "anonymize",
            "send",
            "query-remote",
            "worklists",
        ),
        "admin": PERMISSIONS,
    }
)
"""The roles that are always there."""

_MOST_ROLES = 1000
_MOST_RULES = 1000
_MOST_ENTRIES = 1000
_ROLE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# As the archive takes them (Orthanc Book, users/labels).
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One grant: to whom, what, from where, with what.

    ``users``, ``token_roles``, ``modalities`` and ``certificates`` say to whom: any of them is
    enough. Either ``role`` or ``permissions`` is set. An empty ``networks`` is everywhere; each of
    ``labels``, ``patients`` and ``studies`` that isn't empty narrows the grant.
    """

    users: frozenset[str] = frozenset()
    token_roles: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    role: str = ""
    permissions: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    labels: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()
    studies: frozenset[str] = frozenset()

    @property
    def is_narrow(self) -> bool:
        """Whether it is about some resources alone."""
        return bool(self.labels or self.patients or self.studies)


def _permission(value: object) -> str:
    if value not in PERMISSIONS:
        raise Refused("one of " + ", ".join(PERMISSIONS), value)
    return str(value)


def _list(value: object, read: Callable[[object], Any], what: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_ENTRIES:
        raise Refused(f"a list of 1 to {_MOST_ENTRIES} {what}", value)
    return tuple(member(f"[{place}]", read, item) for place, item in enumerate(value))


def _permissions(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_list(value, _permission, "permissions")))


ROLES_ALLOWED = 'an object such as { "nurse": ["view", "download"] }'


def read_roles(value: object) -> Mapping[str, tuple[str, ...]]:
    """Read ``Roles``: from the name of a role to its permissions, beside the built-in ones.

    Raises:
        Refused: a name that is built in, or a permission that isn't there.
    """

    def one(name: str, inner: object) -> tuple[str, ...]:
        if name in BUILT_IN_ROLES:
            raise Refused(f"another name: {', '.join(BUILT_IN_ROLES)} are built in", name)
        if not _ROLE_NAME.fullmatch(name):
            raise Refused("a name of 1 to 64 letters, digits, - and _", name)
        return _permissions(inner)

    roles = read_section(value, one)
    if len(roles) > _MOST_ROLES:
        raise Refused(f"at most {_MOST_ROLES} roles", len(roles))
    return freeze(roles)


def _names(what: str) -> Callable[[object], frozenset[str]]:
    def name(value: object) -> str:
        if not (found := text(value, f"the name of a {what}", 1024)):
            raise Refused(f"the name of a {what}", value)
        return found

    return lambda value: frozenset(_list(value, name, f"names of {what}s"))


def _matching(pattern: re.Pattern[str], allowed: str) -> Callable[[object], frozenset[str]]:
    def one(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Refused(allowed, value)
        return value

    return lambda value: frozenset(_list(value, one, "entries"))


def _network(value: object) -> Network:
    allowed = "an IP address, or a network such as 10.0.0.0/8"
    try:
        return ipaddress.ip_network(text(value, allowed, 64))
    except ValueError:
        raise Refused(allowed, value) from None


def _networks(value: object) -> tuple[Network, ...]:
    return _list(value, _network, "addresses")


def _role(value: object) -> str:
    allowed = "the name of a role"
    if not isinstance(value, str) or not _ROLE_NAME.fullmatch(value):
        raise Refused(allowed, value)
    return value


_MEMBERS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "Users": ("users", _names("user")),
    "TokenRoles": ("token_roles", _names("role")),
    "Modalities": ("modalities", _names("modality")),
    "Certificates": ("certificates", _names("certificate")),
    "Role": ("role", _role),
    "Permissions": ("permissions", _permissions),
    "Addresses": ("networks", _networks),
    "Labels": (
        "labels",
        _matching(_LABEL, "a label: 1 to 64 letters, digits, - and _"),
    ),
    "Patients": ("patients", _names("patient")),
    "Studies": ("studies", _matching(_UID, "a StudyInstanceUID")),
}
_SUBJECTS = ("Users", "TokenRoles", "Modalities", "Certificates")

RULES_ALLOWED = "a list of objects with " + ", ".join(_MEMBERS)


def read_rules(value: object) -> tuple[AccessRule, ...]:
    """Read ``AccessRules``.

    Raises:
        Refused: a member is unknown, has a value that it can't have, or is missing.
    """
    if not isinstance(value, list) or len(value) > _MOST_RULES:
        raise Refused(RULES_ALLOWED, value)
    return tuple(member(f"[{place}]", _rule, item) for place, item in enumerate(value))


def _rule(value: object) -> AccessRule:
    def one(name: str, inner: object) -> Any:
        if name not in _MEMBERS:
            raise Refused("one of " + ", ".join(_MEMBERS), name)
        return _MEMBERS[name][1](inner)

    given = read_section(value, one)
    if not any(subject in given for subject in _SUBJECTS):
        raise Refused("a rule that says for whom: " + ", ".join(_SUBJECTS), value)
    if ("Role" in given) is ("Permissions" in given):
        raise Refused("a rule with either Role or Permissions", value)
    rule = AccessRule(**{_MEMBERS[name][0]: inner for name, inner in given.items()})
    if rule.is_narrow:
        for place, permission in enumerate(rule.permissions):
            if permission not in NARROWABLE:
                raise Refused(
                    "what is about resources, in a rule with Labels, Patients or Studies: "
                    + ", ".join(sorted(NARROWABLE)),
                    permission,
                    f".Permissions[{place}]",
                )
    return rule


def refuse_unknown_roles(
    roles: Mapping[str, tuple[str, ...]], rules: tuple[AccessRule, ...]
) -> None:
    """Every role that a rule gives must be there.

    Raises:
        Refused: one isn't; the path names the rule.
    """
    for place, rule in enumerate(rules):
        if rule.role and rule.role not in roles and rule.role not in BUILT_IN_ROLES:
            known = ", ".join((*BUILT_IN_ROLES, *roles))
            raise Refused(f"a role that is there: {known}", rule.role, f"[{place}].Role")

"""``HardenedExceptions``: the reasons for values that the profile Hardened would refuse."""

from __future__ import annotations

from collections.abc import Mapping

from hornburg.settings.errors import Refused
from hornburg.settings.sections import freeze, read_section, text

__all__ = ["EXCEPTIONS_ALLOWED", "read_exceptions"]

EXCEPTIONS_ALLOWED = 'an object { "name of an option": "the reason for its unsafe value" }'


def read_exceptions(value: object) -> Mapping[str, str]:
    """Option -> reason.

    Raises:
        Refused: a reason is missing.
    """

    def one(name: str, inner: object) -> str:
        reason = text(inner, "a reason", 500).strip()
        if not reason:
            raise Refused("a reason that another administrator understands", inner)
        return reason

    return freeze(read_section(value, one))

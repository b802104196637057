"""What some manufacturers understand by a query that the standard doesn't say.

Source: the comments of Orthanc's sample configuration ("DicomModalities"); what arrives at the
other side was watched on Orthanc 1.10.
"""

from __future__ import annotations

from hornburg.dicom.elements import Elements, Value
from hornburg.settings.values import Manufacturer

__all__ = ["adapted", "universal"]

_DATES = ("DA", "DT")


def universal(manufacturer: Manufacturer) -> str:
    """How "any value" is asked of a key that the user didn't name: GE wants a star."""
    return "*" if manufacturer is Manufacturer.GE else ""


def adapted(identifier: Elements, manufacturer: Manufacturer) -> Elements:
    """A query with single stars taken out where the other side stumbles over them.

    ``GenericNoWildcardInDates`` asks without them in dates, ``GenericNoUniversalWildcard``
    everywhere. ``Generic``, ``Vitrea`` and ``GE`` take a query as it is.
    """
    if manufacturer is Manufacturer.GENERIC_NO_WILDCARD_IN_DATES:
        return _without_stars(identifier, dates_only=True)
    if manufacturer is Manufacturer.GENERIC_NO_UNIVERSAL_WILDCARD:
        return _without_stars(identifier, dates_only=False)
    return identifier


def _without_stars(identifier: Elements, *, dates_only: bool) -> Elements:
    changed: Elements = {}
    for tag, value in identifier.items():
        if isinstance(value.content, tuple):
            items = tuple(_without_stars(item, dates_only=dates_only) for item in value.content)
            changed[tag] = Value(value.vr, items)
        elif value.content == "*" and (value.vr in _DATES or not dates_only):
            changed[tag] = Value(value.vr)
        else:
            changed[tag] = value
    return changed

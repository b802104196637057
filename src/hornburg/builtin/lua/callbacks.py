"""The names of the functions that a script may define (Orthanc Book, users/lua)."""

from __future__ import annotations

__all__ = ["CALLBACKS", "EVENTS", "FILTERS_APART", "MISSING"]

_LEVELS = ("Patient", "Study", "Series", "Instance")

FILTERS_APART = frozenset({"ReceivedInstanceFilter", "ReceivedCStoreInstanceFilter"})
"""Filters that run in a runtime of their own, as in Orthanc: a callback may upload, and so bring
about that they are asked while it runs."""

EVENTS = {
    "NewInstance": {"Instance": "OnStoredInstance"},
    "JobSubmitted": {"": "OnJobSubmitted"},
    "JobSuccess": {"": "OnJobSuccess"},
    "JobFailure": {"": "OnJobFailure"},
    **{f"Stable{level}": {level: f"OnStable{level}"} for level in _LEVELS[:3]},
    **{f"Deleted{level}": {level: f"OnDeleted{level}"} for level in _LEVELS},
    "UpdatedMetadata": {level: f"OnUpdated{level}" for level in _LEVELS},
    "UpdatedAttachment": {level: f"OnUpdated{level}" for level in _LEVELS},
}
"""Kind of event -> level -> function."""

MISSING = frozenset({"OutgoingCStoreInstanceFilter"})
"""Filters that nobody would ask; a script that relies on one is refused."""

CALLBACKS = frozenset(
    {
        "Initialize",
        "Finalize",
        "OnHeartBeat",
        "IncomingHttpRequestFilter",
        "IncomingFindRequestFilter",
        "IncomingWorklistRequestFilter",
        "OutgoingFindRequestFilter",
        *FILTERS_APART,
        *MISSING,
        *(function for levels in EVENTS.values() for function in levels.values()),
    }
)
"""All of them."""

"""The audit trail: who did what to whose images, when, and how it ended.

Doors and verbs :meth:`~hornburg.security.trail.trail.Trail.note` events; a thread writes them as
lines of JSON that are chained and sealed, so that a line that was changed, taken out or cut off is
found (:mod:`hornburg.security.trail.verify`).
"""

from hornburg.security.trail.events import Event, Identity, Outcome, Subject
from hornburg.security.trail.trail import NO_TRAIL, Trail, TrailBrokenError

__all__ = ["NO_TRAIL", "Event", "Identity", "Outcome", "Subject", "Trail", "TrailBrokenError"]

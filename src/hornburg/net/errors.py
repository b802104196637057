"""What can go wrong between two application entities."""

from __future__ import annotations

from hornburg.errors import HornburgError

__all__ = ["AssociationLostError"]


class AssociationLostError(HornburgError):
    """The association has ended: aborted, released, timed out, or the connection is gone."""

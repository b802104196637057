"""What keeps an image from being changed to another transfer syntax."""

from __future__ import annotations

from hornburg.errors import HornburgError

__all__ = ["TranscodingError"]


class TranscodingError(HornburgError):
    """The image can't be changed to the transfer syntax that was asked for.

    It is damaged, larger than allowed, or of a kind that one of both codecs doesn't take.
    """

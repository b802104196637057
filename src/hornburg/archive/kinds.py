"""What a name or a number of metadata and attachments means, and which of them users may change.

Source: Orthanc Book, faq/features, "Metadata & attachments": keys from 1024 to 65535 are the
user's own, those below belong to the core and are read-only.
"""

from __future__ import annotations

import re

from hornburg.errors import ForbiddenError, InexistentItemError
from hornburg.index.names import FIRST_USER, LAST_USER, Names

__all__ = [
    "known_attachment",
    "known_metadata",
    "user_attachment",
    "user_metadata",
]

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


def known_metadata(names: Names, text: str) -> int:
    """The number of a metadata that may be asked for.

    Raises:
        InexistentItemError: nothing has this name.
    """
    return _known(names.metadata_number(_plain(text)), "metadata", text)


def known_attachment(names: Names, text: str) -> int:
    """The number of an attachment that may be asked for.

    Raises:
        InexistentItemError: nothing has this name.
    """
    return _known(names.attachment_number(_plain(text)), "attachment", text)


def user_metadata(names: Names, text: str) -> int:
    """The number of a metadata that users may change.

    Raises:
        ForbiddenError: it belongs to the core, or is out of range.
        InexistentItemError: nothing has this name.
    """
    return _user(names.metadata_number(_plain(text)), "metadata", text)


def user_attachment(names: Names, text: str) -> int:
    """The number of an attachment that users may change.

    Raises:
        ForbiddenError: it belongs to the core, or is out of range.
        InexistentItemError: nothing has this name.
    """
    return _user(names.attachment_number(_plain(text)), "attachment", text)


def _plain(text: str) -> str:
    """Numbers in one form: ``01024`` is ``1024``, as for Orthanc."""
    return str(int(text)) if _NUMBER.fullmatch(text) else text


def _known(number: int | None, what: str, text: str) -> int:
    if number is None:
        raise InexistentItemError(f"No {what} is called {text[:64]!r}")
    return number


def _user(number: int | None, what: str, text: str) -> int:
    if number is None and _NUMBER.fullmatch(text) is None:
        raise InexistentItemError(f"No {what} is called {text[:64]!r}")
    if number is None or not FIRST_USER <= number <= LAST_USER:
        raise ForbiddenError(
            f"The {what} {text[:64]!r} can't be changed: users may change {FIRST_USER} to "
            f"{LAST_USER}"
        )
    return number

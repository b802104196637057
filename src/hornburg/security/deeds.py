"""What commands have done, until it is in the audit trail.

One process at a time writes a trail. A command that changes who may come in, whether the server
runs or not, leaves word here, and the server takes it into the trail.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hornburg.errors import HornburgError
from hornburg.security.principals import Kind, Principal
from hornburg.security.private_file import PrivateFile
from hornburg.security.trail import Event
from hornburg.security.trail.files import time_text

__all__ = ["DEEDS_FILE", "Deed", "Deeds"]

DEEDS_FILE = "hornburg-commands.json"
"""The file of what is not in the trail yet, beside the index."""

#: Deeds that are kept; beyond, the oldest go.
_MOST = 10_000

_KEY = "deeds"


class Deed(msgspec.Struct):
    """What was done.

    Attributes:
        time: Unix time in seconds.
        action: the word of the trail.
        what: to what, such as ``/account/tokens/4f0c``.
        user: the user of the system who did it.
        command: by which command.
    """

    time: float
    action: str
    what: str
    user: str
    command: str

    def event(self) -> Event:
        """What the trail is told; its line has the time at which the server has heard of it."""
        return Event(
            action=self.action,
            who=Principal(self.user, Kind.INSIDE, detail=self.command),
            door="command",
            what=self.what,
            detail=f"done at {time_text(self.time)}",
        )


class Deeds:
    """The file of them."""

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def leave(self, deed: Deed) -> None:
        """Leave word of a deed. Blocks.

        Raises:
            HornburgError: the file can't be written.
        """

        def add(content: dict[str, Any]) -> None:
            found = content.get(_KEY)
            kept = found if isinstance(found, list) else []
            content[_KEY] = [*kept, msgspec.structs.asdict(deed)][-_MOST:]

        self._file.change(add)

    def are_there(self) -> bool:
        """Whether something waits; a look at the file and no more when it is as it was.

        Raises:
            HornburgError: the file can't be read.
        """
        return bool(self._file.content().get(_KEY))

    def take(self) -> list[Deed]:
        """What waits; it waits no more. Blocks.

        Raises:
            HornburgError: the file can't be read or written.
        """
        taken: list[Any] = []

        def remove(content: dict[str, Any]) -> None:
            found = content.pop(_KEY, None)
            taken.extend(found if isinstance(found, list) else [])

        self._file.change(remove)
        try:
            return msgspec.convert(taken, list[Deed])
        except msgspec.ValidationError as error:
            raise HornburgError(f"What commands have done can't be read: {error}") from None

"""What a wrong configuration raises: one line that names the place, the option and the rule."""

from __future__ import annotations

import json

from hornburg.errors import HornburgError

__all__ = ["Refused", "SettingsError", "show"]

# A line on a terminal: longer values say no more than their beginning.
_LONGEST_VALUE = 80


def show(value: object) -> str:
    """Write ``value`` as one short line of JSON."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


class Refused(Exception):  # noqa: N818 - not an error of the program: a reader's answer "no"
    """A reader of one option doesn't take the value.

    ``allowed`` says what would be right, ``path`` where inside of a section the value is (empty
    for the option itself), ``value`` what was found there.
    """

    def __init__(self, allowed: str, value: object, path: str = "") -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.value = value
        self.path = path

    def inside(self, step: str) -> Refused:
        """The same answer, seen from one level further out."""
        return Refused(self.allowed, self.value, step + self.path)


class SettingsError(HornburgError):
    """The configuration can't be used, and the server doesn't start.

    ``where`` names the file (and line) or the environment variable; ``option`` the option, with
    its path inside of a section, or is empty when the file as a whole is wrong; ``value`` is the
    refused value as short JSON, or None when there is none to show or it is a secret; ``allowed``
    says what is wrong or what would be right.
    """

    def __init__(
        self, where: str, allowed: str, *, option: str = "", value: str | None = None
    ) -> None:
        self.where = where
        self.option = option
        self.value = value
        self.allowed = allowed
        middle = f" {option}" if option and value is None else ""
        if value is not None:
            middle = f" {option} is {value}"
        text = f"{where}:{middle}: {allowed}" if middle else f"{where}: {allowed}"
        # One line, whatever a file name or a value holds.
        super().__init__("".join(c if c.isprintable() else "?" for c in text))

"""Application entity titles (PS3.8 9.3.2, PS3.5 value representation AE)."""

from __future__ import annotations

from hornburg.ul.errors import LocalProtocolError

__all__ = ["TITLE_SIZE", "title_bytes", "title_fault", "title_text"]

TITLE_SIZE = 16


def title_text(field: bytes) -> str:
    """The title in a field of 16 bytes, blanks around it left out.

    Bytes beyond ASCII become the characters of Latin-1, so that :func:`title_fault` finds them.
    NULs at the end count as blanks, as some peers pad with them.
    """
    return field.rstrip(b"\0").decode("latin-1").strip(" ")


def title_fault(title: str) -> str | None:
    """What is wrong with a title, as the end of a sentence; none when it is a good one.

    PS3.5 table 6.2-1: 1 to 16 characters of the default repertoire, without the backslash and
    control characters, and not of blanks alone.
    """
    if not title.strip(" "):
        return "is empty"
    if len(title) > TITLE_SIZE:
        return f"is longer than {TITLE_SIZE} characters"
    if not title.isascii():
        return "holds a character that is not ASCII"
    if not title.isprintable():
        return "holds a control character"
    if "\\" in title:
        return "holds a backslash"
    return None


def title_bytes(title: str) -> bytes:
    """The field of 16 bytes for a title that we send.

    Raises:
        LocalProtocolError: it is no title.
    """
    fault = title_fault(title)
    if fault is not None:
        raise LocalProtocolError(f"The application entity title {title!r} {fault}")
    return title.encode("ascii").ljust(TITLE_SIZE)

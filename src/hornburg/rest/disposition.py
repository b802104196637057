"""How a browser shall take a file: its name (RFC 6266), and types that it must not execute."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

__all__ = ["OCTETS", "disposition", "harmless"]

OCTETS = "application/octet-stream"

#: Longer names are cut; most file systems take 255 bytes.
_LONGEST = 200

#: Names that need no closer look, such as those of the storage.
_PLAIN = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9 ._-]{0,100}[A-Za-z0-9_-])?", re.ASCII)

#: Shown by browsers without executing anything of the page they come from. PDF is not among them: it
#: may hold scripts and links, and is saved.
_SHOWN = frozenset(
    (
        "application/json",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "text/csv",
        "text/plain",
        "video/mp4",
        "video/mpeg",
        "video/ogg",
        "video/webm",
    )
)

#: What a browser runs, or takes as part of a page: markup, styles, scripts, and what wraps them.
_ACTIVE = re.compile(
    r"(text|multipart|message|model|font)/.*|.*(html|xml|xsl|svg|script|wasm|java|flash|shockwave)"
    r".*|application/(x-)?(msdownload|executable|dosexec|mshta|hta|mht.*)",
    re.IGNORECASE,
)


def harmless(mime: str | None) -> tuple[str, bool]:
    """The type with which a file of a user is answered, and whether a browser may show it.

    A type that a browser could execute becomes ``application/octet-stream``.
    """
    kind = (mime or OCTETS).split(";", 1)[0].strip().lower()
    if kind in _SHOWN:
        assert mime is not None
        return mime, True
    if _ACTIVE.fullmatch(kind):
        return OCTETS, False
    return mime or OCTETS, False


def disposition(name: str, *, shown: bool = False) -> str:
    """The value of ``Content-Disposition``; whatever the name holds, it stays one header.

    RFC 6266 appendix D: the name once in ASCII, and once in UTF-8 when that says more.
    """
    kind = "inline" if shown else "attachment"
    if _PLAIN.fullmatch(name) is not None:
        return f'{kind}; filename="{name}"'
    name = _clean(name)
    plain = _ascii(name)
    if plain == name:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _clean(name: str) -> str:
    """Without what no file system wants, nor a header: controls, separators, lone surrogates."""
    kept = "".join(
        "_" if char in '/\\:*?"<>|' or unicodedata.category(char) in _NOT_IN_NAMES else char
        for char in name[:_LONGEST]
    ).strip(" .")
    return kept or "file"


#: Controls, formats (such as those that turn the direction of writing), surrogates, line ends.
_NOT_IN_NAMES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r'[/\\:*?"<>|%\x00-\x1f\x7f]', "_", plain).strip(" .") or "file"

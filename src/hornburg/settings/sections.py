"""Readers of the options that are sections: each turns JSON into a type of ``values``.

A reader raises :class:`Refused` with the path inside of the section, so that the message names
the very member that is wrong.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from hornburg.settings.errors import Refused
from hornburg.settings.rows import Secret
from hornburg.settings.values import ContentType, DictionaryEntry, OverwriteInstances

__all__ = [
    "ENCODINGS",
    "flag",
    "freeze",
    "limits_of",
    "member",
    "overlay_of",
    "read_addresses",
    "read_dictionary",
    "read_encoding",
    "read_extra_main_dicom_tags",
    "read_overwrite",
    "read_section",
    "read_title",
    "read_user_content_type",
    "read_user_metadata",
    "read_users",
    "text",
    "whole",
]

T = TypeVar("T")

# More members than any site has; a bound so that a generated file can't fill the memory.
_LONGEST_SECTION = 100_000

ENCODINGS = (
    "Ascii",
    "Utf8",
    "Latin1",
    "Latin2",
    "Latin3",
    "Latin4",
    "Latin5",
    "Cyrillic",
    "Windows1251",
    "Arabic",
    "Greek",
    "Hebrew",
    "Thai",
    "Japanese",
    "Chinese",
    "JapaneseKanji",
    "Korean",
    "SimplifiedChinese",
)
ENCODINGS_ALLOWED = "one of " + ", ".join(f'"{name}"' for name in ENCODINGS)

# PS3.5 table 6.2-1.
_VRS = frozenset(
    [
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "OB",
        "OD",
        "OF",
        "OL",
        "OV",
        "OW",
        "PN",
        "SH",
        "SL",
        "SQ",
        "SS",
        "ST",
        "SV",
        "TM",
        "UC",
        "UI",
        "UL",
        "UN",
        "UR",
        "US",
        "UT",
        "UV",
    ]
)

# Names that the archive gives to its own metadata and attachments; a user's name may not hide one.
_OWN_METADATA = frozenset(
    [
        "IndexInSeries",
        "ReceptionDate",
        "RemoteAET",
        "ExpectedNumberOfInstances",
        "ModifiedFrom",
        "AnonymizedFrom",
        "LastUpdate",
        "Origin",
        "TransferSyntax",
        "SopClassUid",
        "RemoteIP",
        "CalledAET",
        "HttpUsername",
        "PixelDataOffset",
        "MainDicomTagsSignature",
        "MainDicomSequences",
        "PixelDataVR",
    ]
)
_OWN_CONTENT = frozenset({"dicom", "dicom-as-json", "dicom-until-pixel-data"})
_USER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}", re.ASCII)
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+\-]{1,127}/[A-Za-z0-9!#$&^_.+\-]{1,127}", re.ASCII)
_TAG = re.compile(r"([0-9a-fA-F]{4}),?([0-9a-fA-F]{2}|[0-9a-fA-F]{4})", re.ASCII)
_WHOLE_TAG = re.compile(r"[0-9a-fA-F]{4},?[0-9a-fA-F]{4}", re.ASCII)
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)
# The form that argon2 writes (PHC string format); 3 numbers, salt and hash in base64.
_ARGON2ID = re.compile(
    r"\$argon2id\$v=19\$m=\d{1,10},t=\d{1,5},p=\d{1,3}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}",
    re.ASCII,
)


def freeze(value: Mapping[str, T]) -> Mapping[str, T]:
    """A mapping that nobody can change."""
    return MappingProxyType(dict(value))


def read_section(value: object, read: Callable[[str, object], T]) -> dict[str, T]:
    """Read a JSON object member by member; ``read`` gets the name and the value of each."""
    if not isinstance(value, dict) or len(value) > _LONGEST_SECTION:
        raise Refused("an object { ... }", value)
    result: dict[str, T] = {}
    for name, inner in value.items():
        try:
            result[name] = read(name, inner)
        except Refused as no:
            raise no.inside(f".{name}") from None
    return result


def member(step: str, read: Callable[[object], T], value: object) -> T:
    """Read one member, and name it when it is refused."""
    try:
        return read(value)
    except Refused as no:
        raise no.inside(step) from None


def text(value: object, allowed: str = "a string", longest: int = 4096) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise Refused(allowed, value)
    return value


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused("true or false", value)
    return value


def whole(value: object, least: int, most: int, what: str = "an integer") -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(f"{what} from {least} to {most}", value)
    return value


def read_title(value: object) -> str:
    """An application entity title: PS3.5 table 6.2-1, AE: 16 characters, no backslash."""
    allowed = "1 to 16 printable ASCII characters without \\, not only spaces"
    title = text(value, allowed, 16)
    if not title.isascii() or not title.strip() or "\\" in title:
        raise Refused(allowed, value)
    return title


def read_encoding(value: object) -> str:
    if value not in ENCODINGS:
        raise Refused(ENCODINGS_ALLOWED, value)
    return str(value)


def read_overwrite(value: object) -> OverwriteInstances:
    """The three words, and the booleans of older configurations."""
    if isinstance(value, bool):
        return OverwriteInstances.ALWAYS if value else OverwriteInstances.NEVER
    for word in OverwriteInstances:
        if word.value == value:
            return word
    raise Refused('"Never", "Always", "IfChanged", false or true', value)


def read_addresses(value: object) -> tuple[str, ...]:
    """A list of IP addresses to listen on."""
    allowed = "a list of at most 64 IPv4 or IPv6 addresses"
    if not isinstance(value, list) or len(value) > 64:
        raise Refused(allowed, value)
    result: list[str] = []
    for place, item in enumerate(value):
        try:
            # Only texts: ip_address() would take the number 1 for 0.0.0.1.
            address = ipaddress.ip_address(text(item, "an IPv4 or IPv6 address"))
        except ValueError:
            raise Refused("an IPv4 or IPv6 address", item, f"[{place}]") from None
        except Refused as no:
            raise no.inside(f"[{place}]") from None
        if str(address) not in result:
            result.append(str(address))
    return tuple(result)


def read_users(value: object) -> Mapping[str, Secret]:
    """Names and passwords; a password is plain text or an argon2id hash as PHC string."""

    def one(name: str, password: object) -> Secret:
        # RFC 7617 section 2: a user-id with a colon can't be told from its password.
        if not name or ":" in name or not name.isprintable() or len(name) > 255:
            raise Refused("a user name of 1 to 255 printable characters without a colon", name)
        secret = text(password, "a password, a string that is not empty", 1024)
        if not secret:
            raise Refused("a password, a string that is not empty", password)
        if secret.startswith("$argon2") and not _ARGON2ID.fullmatch(secret):
            raise Refused("a hash that reads $argon2id$v=19$m=...,t=...,p=...$salt$hash", password)
        return Secret(secret)

    return freeze(read_section(value, one))


def _user_number(number: object) -> int:
    return whole(number, 1024, 65535, "a number")


def _unique(pairs: Iterable[tuple[str, int]]) -> None:
    owners: dict[int, str] = {}
    for name, number in pairs:
        if number in owners:
            raise Refused(f"every number once, {owners[number]} has it already", number, f".{name}")
        owners[number] = name


def _user_name(name: str, own: frozenset[str]) -> None:
    if not _USER_NAME.fullmatch(name) or name in own:
        raise Refused(
            "a name is a letter and up to 63 letters, digits, _ - or dots, "
            "and no name that the server uses itself",
            name,
        )


def read_user_metadata(value: object) -> Mapping[str, int]:
    def one(name: str, number: object) -> int:
        _user_name(name, _OWN_METADATA)
        return _user_number(number)

    result = read_section(value, one)
    _unique(result.items())
    return freeze(result)


def read_user_content_type(value: object) -> Mapping[str, ContentType]:
    def one(name: str, entry: object) -> ContentType:
        _user_name(name, _OWN_CONTENT)
        if not isinstance(entry, list):
            return ContentType(_user_number(entry))
        if len(entry) != 2:
            raise Refused('a number, or [number, "MIME type"]', entry)
        mime = text(entry[1], "a MIME type such as application/pdf")
        if not _MIME.fullmatch(mime.split(";")[0].strip()):
            raise Refused("a MIME type such as application/pdf", mime, "[1]")
        return ContentType(member("[0]", _user_number, entry[0]), mime)

    result = read_section(value, one)
    _unique((name, content.number) for name, content in result.items())
    return freeze(result)


def read_dictionary(value: object) -> Mapping[str, DictionaryEntry]:
    """Tags as ``gggg,eeee`` or, for private ones, ``gggg,ee``; the keys become 8 hex digits."""
    form = '[VR, name, minimum, maximum, "private creator"], the last three may be left out'

    def one(tag: str, entry: object) -> DictionaryEntry:
        if not _TAG.fullmatch(tag):
            raise Refused('a tag is "gggg,eeee", or "gggg,ee" in a private group', tag)
        if not isinstance(entry, list) or not 2 <= len(entry) <= 5:
            raise Refused(form, entry)
        vr, name, *rest = entry
        if not isinstance(vr, str) or vr not in _VRS:
            raise Refused("a value representation of PS3.5 table 6.2-1", vr, "[0]")
        minimum = whole(rest[0], 0, 65535) if rest else 1
        maximum = whole(rest[1], 0, 65535) if len(rest) > 1 else 1
        if 0 < maximum < minimum:
            raise Refused("a maximum of 0 (any number) or at least the minimum", maximum, "[3]")
        creator = text(rest[2], "a private creator", 64) if len(rest) > 2 else ""
        return DictionaryEntry(
            vr,
            member("[1]", lambda v: text(v, "a name", 128), name),
            minimum,
            maximum,
            creator,
        )

    result: dict[str, DictionaryEntry] = {}
    for tag, entry in read_section(value, one).items():
        found = _TAG.fullmatch(tag)
        assert found is not None
        key = f"{found[1]}{found[2]:0>4}".lower()
        if key in result:
            raise Refused("every tag once", tag, f".{tag}")
        result[key] = entry
    return freeze(result)


def read_extra_main_dicom_tags(value: object) -> Mapping[str, tuple[str, ...]]:
    levels = ("Patient", "Study", "Series", "Instance")

    def tag(item: object) -> str:
        allowed = 'a tag as keyword or "gggg,eeee"'
        name = text(item, allowed)
        if not _KEYWORD.fullmatch(name) and not _WHOLE_TAG.fullmatch(name):
            raise Refused(allowed, item)
        return name

    def one(level: str, tags: object) -> tuple[str, ...]:
        if level not in levels:
            raise Refused(f"one of {', '.join(levels)}", level)
        if not isinstance(tags, list) or len(tags) > 1000:
            raise Refused("a list of at most 1000 tags", tags)
        found = (member(f"[{place}]", tag, item) for place, item in enumerate(tags))
        return tuple(dict.fromkeys(found))

    return freeze(read_section(value, one))


def overlay_of(
    defaults: Mapping[str, T], read: Callable[[object], T]
) -> Callable[[object], Mapping[str, T]]:
    """A reader for a section of known members: those that are given replace the defaults."""

    def one(name: str, inner: object) -> T:
        if name not in defaults:
            raise Refused(f"one of {', '.join(defaults)}", name)
        return read(inner)

    def reader(value: object) -> Mapping[str, T]:
        return freeze({**defaults, **read_section(value, one)})

    return reader


def limits_of(least: int, most: int) -> Callable[[object], Any]:
    """A reader of an integer in a range, as a member of a section."""
    return lambda value: whole(value, least, most)

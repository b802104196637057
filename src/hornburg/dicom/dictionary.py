"""The data dictionary: tags, keywords and VRs, public and private, plus the user's own entries.

The tables are pydicom's, made from PS3.6 and from GDCM's list of private tags. They are read as
plain modules, without the rest of pydicom, which would cost 20 MB and 150 ms at start-up.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hornburg.dicom.vrs import AMBIGUOUS

__all__ = ["DEFAULT", "UNKNOWN", "Dictionary", "Entry", "Step"]

UNKNOWN = "Unknown Tag & Data"
"""The name of a tag that is in no dictionary, as Orthanc prints it."""


class Entry(Protocol):
    """One more tag of the configuration (option ``Dictionary``)."""

    @property
    def vr(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def private_creator(self) -> str: ...


class Step(NamedTuple):
    """A step of a path into sequences: ``item`` counts from 0, none is every item."""

    tag: int
    item: int | None


class _Known(NamedTuple):
    vr: str
    keyword: str


_UNPREFIXED = frozenset(("OtherPatientIDs",))  # A main DICOM tag of Orthanc, by this name.
_DELIMITERS = 0xFFFEE000  # Items and delimiters (PS3.5 table 7.5-1) are no elements.
_HEX = re.compile(r"([0-9a-fA-F]{4})[,-]?([0-9a-fA-F]{4})")
_STEP = re.compile(r"([^\[\]]+?)(?:\[(\d{1,9}|\*)\])?")
_WORD = re.compile(r"[A-Za-z0-9]+")


@cache
def _table(module: str) -> Any:
    package = importlib.util.find_spec("pydicom")
    if package is None or not package.submodule_search_locations:
        raise ImportError("pydicom is not installed")
    path = Path(package.submodule_search_locations[0]) / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"hornburg.dicom.{module}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"pydicom has no module {module}")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def _known(vr: str, keyword: str, retired: str) -> _Known:
    # Orthanc's names of retired tags carry a prefix, as DCMTK's dictionary gives them.
    prefixed = retired and keyword and keyword not in _UNPREFIXED
    name = f"RETIRED_{keyword}" if prefixed else keyword
    return _Known(AMBIGUOUS.get(vr, vr), name or UNKNOWN)


@cache
def _public() -> dict[int, _Known]:
    table = _table("_dicom_dict").DicomDictionary
    return {tag: _known(row[0], row[4], row[3]) for tag, row in table.items()}


@cache
def _repeating() -> dict[int, dict[int, _Known]]:
    """The repeating groups of PS3.6, such as 60xx: mask -> tag under the mask -> entry."""
    tables: dict[int, dict[int, _Known]] = {}
    for pattern, row in _table("_dicom_dict").RepeatersDictionary.items():
        mask = int("".join("0" if digit == "x" else "f" for digit in pattern), 16)
        known = _known(row[0], row[4], row[3])
        tables.setdefault(mask, {})[int(pattern.replace("x", "0"), 16)] = known
    return tables


def _camel(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(name)) or "Unknown"


@cache
def _private() -> dict[tuple[str, int], _Known]:
    """Private tags by creator and group with the element's low byte, the block left out."""
    known: dict[tuple[str, int], _Known] = {}
    for creator, table in _table("_private_dict").private_dictionaries.items():
        for pattern, row in table.items():
            block, element = pattern[4:6], pattern[6:8]
            if "x" in pattern[:4] or "x" in element:
                continue
            key = int(pattern[:4], 16) << 16 | int(element, 16)
            if block == "xx" or (creator, key) not in known:
                vr = AMBIGUOUS.get(row[0], row[0])
                known[creator, key] = _Known(vr, _camel(row[2]))
    return known


class Dictionary:
    """The dictionary that a server uses. Look-ups take well below a microsecond.

    Args:
        entries: the user's own tags, by ``gggg,eeee``. A private tag's block is left open: the
            entry holds for every block that its private creator reserves.
    """

    def __init__(self, entries: Mapping[str, Entry] | Iterable[tuple[str, Entry]] = ()) -> None:
        rows = entries.items() if isinstance(entries, Mapping) else entries
        self._own: dict[int, _Known] = {}
        self._own_private: dict[tuple[str, int], _Known] = {}
        self._own_tags: dict[str, int] = {}
        for text, entry in rows:
            found = _HEX.fullmatch(text.strip())
            if found is None:
                raise ValueError(f"{text!r} is no tag: gggg,eeee in hexadecimal digits")
            tag = int(found[1] + found[2], 16)
            known = _Known(entry.vr, entry.name)
            if entry.private_creator:
                self._own_private[entry.private_creator, tag & 0xFFFF00FF] = known
            else:
                self._own[tag] = known
            self._own_tags[entry.name] = tag
        self._public = {**_public(), **self._own} if self._own else _public()
        self.public_vrs: dict[int, str] = {
            tag: known.vr for tag, known in self._public.items() if tag < _DELIMITERS
        }

    def tag(self, name: str) -> int | None:
        """The tag of a keyword or of digits such as ``0010,0010``, none when there is none."""
        name = name.strip()
        found = _HEX.fullmatch(name)
        if found is not None:
            return int(found[1] + found[2], 16)
        own = self._own_tags.get(name)
        return own if own is not None else _keywords().get(name)

    def keyword(self, tag: int, creator: str = "") -> str:
        """The name that Orthanc prints for a tag."""
        known = self._public.get(tag)
        if known is not None:
            return known.keyword
        known = self._lookup(tag, creator)
        if known is not None:
            return known.keyword
        element = tag & 0xFFFF
        private = tag >> 16 & 1
        if element == 0:
            return "PrivateGroupLength" if private else "GenericGroupLength"
        if private and 0x10 <= element <= 0xFF:
            return "PrivateCreator"
        return UNKNOWN

    def vr(self, tag: int, creator: str = "") -> str:
        """The VR of a tag, ``UN`` when it is not known; see :func:`hornburg.dicom.vrs.resolve`."""
        known = self._public.get(tag)
        if known is not None:
            return known.vr
        known = self._lookup(tag, creator)
        if known is not None:
            return known.vr
        element = tag & 0xFFFF
        if element == 0:
            return "UL"
        # PS3.5 7.8.1: private creators are LO.
        return "LO" if tag >> 16 & 1 and 0x10 <= element <= 0xFF else "UN"

    def path(self, text: str) -> tuple[Step, ...] | None:
        """Read a path such as ``ReferencedSeriesSequence[0].SeriesInstanceUID``.

        A step without an index, or with ``[*]``, means every item. None when a step is no tag.
        """
        steps = []
        for part in text.split("."):
            found = _STEP.fullmatch(part.strip())
            tag = self.tag(found[1]) if found is not None else None
            if found is None or tag is None:
                return None
            index = found[2]
            steps.append(Step(tag, None if index in (None, "*") else int(index)))
        return tuple(steps)

    def _lookup(self, tag: int, creator: str) -> _Known | None:
        if tag >> 16 & 1:
            if not creator or tag & 0xFFFF < 0x1000:
                return None
            key = (creator, tag & 0xFFFF00FF)
            return self._own_private.get(key) or _private().get(key)
        group = tag >> 16
        if group & 0xFF00 in (0x5000, 0x6000, 0x7F00) or group in (0x0020, 0x0028, 0x1000, 0x1010):
            for mask, table in _repeating().items():
                known = table.get(tag & mask)
                if known is not None:
                    return known
        return None


@cache
def _keywords() -> dict[str, int]:
    tags: dict[str, int] = {}
    for table in _repeating().values():
        tags.update((known.keyword, tag) for tag, known in table.items())
    for tag, known in _public().items():
        tags[known.keyword] = tag
    for name in list(tags):
        if name.startswith("RETIRED_"):
            tags.setdefault(name.removeprefix("RETIRED_"), tags[name])
    tags.pop(UNKNOWN, None)
    return tags


DEFAULT = Dictionary()
"""The dictionary without entries of the user's own."""

"""The keys of a C-FIND identifier, and data sets that answer to them (PS3.4 C.2.2).

Used for what the index doesn't hold: tags of files, private tags, items of sequences, and whole
worklists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hornburg.archive.matching import Criterion, criterion
from hornburg.dicom.dataset import DataSet, Element
from hornburg.dicom.elements import Elements, Value, elements_of
from hornburg.dicom.encode import EncodeError, value_bytes
from hornburg.dicom.vrs import BINARY, TEXT
from hornburg.errors import BadRequestError

__all__ = ["Key", "empty", "keys_of", "matches", "shaped"]

#: Keys of one identifier, those inside of sequences included.
_MOST_KEYS = 500

#: Sequences one inside another: PS3.4 has two in the worklist.
_DEEPEST = 8

#: Bytes of one value in an answer; longer ones, such as embedded documents, come back empty.
_LONGEST = 64 << 10

#: Bytes of one answer, or of what a file adds to it. Hundreds of them are made before they are
#: sent; a value for which there is no room comes back empty.
_LONGEST_ANSWER = 128 << 10

_SPECIFIC_CHARACTER_SET = 0x00080005


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``criterion`` is none for universal matching, and so is ``items`` of a sequence
    that is wanted whole; ``supported`` false tells that a value was given that can't be compared;
    ``hidden`` are further conditions on the items, which don't show in answers.
    """

    tag: int
    vr: str
    criterion: Criterion | None = None
    items: tuple[Key, ...] = ()
    creator: str = ""
    supported: bool = True
    text: str = ""
    hidden: tuple[Key, ...] = ()

    @property
    def selects(self) -> bool:
        """Whether anything is asked of the value."""
        return self.criterion is not None or any(key.selects for key in self.conditions)

    @property
    def conditions(self) -> tuple[Key, ...]:
        """What one item must answer to."""
        return (*self.items, *self.hidden) if self.hidden else self.items

    @property
    def digits(self) -> str:
        """The tag as ``gggg,eeee``."""
        return f"{self.tag >> 16:04x},{self.tag & 0xFFFF:04x}"


def keys_of(identifier: DataSet, *, case_sensitive_pn: bool = False) -> tuple[Key, ...]:
    """Read the keys of an identifier. Group lengths and Specific Character Set are none.

    Values are compared with case and accents, but for names (PS3.4 C.2.2.2.1), which
    ``case_sensitive_pn`` is about.

    Raises:
        BadRequestError: a value that its VR does not allow, too many keys, or nested too deep.
    """
    keys = _keys(identifier, case_sensitive_pn, 0)
    if _count(keys) > _MOST_KEYS:
        raise BadRequestError(f"Identifier: more than {_MOST_KEYS} keys")
    return keys


def _count(keys: Sequence[Key]) -> int:
    return sum(1 + _count(key.items) for key in keys)


def _keys(identifier: DataSet, exact: bool, depth: int) -> tuple[Key, ...]:
    if depth > _DEEPEST:
        raise BadRequestError(f"Identifier: sequences are nested deeper than {_DEEPEST}")
    if len(identifier) > _MOST_KEYS:
        raise BadRequestError(f"Identifier: more than {_MOST_KEYS} keys")
    return tuple(
        _key(element, exact, depth)
        for element in identifier
        if element.tag & 0xFFFF and element.tag != _SPECIFIC_CHARACTER_SET
    )


def _key(element: Element, exact: bool, depth: int) -> Key:
    tag, vr, creator = element.tag, element.vr, element.creator
    if element.is_sequence or vr == "SQ":
        # PS3.4 C.2.2.2.6: a sequence key has one item.
        items = _keys(element.item(0), exact, depth + 1) if element.item_count else ()
        return Key(tag, "SQ", items=items, creator=creator)
    text = _asked(element)
    if text is None:
        return Key(tag, vr, creator=creator, supported=element.length == 0)
    name = f"({tag >> 16:04x},{tag & 0xFFFF:04x})"
    found = criterion(name, vr, text, case_sensitive=exact or vr != "PN", tag=name.strip("()"))
    return Key(tag, vr, found, creator=creator, text=text)


def _asked(element: Element) -> str | None:
    """The text of a key; none when it has none that could be compared."""
    if element.vr in BINARY:
        if element.vr != "UN":
            return None
        raw = element.raw
        # An element that no dictionary knows: most often a private text.
        text = element.dataset.charset.decode(raw.partition(b"\0")[0])
        return text if text.isprintable() else None
    text = element.text or ""
    # PS3.4 C.2.2.2.4: nothing but stars is universal matching; some send it for dates too.
    return "" if text and not text.strip("* ") else text


def matches(dataset: DataSet, keys: Sequence[Key]) -> bool:
    """Whether a data set answers to all keys; what it lacks answers only to universal matching."""
    for key in keys:
        if not key.selects:
            continue
        element = _find(dataset, key)
        if element is None:
            return False
        if key.criterion is None:
            if not any(matches(item, key.conditions) for item in element.items):
                return False
        else:
            text = _shown(element, key)
            if text is None or not key.criterion.accepts(text):
                return False
    return True


def shaped(dataset: DataSet, keys: Sequence[Key], *, chosen_items: bool = False) -> Elements:
    """What a data set has of the keys; empty where it has nothing (PS3.4 C.4.1.1.3.2).

    With ``chosen_items``, only those items of sequences that answer to their keys.
    """
    answer: Elements = {}
    room = _LONGEST_ANSWER
    for key in keys:
        if 0x10 <= key.tag & 0xFFFF <= 0xFF and key.tag >> 16 & 1:
            # The block of a private creator: as the query has it, since its tags are used.
            answer[key.tag] = Value("LO", key.text[:64])
            continue
        element = _find(dataset, key)
        value = empty(key) if element is None else _value(element, key, chosen_items)
        size = _size(value)
        if size > room:
            value, size = empty(key), 0
        room -= size
        answer[key.tag] = value
    return answer


def _size(value: Value) -> int:
    content = value.content
    if isinstance(content, tuple):
        return sum(_size(each) for item in content for each in item.values())
    return len(content)


def empty(key: Key) -> Value:
    """The answer to a key for which there is no value."""
    if 0x10 <= key.tag & 0xFFFF <= 0xFF and key.tag >> 16 & 1:
        return Value("LO", key.text[:64])
    return Value("SQ", ()) if key.vr == "SQ" else Value(key.vr)


def _find(dataset: DataSet, key: Key) -> Element | None:
    if not key.creator:
        return dataset.get(key.tag)
    # PS3.5 7.8.1: the same private element may be in another block of each data set.
    group, low = key.tag & 0xFFFF0000, key.tag & 0xFF
    for block in range(0x10, 0x100):
        if group | block in dataset and dataset.creator(group | block << 8 | low) == key.creator:
            return dataset.get(group | block << 8 | low)
    return None


def _shown(element: Element, key: Key) -> str | None:
    text = element.text
    if text is None and element.vr == "UN" and element.length <= _LONGEST:
        return element.dataset.charset.decode(element.raw.partition(b"\0")[0]).rstrip(" ")
    return text


def _value(element: Element, key: Key, chosen_items: bool) -> Value:
    vr = element.vr
    try:
        if element.is_sequence:
            items = element.items
            if chosen_items and key.selects:
                items = tuple(item for item in items if matches(item, key.conditions))
            if key.items:
                shape = (shaped(item, key.items, chosen_items=chosen_items) for item in items)
                return Value("SQ", tuple(shape))
            return Value("SQ", tuple(elements_of(item) for item in items))
        if element.encapsulated or element.length > _LONGEST:
            return Value(vr)
        if vr in TEXT:
            return Value(vr, element.text or "")
        charset, big = element.dataset.charset, element.dataset.big
        return Value(vr, value_bytes(vr, element.raw, charset, big))
    except EncodeError:
        # A damaged value is no reason to give no answer at all.
        return empty(key)

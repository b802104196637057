"""From what the index has of many resources to the texts in the answers to a C-FIND.

Where each value comes from is settled once for a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hornburg.archive.matching import Criterion
from hornburg.archive.requested import Kin, decode_tags
from hornburg.archive.search_tags import SearchTag
from hornburg.dicom.levels import Level
from hornburg.index.base import Line

__all__ = ["LineForm", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """An element of an answer, and where its text comes from.

    It is a main tag or a tag that the server counts (``found``), or the metadata of the line.
    With ``accepted``, it is the first of the values that is.
    """

    tag: int
    vr: str
    found: SearchTag | None = None
    accepted: Criterion | None = None
    metadata: bool = False


class LineForm:
    """Makes texts of lines. ``top`` is the highest level that they must show.

    Args:
        level: the level of the query.
        sources: what an answer has, each tag once.
    """

    def __init__(self, level: Level, sources: Sequence[Source]) -> None:
        self._level = level
        levels = [one.found.level for one in sources if one.found and one.found.level is not None]
        self.top = min([level, *levels])
        self._depth = level - self.top
        #: For each source: in which of the tables of a line its text is, and under which word.
        self._places: list[tuple[int, str]] = []
        #: What the last table holds: under which word, and what is counted for it at which level.
        self._counted: dict[Level, list[tuple[str, SearchTag, Criterion | None]]] = {}
        self._metadata = ""
        for at, one in enumerate(sources):
            tag, word = one.found, str(at)
            if tag is not None and tag.main and one.accepted is None:
                self._places.append(((tag.level or Level.PATIENT) - self.top, tag.keyword))
                continue
            self._places.append((self._depth + 1, word))
            if tag is None:
                self._metadata = word
            else:
                counted_at = level if tag.level is None else tag.level
                self._counted.setdefault(counted_at, []).append((word, tag, one.accepted))
        used = {place for place, _word in self._places}
        self._above = [at for at in range(self._depth) if at in used]
        self._own = self._depth in used

    def texts(self, kin: Kin, lines: Sequence[Line]) -> list[list[str]]:
        """The texts of a page, those of a line in the order of the sources."""
        depth, above, own, metadata = self._depth, self._above, self._own, self._metadata
        columns = self._columns(kin, lines)
        nothing: Mapping[str, str] = {}
        # What is above is the same for many, and is taken apart once.
        known: dict[str, Mapping[str, str]] = {}
        found = []
        for line in lines:
            tables = [nothing] * (depth + 2)
            for at in above:
                text = line.main_tags[at]
                if text not in known:
                    known[text] = decode_tags(text)
                tables[at] = known[text]
            if own:
                tables[depth] = decode_tags(line.main_tags[depth])
            if columns or metadata:
                made = {word: column[line.public_ids[at]] for word, at, column in columns}
                made[metadata] = line.metadata
                tables[-1] = made
            found.append([tables[at].get(word, "") for at, word in self._places])
        return found

    def _columns(self, kin: Kin, lines: Sequence[Line]) -> list[tuple[str, int, Mapping[str, str]]]:
        """What is counted: its word, whose it is, and its text by public identifier."""
        columns: list[tuple[str, int, Mapping[str, str]]] = []
        for level, counted in self._counted.items():
            at = level - self.top
            ids = list(dict.fromkeys(line.public_ids[at] for line in lines))
            found = kin.texts(level, ids, [tag for _word, tag, _accepted in counted])
            for (word, _tag, accepted), texts in zip(counted, found, strict=True):
                if accepted is None:
                    columns.append((word, at, texts))
                else:
                    first = {one: _first(text, accepted) for one, text in texts.items()}
                    columns.append((word, at, first))
        return columns


def _first(text: str, accepted: Criterion) -> str:
    return next((one for one in text.split("\\") if accepted.accepts(one)), "")

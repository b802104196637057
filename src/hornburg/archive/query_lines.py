"""From what the index has of many resources to encoded answers of a C-FIND.

Where each value comes from is settled once for a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hornburg.archive.answer_form import AnswerWriter
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
    """Makes answers of lines. ``top`` is the highest level that they must show.

    Args:
        level: the level of the query.
        sources: what an answer has, each tag once.
        writer: takes the texts of the sources in their order.
    """

    def __init__(self, level: Level, sources: Sequence[Source], writer: AnswerWriter) -> None:
        self._level = level
        self._writer = writer
        levels = [one.found.level for one in sources if one.found and one.found.level is not None]
        self.top = min([level, *levels])
        self._depth = level - self.top
        #: For each source: in which of the tables of a line its text is, and under which word.
        self._places: list[tuple[int, str]] = []
        #: What the last table holds.
        self._made: list[tuple[str, Source]] = []
        for at, one in enumerate(sources):
            if one.found is not None and one.found.main and one.accepted is None:
                found_at = one.found.level if one.found.level is not None else Level.PATIENT
                self._places.append((found_at - self.top, one.found.keyword))
            else:
                self._places.append((self._depth + 1, str(at)))
                self._made.append((str(at), one))
        used = {place for place, _word in self._places}
        self._above = [at for at in range(self._depth) if at in used]
        self._own = self._depth in used

    def answers(self, kin: Kin, lines: Sequence[Line]) -> list[bytes]:
        """The encoded answers of a page."""
        counted = [one.found for _word, one in self._made if one.found is not None]
        for level in {tag.level for tag in counted if tag.level is not None}:
            ids = dict.fromkeys(line.public_ids[level - self.top] for line in lines)
            kin.prepare(level, list(ids), counted)
        depth, above, own, made = self._depth, self._above, self._own, self._made
        places, encoded = self._places, self._writer.encoded
        nothing: Mapping[str, str] = {}
        # What is above is the same for many, and is taken apart once.
        known: dict[str, Mapping[str, str]] = {}
        answers = []
        for line in lines:
            tables = [nothing] * (depth + 2)
            for at in above:
                text = line.main_tags[at]
                if text not in known:
                    known[text] = decode_tags(text)
                tables[at] = known[text]
            if own:
                tables[depth] = decode_tags(line.main_tags[depth])
            if made:
                tables[-1] = {word: self._text(kin, line, one) for word, one in made}
            answers.append(encoded([tables[at].get(word, "") for at, word in places]))
        return answers

    def _text(self, kin: Kin, line: Line, source: Source) -> str:
        if source.metadata:
            return line.metadata
        tag = source.found
        if tag is None:
            return ""
        level = self._level if tag.level is None else tag.level
        text = kin.computed_of(line.public_ids[level - self.top], tag)
        if source.accepted is None:
            return text
        return next((one for one in text.split("\\") if source.accepted.accepts(one)), "")

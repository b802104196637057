"""Which file speaks for a resource, and what it says of a tag that the index doesn't hold."""

from __future__ import annotations

from hornburg.dicom.dataset import DataSet
from hornburg.dicom.dictionary import Step
from hornburg.dicom.levels import Level
from hornburg.index.base import Attachment, Query, Reader
from hornburg.index.names import DICOM

__all__ = ["representative", "texts_at"]


def representative(reader: Reader, level: Level, public_id: str) -> Attachment | None:
    """The DICOM file that speaks for a resource: that of its first instance.

    One level after the other, so that a large study is no more work than a small one.
    """
    for below in range(level + 1, Level.INSTANCE + 1):
        first = reader.find_ids(
            Query(Level(below), ancestor=(Level(below - 1), public_id), limit=1)
        )
        if not first:
            return None
        public_id = first[0]
    return reader.attachment(Level.INSTANCE, public_id, DICOM)


def texts_at(dataset: DataSet, path: tuple[Step, ...]) -> list[str]:
    """The texts of a tag, which may be inside of sequences; of all items when none is named."""
    sets = [dataset]
    for step in path[:-1]:
        below: list[DataSet] = []
        for one in sets:
            element = one.get(step.tag)
            if element is None:
                continue
            items, place = element.items, step.item
            below += items if place is None else items[place : place + 1]
        sets = below
    texts = (one.text(path[-1].tag) for one in sets)
    return [text for text in texts if text is not None]

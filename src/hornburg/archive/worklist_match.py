"""C-FIND of worklists: which ones a query means, and its answers (PS3.4 annex K.6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hornburg.archive.answer_form import AnswerForm
from hornburg.archive.keys import Key, empty, keys_of, matches, shaped
from hornburg.archive.matching import Criterion
from hornburg.archive.worklists import Worklists
from hornburg.dicom.dataset import DataSet
from hornburg.index.base import Match

__all__ = ["WorklistQuery", "worklist_query"]

_STEPS = 0x00400100
_STATION = 0x00400001
_QUERY_LEVEL = 0x00080052


@dataclass(frozen=True, slots=True)
class WorklistQuery:
    """A query for worklists. ``keys`` must match and shape the answers, ``others`` must match."""

    keys: tuple[Key, ...]
    others: tuple[Key, ...]
    written: AnswerForm

    @property
    def supported(self) -> bool:
        """Whether all keys are (PS3.4 K.4.1.1.4: else pending is 0xFF01)."""
        return all(key.supported for key in self.keys)

    def answers(self, worklists: Worklists, transfer_syntax: str) -> Iterator[bytes]:
        """The encoded answers. Blocks, on files.

        As with Orthanc, an answer has only the steps that match; tags that a worklist lacks come
        back empty (PS3.4 K.4.1.3.2, type 2), where Orthanc leaves them out.
        """
        instead = {key.tag: empty(key) for key in self.keys}
        for worklist in worklists.all():
            dataset = worklist.file.dataset
            if matches(dataset, self.keys) and matches(dataset, self.others):
                answer = shaped(dataset, self.keys, chosen_items=True)
                yield self.written.encoded(answer, transfer_syntax, instead)


def worklist_query(
    identifier: DataSet,
    *,
    calling_aet: str,
    filter_issuer: bool,
    default_encoding: str,
    case_sensitive_pn: bool = False,
) -> WorklistQuery:
    """Read an identifier.

    Args:
        identifier: the data set of the C-FIND.
        calling_aet: who asks.
        filter_issuer: ``FilterIssuerAet``: only steps that are scheduled for who asks.
        default_encoding: Orthanc's name of the encoding of answers to a query that names none.
        case_sensitive_pn: whether names are compared with case and accents.

    Raises:
        BadRequestError: a key makes no sense; the message names it.
    """
    keys = tuple(
        key
        for key in keys_of(identifier, case_sensitive_pn=case_sensitive_pn)
        if key.tag != _QUERY_LEVEL
    )
    others: tuple[Key, ...] = ()
    if filter_issuer:
        station = Key(_STATION, "AE", Criterion(Match.EQUAL, (calling_aet.strip(),)))
        if any(key.tag == _STEPS for key in keys):
            keys = tuple(
                replace(key, hidden=(station,)) if key.tag == _STEPS else key for key in keys
            )
        else:
            others = (Key(_STEPS, "SQ", hidden=(station,)),)
    return WorklistQuery(keys, others, AnswerForm.of(identifier, default_encoding))

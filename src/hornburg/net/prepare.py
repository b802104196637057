"""An instance made ready for the presentation contexts of an association."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hornburg.archive.transcoding import Transcoder
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.head import dataset_start
from hornburg.dicom.transcode import choose
from hornburg.errors import HornburgError
from hornburg.ul.negotiation import AcceptedContext

__all__ = ["NoContextError", "Offers", "prepare"]


class NoContextError(HornburgError):
    """The other side takes neither the SOP class nor any form that the instance can be given."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be stored on an association: SOP class -> transfer syntax -> context."""

    contexts: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, accepted: Mapping[int, AcceptedContext]) -> Offers:
        """The contexts on which this side may send C-STOREs: as their SCU, whoever opened the
        association."""
        contexts: dict[str, dict[str, int]] = {}
        for context in accepted.values():
            if context.as_scu:
                by_syntax = contexts.setdefault(context.abstract_syntax, {})
                by_syntax.setdefault(context.transfer_syntax, context.context_id)
        return cls(contexts)


async def prepare(
    offers: Offers,
    transcoder: Transcoder,
    content: Buffer,
    sop_class: str,
    transfer_syntax: str,
    *,
    may_transcode: bool,
) -> tuple[int, memoryview]:
    """The context to send an instance on, and its data set in the syntax of that context.

    Raises:
        NoContextError: there is none.
        TranscodingError: the pixels can't be brought into another form.
    """
    by_syntax = offers.contexts.get(sop_class)
    if not by_syntax:
        raise NoContextError(f"the SOP class {sop_class} was not accepted")
    context = by_syntax.get(transfer_syntax)
    if context is None:
        if not may_transcode:
            raise NoContextError(
                f"the transfer syntax {transfer_syntax} was not accepted for {sop_class}, and "
                "transcoding is not allowed (TranscodeDicomProtocol, AllowTranscoding)"
            )
        syntax = choose(transfer_syntax, tuple(by_syntax))
        if syntax is None:
            raise NoContextError(
                f"none of the transfer syntaxes that were accepted for {sop_class} can be made of "
                f"{transfer_syntax}"
            )
        content = await transcoder.transcode(content, syntax)
        context = by_syntax[syntax]
    return context, memoryview(content)[dataset_start(content) :]

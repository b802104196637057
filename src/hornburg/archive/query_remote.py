"""Questions to other application entities, and their answers, bounded."""

from __future__ import annotations

from contextlib import aclosing

from hornburg.archive.asked import filtered_outgoing
from hornburg.archive.identifiers import QUERY_LEVELS, model_of, query_identifier, with_charset
from hornburg.archive.parts import Archive
from hornburg.archive.quirks import adapted
from hornburg.archive.remote import Model, Remote, Target
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements, Value
from hornburg.dicom.levels import Level
from hornburg.dicom.uids import generate_uid
from hornburg.errors import TooLargeError

__all__ = ["MOST_ANSWERS", "check", "find", "find_worklist"]

#: Answers of one query. A list that nobody can look through is a query that went wrong.
MOST_ANSWERS = 100_000

#: Bytes that the answers of one query may take.
MOST_BYTES = 64 << 20

_STUDY_UID = 0x0020000D


async def check(archive: Archive, remote: Remote, target: Target, *, with_find: bool) -> None:
    """C-ECHO, and a C-FIND for a study that can't exist, which tells whether queries are answered.

    Raises:
        RemoteError: the other side doesn't answer, or refuses.
    """
    await remote.echo(target)
    if with_find:
        query = {_STUDY_UID: Value("UI", generate_uid())}
        await find(archive, remote, target, Level.STUDY, query)


async def find(
    archive: Archive,
    remote: Remote,
    target: Target,
    level: Level,
    query: Elements,
    *,
    normalize: bool = True,
) -> list[DataSet]:
    """C-FIND at a level of query and retrieve.

    Raises:
        RemoteError: the other side doesn't answer, or refuses.
        TooLargeError: there are more answers than we keep; the query was cancelled.
        PluginFaultError: a filter of outgoing queries failed, or refused.
    """
    # Filters see what was asked for, as in Orthanc. The level and the keys of the hierarchy, without
    # which it is no query (PS3.4 C.4.1.2), come after them and can't be taken away.
    identifier = query_identifier(
        level,
        await filtered_outgoing(archive, query, target, QUERY_LEVELS[level]),
        target.modality.manufacturer,
        encoding=archive.runtime.default_encoding,
        normalize=normalize,
    )
    return await _answers(remote, target, model_of(level), identifier)


async def find_worklist(
    archive: Archive, remote: Remote, target: Target, query: Elements
) -> list[DataSet]:
    """C-FIND in the worklist of a modality (PS3.4 K). Raises as :func:`find`."""
    identifier = adapted(query, target.modality.manufacturer)
    identifier = with_charset(identifier, archive.runtime.default_encoding)
    identifier = await filtered_outgoing(archive, identifier, target, "WORKLIST")
    return await _answers(remote, target, Model.WORKLIST, identifier)


async def _answers(
    remote: Remote, target: Target, model: Model, identifier: Elements
) -> list[DataSet]:
    answers: list[DataSet] = []
    size = 0
    async with aclosing(remote.find(target, model, identifier)) as coming:
        async for answer in coming:
            answers.append(answer)
            size += len(answer.buffer)
            if len(answers) > MOST_ANSWERS or size > MOST_BYTES:
                raise TooLargeError(
                    f"{target.modality.aet} has more than {MOST_ANSWERS} answers, or "
                    f"{MOST_BYTES >> 20} MB of them: ask for less"
                )
    return answers

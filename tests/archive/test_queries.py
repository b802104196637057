from __future__ import annotations

import pytest

from hornburg.archive.queries import Queries, StoredQuery
from hornburg.archive.remote import Target
from hornburg.dicom.elements import Value, decode, encode
from hornburg.dicom.levels import Level
from hornburg.errors import ParameterOutOfRangeError, UnknownResourceError
from hornburg.settings import Modality

TARGET = Target("pacs", Modality(aet="PACS", host="127.0.0.1", port=104), "ORTHANC", 10)
ANSWER = decode(encode({0x00100020: Value("LO", "P")}))


def query(answers: int = 1) -> StoredQuery:
    return StoredQuery(TARGET, Level.STUDY, {}, (ANSWER,) * answers)


def test_the_least_recently_used_is_forgotten() -> None:
    queries = Queries(2)
    first, second = queries.add(query()), queries.add(query())
    queries.get(first)
    third = queries.add(query())
    assert queries.ids() == sorted((first, third))
    with pytest.raises(UnknownResourceError):
        queries.get(second)


def test_answers_together_have_a_bound() -> None:
    queries = Queries(10, most_bytes=3 * len(ANSWER.buffer))
    first, second = queries.add(query(2)), queries.add(query(2))
    assert queries.ids() == [second]
    queries.remove(first)
    queries.remove(second)
    queries.add(query(1))
    queries.add(query(2))
    assert len(queries.ids()) == 2


@pytest.mark.parametrize("number", [-1, 1])
def test_an_answer_that_is_not_there(number: int) -> None:
    with pytest.raises(ParameterOutOfRangeError):
        query().answer(number)

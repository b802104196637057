"""What the log may say of data sets."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from hornburg.cli.logs import set_up_logs
from hornburg.dicom.elements import Value
from hornburg.errors import BadRequestError
from hornburg.security.redaction import (
    Private,
    Quoting,
    Redacting,
    describe,
    shown,
    without_values,
)

LEVEL, NAME, PATIENT, DATE, STUDY, STEPS, STATION, PRIVATE, CLASS = (
    0x00080052,
    0x00100010,
    0x00100020,
    0x00080020,
    0x0020000D,
    0x00400100,
    0x00400001,
    0x00091010,
    0x00080016,
)

QUERY = {
    NAME: Value("PN", "DOE^JANE"),
    LEVEL: Value("CS", "STUDY"),
    DATE: Value("DA"),
    PATIENT: Value("LO", "4711"),
    STUDY: Value("UI", b"1.2.3.4\0"),
    CLASS: Value("UI", b"1.2.840.10008.1.1\0"),
    PRIVATE: Value("LO", "SECRET"),
    STEPS: Value("SQ", ({STATION: Value("AE", "CT1")}, {STATION: Value("AE", "CT2")})),
}


def test_a_query_shows_what_was_asked_and_not_about_whom():
    line = describe(QUERY)
    assert line == (
        "SOPClassUID=1.2.840.10008.1.1 StudyDate= QueryRetrieveLevel=STUDY 0009,1010=(hidden) "
        "PatientName=(hidden) PatientID=(hidden) StudyInstanceUID=(hidden) "
        "ScheduledProcedureStepSequence=[ScheduledStationAETitle=(hidden), and 1 more]"
    )


def test_values_when_the_operator_wants_them():
    line = describe(QUERY, deidentify=False)
    assert "PatientName=DOE^JANE PatientID=4711 StudyInstanceUID=1.2.3.4 " in line
    assert "[ScheduledStationAETitle=CT1, and 1 more]" in line


def test_a_line_stays_a_line():
    long = {
        LEVEL: Value("CS", "A\r\n" + "x" * 1000),
        **{0x00400000 + n: Value("SH") for n in range(99)},
    }
    line = describe(long, deidentify=False)
    assert line.isprintable()
    assert len(line) < 4000
    assert line.endswith("and 60 more")
    assert "A\\r\\nx" in line
    deep = {LEVEL: Value("CS", "x")}
    for _ in range(10):
        deep = {STEPS: Value("SQ", (deep,))}
    assert describe(deep).count("[") == 4


def test_bytes_are_counted():
    assert describe({0x00280010: Value("US", b"\1\2")}, deidentify=False) == "Rows=(2 bytes)"


@given(st.text(max_size=200))
def test_whatever_a_peer_sends_is_one_short_piece(text):
    piece = shown(text)
    assert piece.isprintable()
    assert len(piece) <= 64 * 10


@given(
    st.dictionaries(
        st.integers(0, 0xFFFFFFFF), st.text("äöü~", min_size=4, max_size=8), max_size=60
    )
)
def test_no_value_gets_through(values):
    elements = {tag: Value("LO", text) for tag, text in values.items() if tag not in (LEVEL, CLASS)}
    plain = {0x00080005, 0x00080056, 0x00080060, 0x00080061, 0x00080062}
    line = describe({tag: value for tag, value in elements.items() if tag not in plain})
    assert not set(line) & set("äöü~")


def test_values_in_errors_are_hidden() -> None:
    said = "PatientBirthDate: '19700101' is no date, \"O'Neil\" neither"
    assert without_values(said) == "PatientBirthDate: (hidden) is no date, (hidden) neither"
    assert without_values(said, deidentify=False) == said


def line_of(name: str, *arguments: object, deidentify: bool = True) -> str:
    """What the log says, whoever says it."""
    redacting = Redacting()
    redacting.deidentify = deidentify
    record = logging.LogRecord(name, logging.ERROR, "", 0, arguments[0], arguments[1:], None)
    assert redacting.filter(record)
    return record.getMessage()


def test_what_an_error_quotes_is_not_in_the_log():
    error = ValueError("StudyDate is 'Doe^Jane', which is no date")
    expected = "GET failed: StudyDate is (hidden), which is no date"
    for name in ("rest", "plugins.mine", "worklists"):
        assert line_of(f"hornburg.{name}", "%s failed: %s", "GET", error) == expected
    assert "Doe" in line_of("hornburg.rest", "%s", error, deidentify=False)


def test_errors_of_the_configuration_say_what_they_are_about():
    error = ValueError("there is no file 'users.json'")
    assert "users.json" in line_of("hornburg", "%s", error)


def test_texts_that_are_marked_are_hidden():
    said = line_of("hornburg.net", "%s: %s", Private("doe.wl"), Quoting("no 'Doe'"))
    assert said == "(hidden): no (hidden)"


def test_other_libraries_quote_nothing():
    said = line_of("asyncio", "%s", "<Task exception=ValueError('Doe')>")
    assert said == "<Task exception=ValueError((hidden))>"


def test_a_stack_has_no_messages():
    name = "Doe^Jane\n  second line of Doe"
    try:
        try:
            raise KeyError(name)
        except KeyError as inner:
            raise BadRequestError(f"{name!r} is no date") from inner
    except BadRequestError as error:
        said = Redacting().stack(error)
    assert "Doe" not in said
    assert "KeyError: (hidden)" in said
    assert "BadRequestError: (hidden) is no date" in said
    assert "test_a_stack_has_no_messages" in said


def test_the_log_of_the_server_is_redacted(capsys):
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = logging.getLogger("hornburg").level
    try:
        set_up_logs()
        try:
            raise ValueError("Doe^Jane")
        except ValueError:
            logging.getLogger("hornburg.rest").exception("unexpected")
        assert "ValueError: (hidden)" in capsys.readouterr().err
    finally:
        root.handlers[:] = before
        logging.getLogger("hornburg").setLevel(level)

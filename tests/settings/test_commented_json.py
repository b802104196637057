"""The parser of configuration files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.settings.commented_json import MAXIMUM_DEPTH, MAXIMUM_SIZE, parse
from hornburg.settings.errors import SettingsError
from hornburg.settings.substitute import substitute

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False).filter(lambda number: abs(number) != float("inf")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
COMMENTS = st.sampled_from(["", " ", "\n", "// x {\n", '/* , } ] " */', "/**/", "\t/* // */"])
FRAGMENTS = st.lists(
    st.sampled_from([*list('{}[]",:/*\\ \n'), "true", "null", "1e5", "//", "/*", "*/", "-", "0"])
)


@given(VALUES, st.booleans())
def test_plain_json_is_read_as_the_standard_library_reads_it(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1)
    assert parse(text, "x").value == json.loads(text)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.data())
def test_comments_between_any_two_tokens_change_nothing(value, data):
    pieces = [data.draw(COMMENTS), "{", data.draw(COMMENTS)]
    for name, inner in value.items():
        pieces += [json.dumps(name), data.draw(COMMENTS), ":", data.draw(COMMENTS)]
        pieces += [json.dumps(inner), data.draw(COMMENTS), ",", data.draw(COMMENTS)]
    pieces += ["}", data.draw(COMMENTS)]
    assert parse("".join(pieces), "x").value == value


@given(st.text() | FRAGMENTS.map("".join))
def test_any_text_gives_a_value_or_a_settings_error(text):
    try:
        parse(text, "x")
    except SettingsError as error:
        assert "\n" not in str(error)


@given(st.text() | FRAGMENTS.map("".join) | st.just("${A}${B:-x}"), st.text(), st.text())
def test_substitution_never_fails_otherwise(text, one, two):
    substitute(text, {"A": one, "B": two}, "x")


@given(st.text())
def test_a_variable_inside_of_a_string_stays_one_value(value):
    text, missing = substitute('{"a": "<${V}>"}', {"V": value}, "x")
    assert parse(text, "x").value == {"a": f"<{value}>"}
    assert missing == ()


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "line 1 column 1", "too early"),
        ("{", "line 1 column 2", "expected"),
        ('{\n "a": 1,\n "a": 2}', "line 3 column 2", "set twice"),
        ('{"a": tru}', "line 1 column 7", "expected a value"),
        ('{"a": NaN}', "line 1 column 7", "expected a value"),
        ('{"a": Infinity}', "line 1 column 7", "expected a value"),
        ('{"a": 01}', "line 1 column 8", "expected , or }"),
        ('{"a": -}', "line 1 column 7", "bad number"),
        ('{"a" 1}', "line 1 column 6", "expected :"),
        ("{'a': 1}", "line 1 column 2", "expected"),
        ('{"a": "x', "line 1 column 7", "never closed"),
        ('{"a": "x\ny"}', "line 1 column 9", "bad string"),
        ('{"a": "\\q"}', "line 1 column 8", "bad string"),
        ("{} /* x", "line 1 column 4", "never closed"),
        ("{} {}", "line 1 column 4", "nothing but comments"),
        ('{"a": ' + "9" * 500 + "}", "line 1 column 7", "digits"),
        ("[,]", "line 1 column 2", "expected a value"),
        ('{"a": ٣}', "line 1 column 7", "expected a value"),
    ],
)
def test_errors_name_line_and_column(text, place, problem):
    with pytest.raises(SettingsError) as caught:
        parse(text, "some.json")
    assert caught.value.where == f"some.json {place}"
    assert problem in caught.value.allowed


def test_depth_and_size_are_bounded():
    good = "[" * MAXIMUM_DEPTH + "1" + "]" * MAXIMUM_DEPTH
    parse(good, "x")
    for bad in ("[" * 100_000, '{"a":' * 100_000, f"[{good}]"):
        with pytest.raises(SettingsError, match="nested deeper"):
            parse(bad, "x")
    with pytest.raises(SettingsError, match="at most"):
        parse(" " * (MAXIMUM_SIZE + 1), "x")


def test_comment_marks_inside_of_strings_are_text():
    text = '\ufeff{"a": "http://x/*y*/", // no\n "b": [1, 2,], /* no */ }'
    document = parse(text, "x")
    assert document.value == {"a": "http://x/*y*/", "b": [1, 2]}
    assert document.lines == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "expected", "missing"),
    [
        ('{"a": "${SET}"}', '{"a": "say \\"hi\\""}', ()),
        ('{"a": ${NUMBER}}', '{"a": 12}', ()),
        ('{"a": ${GONE:-7}}', '{"a": 7}', ()),
        ('{"a": "${GONE:-x y}"}', '{"a": "x y"}', ()),
        ('{"a": "${GONE:-}"}', '{"a": ""}', ()),
        ('{"a": "x${GONE}y"}', '{"a": "xy"}', ("GONE",)),
        ('{"a": 1} // ${SET} ${GONE}', '{"a": 1} // ${SET} ${GONE}', ()),
        ('{"a": "$SET ${} ${1x}"}', '{"a": "$SET ${} ${1x}"}', ()),
    ],
)
def test_substitution(text, expected, missing):
    environ = {"SET": 'say "hi"', "NUMBER": "12"}
    assert substitute(text, environ, "x") == (expected, missing)


def test_substitution_can_not_blow_up():
    with pytest.raises(SettingsError, match="longer than"):
        substitute('"' + "${A}" * 1000 + '"', {"A": "x" * 100_000}, "x")

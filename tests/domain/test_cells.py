"""Cells of a CSV file, both ways: what is written is read back, and no spreadsheet runs it."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.cells import (
    guard,
    read_instant,
    read_object,
    read_tags,
    read_topics,
    read_typed,
    unguard,
    write_instant,
    write_tags,
    write_typed,
)
from nurture.domain.people import read_tag, storable

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
nasty = st.text(st.sampled_from("'=+-@\t\r\n\"a,;1\uff1d\uff20"), max_size=6) | text
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | nasty,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty, inner, max_size=3),
    max_leaves=5,
)


@given(nasty)
def test_the_guard_is_exact_and_nothing_risky_gets_through(value: str) -> None:
    assert unguard(guard(value)) == value
    assert not guard(value).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20"))


@pytest.mark.parametrize("value", ["=1+1", "+49", "-5", "@x", "\tx", "\rx", "\0x", "\nx", "'=x", "''+", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"])
def test_risky_cells_get_a_mark(value: str) -> None:
    assert guard(value) == "'" + value


@pytest.mark.parametrize("value", ["", "'", "'quoted", "a=b", "1-2"])
def test_harmless_cells_stay(value: str) -> None:
    assert guard(value) == unguard(value) == value


@given(json_values)
def test_a_free_field_keeps_its_type(value: Any) -> None:
    back = read_typed(write_typed(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", ["5", "true", "null", '"x"', "{}", "1e400", "NaN", "", " 5", "1" * 5000])
def test_text_that_looks_like_json_stays_text(value: str) -> None:
    assert read_typed(write_typed(value)) == value


def test_plain_text_is_written_plain() -> None:
    assert write_typed("Roof tiles, red") == "Roof tiles, red"
    assert write_typed(5) == "5"
    assert write_typed([1, "a"]) == '[1,"a"]'


@given(st.lists(nasty.map(read_tag).filter(bool), unique=True, max_size=5))
def test_tags_come_back(tags: list[str]) -> None:
    assert sorted(read_tags(write_tags(tags))) == sorted(tags)


def test_tags_as_others_write_them() -> None:
    assert read_tags('"Roof, flat","Wall"') == ("Roof, flat", "Wall")
    assert read_tags(" roof ,, wall,roof ") == ("roof", "wall")
    with pytest.raises(ValueError, match="at most 100"):
        read_tags("x" * 101)


def test_topics() -> None:
    assert read_topics('{"roofs": false}') == {"roofs": False}
    assert read_topics("roofs, walls") == {"roofs": True, "walls": True}
    assert read_topics("") == {}
    for wrong in ('{"roofs": "no"}', '{"roofs"'):
        with pytest.raises(ValueError, match="topics"):
            read_topics(wrong)


@pytest.mark.parametrize("wrong", ["[1]", "5", "{", "[" * 100_000, '{"a": ' + "[" * 30 + "]" * 30 + "}"])
def test_what_is_no_object_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="attributes"):
        read_object(wrong, "attributes")


@given(st.datetimes(min_value=datetime(1, 1, 3), timezones=st.just(UTC)))
def test_instants_come_back(at: datetime) -> None:
    assert read_instant(write_instant(at), "x") == at


def test_instants_as_others_write_them() -> None:
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    for written in ("2026-03-02 09:30:00", "2026-03-02T09:30Z", "2026-03-02T12:30:00+03:00", "2026-03-02 09:30:00 UTC"):
        assert read_instant(written, "x") == at
    assert write_instant(at.astimezone(timezone(timedelta(hours=3)))) == "2026-03-02T09:30:00Z"
    assert write_instant(None) == ""
    for wrong in ("yesterday", "31.12.2026", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(ValueError, match="joined_at"):
            read_instant(wrong, "joined_at")


def test_what_databases_do_not_keep_is_cleaned() -> None:
    assert storable({"a\0": ["x\0y", float("nan"), "\ud800"]}) == {"a": ["xy", None, "?"]}


@given(st.lists(nasty, min_size=1, max_size=4))
def test_a_whole_row_comes_back(values: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["first", *(guard(v) for v in values)])
    out.seek(0)
    assert [unguard(cell) for cell in next(csv.reader(out))] == ["first", *values]

"""The strict loader: what an author may get wrong, and the place and sentence that comes back."""

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.definitions.faults import Fault
from nurture.definitions.loading import MAX_BYTES, load_files, load_text
from nurture.definitions.scalars import resolve
from nurture.domain.documents import Policy, Segment
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.errors import NurtureError

LETTER = """letters:
  - id: one
    kind: useful
    subject: "{{ first_name | default('Hello') }}, one"
    body: Hello
"""
JARGON = re.compile(
    r"pydantic|Input should|validation error|Traceback|ValueError|tuple\[|literal\[|type=|__|<class|NoneType|dict_|extra_forbidden"
)


def sequence(*lines: str) -> str:
    return "sequence: school\n" + "".join(f"{line}\n" for line in lines) + LETTER


def letter(*lines: str) -> str:
    return LETTER_HEAD + "".join(f"    {line}\n" for line in lines)


LETTER_HEAD = "sequence: school\nletters:\n  - id: one\n"


# (what is written, line, column, rule, words of the message, words of the advice)
NAUGHTY = [
    (sequence("cadense: 2 per week"), 2, 1, "unknown-key", '"cadense"', 'Did you mean "cadence"?'),
    (sequence("cadence: twice"), 2, 10, "value", "is not a cadence", "2 per week"),
    (sequence("mix: 0:1"), 2, 6, "value", "is not a mix", "3:1, thirds"),
    (sequence("audience: {tagg: roof}"), 2, 12, "condition", 'did you mean "tag"?', 'Write "tag".'),
    (sequence("audience: roof"), 2, 11, "condition", '"roof" is not a condition', "{tag: roof}"),
    (sequence("audience: {all: [{tag: a}, {not: {engagment: fan}}]}"), 2, 35, "condition", '"engagment"', "engagement"),
    (sequence("audience: {did: clikked}"), 2, 17, "value", 'did you mean "clicked"?', "clicked"),
    (sequence("audience: {did: clicked, knd: sales}"), 2, 26, "unknown-key", '"knd"', 'Did you mean "kind"?'),
    (sequence("audience: {field: country}"), 2, 19, "value", "exactly one of", "docs/yaml.md"),
    (sequence("priority: 101"), 2, 11, "value", '"101" is too large for priority', "at most 100"),
    (sequence('priority: "50"'), 2, 11, "type", "must be a whole number", "Write a whole number"),
    (sequence("title: 5"), 2, 8, "type", "title is a number", "in quotes"),
    (sequence("title:"), 2, 1, "type", "title is empty", "leave the line out"),
    (sequence("re_entry: sometimes"), 2, 11, "value", "re-entry", "never, always"),
    (sequence("windows: {sales: friday}"), 2, 18, "value", '"friday" is not a window', "any, now"),
    (sequence("from_: 1"), 2, 1, "unknown-key", '"from_"', 'Write "from"'),
    (sequence("name: other"), 2, 1, "unknown-key", "stands twice", "Leave"),
    (sequence("title: Roofs: five"), 2, 8, "quote", "colon", '`title: "Roofs: five"`'),
    (sequence("audience: tag: roof"), 2, 11, "bracket", "a condition stands in braces", "`audience: {tag: roof}`"),
    (sequence("title: @home"), 2, 8, "quote", "begins with @", '"@home"'),
    (sequence("title: *|FNAME|*, hello"), 2, 8, "quote", "begins with *|", '"*|FNAME|*, hello"'),
    (sequence("title: {{ name }}"), 2, 8, "quote", "begins with {{", '"{{ name }}"'),
    (sequence('title: "open'), 2, 8, "quote", "never closed", '`title: "open"`'),
    (sequence('title: "a \\d b"'), 2, 8, "quote", "backslash", "'"),
    (sequence("exit_on: [purchase"), 2, 10, "bracket", "not closed", "]"),
    (sequence("title:hello"), 2, 1, "syntax", "colon and a space", "`title: hello`"),
    (sequence("just some words"), 2, 1, "syntax", "no key", "key: value"),
    (sequence("\ttitle: x"), 2, 1, "tab", "tab", "spaces"),
    (sequence("title: &anchor x"), 2, 8, "alias", "anchors", "quotes"),
    (sequence("title: *anchor"), 2, 8, "alias", "aliases", "quotes"),
    (sequence("title: !!str x"), 2, 8, "tag", "tags", "quotes"),
    (sequence("title: a", "title: b"), 3, 1, "duplicate-key", "first in line 2", "Keep one"),
    (sequence("priority: .inf"), 2, 11, "number", "without end", "quotes"),
    (sequence("priority: " + "9" * 40), 2, 11, "number", "too long", "quotes"),
    (sequence("? [a]\n: b"), 2, 3, "key", "a key must be a word", "key: value"),
    (sequence('title: "a\\0b"'), 2, 8, "character", "cannot be stored", "escape"),
    (sequence("title: a\x07b"), 2, 9, "character", "U+0007", "Delete"),
    (letter("kind: usefull", "subject: s", "body: b"), 4, 11, "value", 'did you mean "useful"?', "useful, news"),
    (letter("kind: useful", "body: b"), 3, 5, "missing-key", 'needs the key "subject"', "subject: ..."),
    (letter("kind: useful", "subject: s"), 3, 5, "value", "`body`", "body: |"),
    (letter("kind: usefull", "subject: s"), 3, 5, "value", "`body`", "body: |"),
    (letter("kind: useful", "subject: s", "body: b", "template: letters/x"), 3, 5, "value", "not both", ""),
    (letter("kind: useful", "subject: s", "body: b", "evergreen: yes"), 7, 16, "type", "true or false", "true or false"),
    (letter("kind: useful", "subject: s", "body: b", "after: 7"), 7, 12, "value", "not a duration", "36h"),
    (letter("kind: useful", "subject: s", "body: b", "call_to_action: here"), 7, 21, "value", "call to action", "https://"),
    (letter("kind: useful", "subject: s", "body: b", "template: x"), 7, 15, "value", "cannot stand for template", "letters/<folder>"),
    (letter("kind: useful", "subject: s", "body: b", "cadence: 2 per week"), 7, 5, "unknown-key", "cadence", "belongs to the sequence itself"),
    (letter("kind: useful", "subject: s", "body: b", 'window: [{days: [wed], from: "12:00", until: "10:00"}]'), 7, 14, "value", "never open", ""),
    (letter("kind: useful", "subject: s", "body: b", 'window: [{days: [wedn], from: "1:00", until: "9:00"}]'), 7, 22, "value", 'did you mean "wed"?', "mon, tue"),
    (letter("kind: greeting", "subject: s", "body: b", "day: 02-30"), 7, 10, "never-opens", "no day of any year", "12-31"),
    (letter("kind: useful", "subject: s", "body: b", "day: birthday"), 3, 5, "value", "greetings", ""),
    (letter("kind: useful", 'subject: "{{ name"', "body: b"), 5, 14, "template", "broken", "}}"),
    (letter("kind: useful", "subject: s", "body: |", "  a", "  {% if x %}"), 8, 7, "template", "never closed", "endif"),
    (letter("kind: useful", "subject: s", "body: \"{{ name | default: 'you' }}\""), 6, 11, "dialect", "another system", "default('you')"),
    (letter("kind: useful", "subject: s", 'body: "{{ name | shout }}"'), 6, 11, "template", 'no filter "shout"', "sort"),
    (letter("kind: useful", "subject: s", "body: \"{% include 'x' %}\""), 6, 11, "template", "other files", "template"),
    (LETTER_HEAD + "    kind: useful\n    subject: s\n    body: b\n  - id: one\n    kind: usefull\n    subject: s\n    body: b\n", 7, 5, "duplicate-id", '"one"', "own id"),
    ("sequence: school\nletters: []\n", 2, 1, "value", "letters is empty", "at least 1"),
    ("sequence: Roof School\n" + LETTER, 1, 11, "value", '"Roof School" cannot stand', "small letters"),
    ("segment: a\nwhere: {tag: x}\nsequence: b\n", 3, 1, "unknown-key", "sequence", "where"),
    ("sement: a\nwhere: {tag: x}\n", 1, 1, "document", '"sement"', 'Did you mean "segment"?'),
    ("where: {tag: x}\nsegment: a\n", 1, 1, "document", "first key", "to the top"),
    ("- a\n- b\n", 1, 1, "type", "a document is a mapping", "sequence, segment"),
    ("", 1, 1, "empty", "no document", "sequence"),
    ("# only a remark\n---\n", 1, 1, "empty", "no document", "sequence"),
    ("campaign: c\nsegment: s\nschedule: {weekly: someday}\nletter: {id: a, kind: news, subject: s, body: b}\n", 3, 20, "value", "weekly", "mon, tue"),
    ("campaign: c\nsegment: s\nschedule: soon\nletter: {id: a, kind: news, subject: s, body: b}\n", 3, 11, "value", "not a schedule", "{weekly: tue}"),
    ("campaign: c\nsegment: s\nschedule: {on: tue}\nletter: {id: a, kind: news, subject: s, body: b}\n", 3, 11, "value", "not a schedule", "cron"),
    ('campaign: c\nsegment: s\nschedule: {at: "2026-02-30 10:00"}\nletter: {id: a, kind: news, subject: s, body: b}\n', 3, 16, "never-opens", "calendar", "2026-03-10"),
    ('campaign: c\nsegment: s\nschedule: {cron: "0 10 30 2 *"}\nletter: {id: a, kind: news, subject: s, body: b}\n', 3, 18, "never-opens", "never comes", "weekday"),
    ("policy: default\ntimezone: Mars/Base\n", 2, 11, "value", "not a time zone", "Europe/Berlin"),
    ("policy: default\nblackout: [tomorrow]\n", 2, 12, "value", "not a date", "2026-12-31"),
    ("policy: default\npace: {floor: 3 per month, most: 2 per month}\n", 2, 1, "value", "above the most", "lower `floor`"),
    ("policy: default\npace: {bursts: [{about: Sept}]}\n", 2, 25, "value", "not a date", "2026-12-31"),
    ("policy: default\nsender: {name: A}\n", 2, 1, "missing-key", '"address"', "address: ..."),
    ("policy: default\ntopics: {Roofs: x}\n", 2, 17, "value", "cannot stand", "small letters"),
    ("policy: main\n", 1, 9, "value", '"main"', "default"),
    ("segment: a\nwhere: " + "{not: " * 60 + "{tag: x}" + "}" * 60 + "\n", 2, None, "size", "nested", "levels"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "rule", "message", "advice"), NAUGHTY, ids=[f"{n[3]}-{i}" for i, n in enumerate(NAUGHTY)]
)
def test_each_mistake_is_named_at_its_place_with_advice(text, line, column, rule, message, advice):
    errors = [f for f in load_text(text).faults if f.level == "error"]
    assert errors
    fits = [f for f in errors if (f.line, f.rule) == (line, rule) and message in f.message and advice in f.advice]
    assert fits, "\n".join(f.render(text) for f in errors)
    assert column is None or fits[0].column == column
    assert not [f for f in errors if JARGON.search(f.message + f.advice)]
    assert all(f.advice.strip() for f in errors)


@pytest.mark.parametrize(("text", "rule"), [(n[0], n[3]) for n in NAUGHTY if n[3] != "condition"][:30])
def test_one_mistake_is_one_error(text, rule):
    assert [f.rule for f in load_text(text).faults if f.level == "error"] == [rule]


@pytest.mark.parametrize(("wrong", "rule"), [("   kind", "indentation"), ("     kind", "indentation"), ("\tkind", "tab")])
def test_text_below_a_misplaced_line_is_not_taken_for_something_else(wrong, rule):
    text = letter("kind: useful", "subject: s", "body: |", "  Hello,", "", "  a torch and a dry day.", "", "  Anna")
    assert [(f.line, f.rule) for f in load_text(text.replace("    kind", wrong)).faults] == [(4, rule)]


FIVE = """sequence: school
mix: 3:1
cadense: 2 per week
audience: {tagg: roof}
letters:
  - id: one
    kind: usefull
    subject: {{ first_name | default('Hello') }}, one
    body: Hello
---
segment: readers
where: {tag: x}
titel: Readers
"""


def test_all_faults_of_all_documents_come_at_once_with_a_caret():
    loaded = load_text(FIVE, "five.yaml")
    assert [(f.line, f.rule) for f in loaded.faults] == [
        (3, "unknown-key"),
        (4, "condition"),
        (7, "value"),
        (8, "quote"),
        (13, "unknown-key"),
    ]
    assert loaded.documents == ()
    assert loaded.faults[2].render(FIVE).split("\n")[1:3] == ["        kind: usefull", "              ^"]


def test_a_broken_document_does_not_hide_the_next():
    loaded = load_text("segment: [\n---\nsegment: b\nwhere: {tag: x}\n")
    assert [p.document.name for p in loaded.documents] == ["b"]
    assert {f.line for f in loaded.errors} == {1}


SCALARS = [
    ("10:00", "10:00"), ("3:1", "3:1"), ("NO", "NO"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
    ("2026-12-31", "2026-12-31"), ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"), ("1_000", "1_000"), ("0b1", "0b1"),
    ("190:20:30", "190:20:30"), ("=", "="), ("<<", "<<"), ("true", True), ("True", True), ("TRUE", True), ("false", False), ("tRue", "tRue"),
    ("null", None), ("~", None), ("", None), ("nULL", "nULL"), ("12", 12), ("-3", -3), ("+7", 7), ("0o14", 12), ("0x1F", 31), ("012", 12),
    ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.", 1.0), ("-", "-"), (".", "."), ("1.2.3", "1.2.3"), ("+", "+"), ("e3", "e3"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "read"), SCALARS)
def test_plain_scalars_follow_yaml_1_2_core(written, read):
    assert resolve(written) == read
    assert type(resolve(written)) is type(read)


def test_words_that_other_readers_take_for_booleans_stay_words():
    segment = load_text("segment: norway\nwhere: {field: country, is: NO}\n").documents[0].document
    assert isinstance(segment, Segment)
    assert segment.where.is_ == "NO"
    policy = load_text("policy: default\nquiet_hours: {from: 21:00, until: 8:00}\nblackout: [2026-12-31, 01-01]\nmix: 3:1\n")
    assert policy.faults == ()
    assert isinstance(policy.documents[0].document, Policy)


def test_a_number_with_leading_zeros_is_warned_about():
    loaded = load_text("segment: a\nwhere: {field: zip, is: 01067}\n")
    assert [(f.level, f.rule, f.line, f.column) for f in loaded.faults] == [("warning", "leading-zero", 2, 25)]
    assert len(loaded.documents) == 1


def test_old_dialects_get_the_right_spelling():
    faults = load_text(letter("kind: useful", 'subject: "*|FNAME|*, hello"', "body: \"{{ contact.FIRSTNAME | default: 'you' }}\"")).faults
    assert [(f.level, f.rule, f.line) for f in faults] == [("warning", "dialect", 5), ("error", "dialect", 6)]
    assert "{{ first_name | default('friend') }}" in faults[0].advice
    assert "{{ first_name | default('you') }}" in faults[1].advice


def test_a_name_that_no_letter_knows_is_a_warning_on_its_own_line_of_the_body():
    text = letter(
        "kind: useful", "subject: s", "body: |", "  Hello", "", "  {{ fist_name }} {{ size }} {% for x in received %}{{ x }}{% endfor %}"
    )
    faults = load_text(text).faults
    assert [(f.level, f.rule, f.line) for f in faults] == [("warning", "unknown-name", 9)] * 2
    assert {f.advice for f in faults} == {"Did you mean first_name?", "Own columns are written {{ fields.size }}."}


def test_a_constant_as_large_as_the_memory_is_only_read():
    assert load_text(letter("kind: useful", "subject: s", "body: \"{{ 'a' * 2000000000 }}\"")).errors == ()


def test_json_files_say_document_and_carry_positions(tmp_path: Path):
    good = tmp_path / "a.json"
    good.write_text(
        json.dumps(
            [{"document": "segment", "name": "a", "where": {"tag": "x"}}, {"document": "segment", "segment": "b", "where": {"tag": "y"}}]
        )
    )
    assert [p.document.name for p in load_files([good]).documents] == ["a", "b"]
    bad = tmp_path / "b.json"
    bad.write_text('{"document": "segment",\n "name": "a",\n "where": {"tagg": "x"}, "where": 1}')
    assert [(f.line, f.column, f.rule) for f in load_files([bad]).faults] == [(3, 12, "condition"), (3, 26, "duplicate-key")]
    bad.write_text('{"document": "segmnt", "name": "a", "where": {"tag": "x"}}')
    assert [(f.line, f.column, f.rule) for f in load_files([bad]).faults] == [(1, 14, "document")]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        '{"a" 1}',
        '{"a": tru}',
        '{"a": "x',
        "[1",
        '{"a": 01}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": 12345678901234567890}',
        '{"a": 1} x',
        "{'a': 1}",
        '"\\ud800"',
    ],
)
def test_broken_json_is_told_in_a_sentence(text):
    faults = load_text(text, "x.json").faults
    assert faults
    assert faults[0].advice
    assert not JARGON.search(faults[0].message)


@pytest.mark.parametrize("values", [20_000, 900_000])
def test_a_body_full_of_mistakes_costs_seconds_not_hours(values: int):
    """Each fault was once compared with every other, and each place counted from the top."""
    began = time.process_time()
    loaded = load_text('{"sequence": "a", "letters": [' + ",".join(["1"] * values) + "]}", "body", "sequence")
    assert loaded.errors
    assert time.process_time() - began < 5


def test_the_path_of_a_request_may_tell_the_document():
    body = '{"name": "a", "where": {"tag": "x"}}'
    assert load_text(body, document_type="segment").documents[0].document.name == "a"
    assert [f.rule for f in load_text('{"document": "policy", "name": "default"}', document_type="segment").errors] == ["document"]


def test_the_same_document_twice_is_refused_across_files(tmp_path: Path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("segment: a\nwhere: {tag: x}\n")
    loaded = load_files([tmp_path])
    assert [(Path(f.file).name, f.rule) for f in loaded.faults] == [("b.yaml", "duplicate-document")]


def test_files_that_cannot_be_read_are_told(tmp_path: Path):
    with pytest.raises(NurtureError, match="is not there"):
        load_files([tmp_path / "none.yaml"])
    with pytest.raises(NurtureError, match="holds no"):
        load_files([tmp_path])
    big, latin = tmp_path / "big.yaml", tmp_path / "latin.yaml"
    big.write_bytes(b"#" * (MAX_BYTES + 1))
    latin.write_bytes("segment: a\ntitle: Größe\n".encode("latin-1"))
    assert [(f.rule, f.line) for f in load_files([big, latin]).faults] == [("size", 1), ("encoding", 2)]


def test_a_byte_order_mark_windows_line_ends_and_line_separators_do_no_harm():
    text = "\ufeffsegment: a\r\ntitle: x\u2028y\r\ntitel: z\r\nwhere: {tag: x}\r\n"
    assert [(f.line, f.rule) for f in load_text(text).faults] == [(3, "unknown-key")]


def test_positions_lead_to_every_part():
    placed = load_text(sequence("audience: {all: [{tag: a}]}")).documents[0]
    assert isinstance(placed.document, SequenceDocument)
    place = placed.at(("letters", 0, "subject"))
    assert (place.key_line, place.key_column, place.line, place.column) == (6, 5, 6, 14)
    assert placed.at(("audience", "all", 0, "tag")).line == 2


@given(st.text(st.sampled_from("ab:-{}[]\"'|>*&!%@#,? \n\t~0.é"), max_size=120))
def test_no_text_breaks_the_loader(text):
    for fault in load_text("segment: a\n" + text).faults:
        assert isinstance(fault, Fault)
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.advice
        fault.render(text)


@given(st.text(st.sampled_from('{}[]",:\\u019e-.tfn \n'), max_size=80))
def test_no_json_breaks_the_loader(text):
    assert isinstance(load_text(text, "x.json").faults, tuple)

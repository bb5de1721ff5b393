"""What changed, in words; what a letter can use, held against the room that renders it; every key in the docs."""

from datetime import date
from pathlib import Path

from nurture.definitions.comparing import compare
from nurture.definitions.keys import all_models, keys_of
from nurture.definitions.loading import load_text
from nurture.definitions.merging import LETTER_FILTERS, LETTER_NAMES
from nurture.domain.documents import DOCUMENT_TYPES, AnyDocument
from nurture.domain.letters import Cadence
from nurture.domain.readers import Reader
from nurture.render import rendering, sandbox

REFERENCE = (Path(__file__).parents[2] / "docs" / "yaml.md").read_text()
OLD = """sequence: school
cadence: 2 per week
letters:
  - {id: a, kind: useful, subject: A, body: "one\\ntwo"}
  - {id: b, kind: sales, subject: B, body: x}
"""
NEW = """sequence: school
cadence: 1 per week
topic: roofs
letters:
  - {id: b, kind: sales, subject: B, body: x}
  - {id: a, kind: useful, subject: A better one, body: "one\\nthree"}
  - {id: c, kind: news, subject: C, body: x}
"""


def document(text: str) -> AnyDocument:
    return load_text(text).documents[0].document


def test_changes_are_told_in_a_marketers_words():
    assert compare(document(OLD), document(NEW)) == [
        'cadence: "2 per week" -> "1 per week"',
        "topic roofs added",
        'letter a: subject: A -> "A better one"',
        "letter a: the text changed (1 new line, 1 gone)",
        "letter c (news, short) added after a",
        "the letters stand in another order: b, a, c",
    ]
    assert "letter c taken out" in compare(document(NEW), document(OLD))
    assert "topic roofs taken out" in compare(document(NEW), document(OLD))
    assert compare(document(OLD), document(OLD)) == []


def test_a_library_letter_is_compared_as_one_letter():
    old = document("letter: faq\nkind: useful\nsubject: A\nbody: x\n")
    assert compare(old, document("letter: faq\nkind: useful\nsubject: B\nbody: x\n")) == ["subject: A -> B"]


def test_what_a_letter_can_use_is_what_rendering_gives_it():
    content = {"kind": "useful", "subject": "s", "preheader": "", "html": "", "text": "", "title": "t"}
    addressed = rendering.Addressed("https://e.com", {}, date(2026, 3, 2), "Anna", "Street 1", "why", "a@b.c")
    names = set(rendering._names(rendering.prepare(content, []), Reader(1, "a@b.c"), addressed))
    assert names | {"subject", "preheader"} == LETTER_NAMES
    assert set(sandbox._FILTERS) == LETTER_FILTERS


def test_every_key_of_every_model_stands_in_the_reference():
    models = [m for m in all_models(list(DOCUMENT_TYPES.values())) if m is not Cadence]
    assert len(models) > 20
    assert {key for m in models for key in keys_of(m) if f"`{key}`" not in REFERENCE and f"{key}:" not in REFERENCE} == set()

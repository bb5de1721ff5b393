"""Lint never fails and never dawdles, whatever somebody writes."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain.letters import Letter
from nurture.domain.lint import Known
from nurture.domain.lint.letters import lint_letter
from nurture.domain.words import Kind
from tests.domain.test_lint_letters import OFFER

PIECES = st.sampled_from([
    "{{ first_name }}", "{{", "}}", "{% if name %}", "<p>", "<html>", "<style>", "<!--", "-->", "</p>", "\n\n", "## ", "[a](https://e.com/a)", "![](x.png)",
    "Уважаемые клиенты!", "ты", "вы", "Szanowni Państwo", "ЗВОНИТЕ СЕЙЧАС", "buy now", "50% off", "?\n- [a](https://e.com/a)\n- [b](https://e.com/b)\n", "«", "»", '"', "!",
    "до 31 марта", "$9", "\x1e", "\u2028", "İ", "\U0001f600", "https://[", "%FIRSTNAME%",
])  # fmt: skip
TEXT = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join)).filter(lambda text: len(text) > 0)


@settings(max_examples=150, deadline=None)
@given(subject=TEXT, body=TEXT, kind=st.sampled_from(Kind), locale=st.sampled_from([None, "en", "ru", "pl", "x"]))
def test_lint_never_raises_and_points_into_the_text(subject: str, body: str, kind: Kind, locale: str | None):
    written: dict[str, Any] = {"id": "a", "kind": kind, "subject": subject if subject.split() else "s", "body": body}
    try:
        letter = Letter.model_validate(written)
    except ValueError:  # a subject that is too long, or nothing once control characters are cleaned
        return
    for finding in lint_letter(letter, (), Known(), locale=locale, readers="others"):
        assert finding.message
        assert finding.advice
        assert 0 <= finding.line <= body.count("\n")
    rules = [f.rule for f in lint_letter(letter, (), Known(), locale=locale) if f.rule not in ("mass-address", "empty-merge-field")]
    assert len(rules) == len(set(rules))  # one cause, one finding


@pytest.mark.parametrize("piece", ["<", "{{", "{{name|", "](", "![", "«", "<style>", "<!--", "# a\n", "{% if ", "только 1 ", "\n", "\n   ", " ", ". ", "?\n[a](b)\n", 'href="', "1", "dear our "])
def test_no_text_takes_long(piece: str):
    """Every pattern is bounded: the longest body there may be, made of what a pattern likes best."""
    body = piece * (100_000 // len(piece))
    letter = Letter.model_validate({"id": "a", "kind": "sales", "subject": "s", "body": body})
    began = time.perf_counter()
    lint_letter(letter, (), Known(), locale="ru", readers="others")
    assert time.perf_counter() - began < 3  # a pattern without a bound takes minutes


def test_an_ordinary_letter_takes_less_than_five_milliseconds():
    letters = [Letter.model_validate({"id": "a", "kind": kind, "subject": "{{ first_name | default('x') }}, hello", "body": OFFER}) for kind in ("sales", "useful")]
    taken = []
    for _ in range(15):
        began = time.perf_counter()
        for letter in letters:
            lint_letter(letter, (), Known(), locale="en")
        taken.append((time.perf_counter() - began) / len(letters))
    assert min(taken) < 0.005

"""Questions as documents, answers as read from forms, draws that can be checked, counts that say how sure they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nurture.domain.asking import Answer, Question, choice_address, choice_of, read_answer
from nurture.domain.draws import commit, draw, entry_code, ticket, verify
from nurture.domain.errors import NurtureError
from nurture.domain.evidence import Hit, judge_answer
from nurture.domain.tally import Said, mean_of, periods, tally
from nurture.domain.themes import Text, themes
from nurture.domain.words import Evidence
from nurture.services.polling import stem

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHOICES = [{"id": "price", "text": "What it costs"}, {"id": "time", "text": "When it is done"}]
QUIZ = [{"id": "age", "text": "How old?", "choices": [{"id": "young", "text": "Young", "points": 2}, {"id": "old", "text": "Old", "points": -1}]}]
LETTER = {"id": "a", "kind": "service", "subject": "s", "body": "b"}


def question(**more: Any) -> Question:
    return Question.model_validate({"question": "q", "text": "Why?"} | more)


@pytest.mark.parametrize(("more", "words"), [
    ({"choices": CHOICES, "rating": 5}, "answered in one way"),
    ({"open": False}, "nothing is left to answer with"),
    ({"one_click": True}, "`one_click` fits choices"),
    ({"choices": CHOICES, "one_click": True, "draw": {"prize": "p"}, "closes": "2026-12-31"}, "`one_click` fits choices"),
    ({"choices": CHOICES, "draw": {"prize": "p"}}, "a draw needs `closes`"),
    ({"closes": "2026-02-30"}, "is no date"),
    ({"closes": "2026-02-20 25:00"}, "is no date"),
    ({"choices": [CHOICES[0], CHOICES[0]]}, "stands twice"),
    ({"bands": [{"id": "x", "from": 0, "text": "t"}]}, "belong to a quiz"),
    ({"quiz": QUIZ, "bands": [{"id": "x", "from": 0, "text": "t"}]}, "leads to no band"),
    ({"quiz": QUIZ, "bands": [{"id": "x", "from": -1, "text": "t"}, {"id": "y", "from": -1, "text": "t"}]}, "stands twice"),
    ({"quiz": QUIZ, "bands": [{"id": "x", "from": -1, "text": "t", "letter": LETTER}], "result": LETTER}, "stands twice"),
    ({"result": LETTER | {"kind": "sales"}}, "kind: service"),
    ({"in": {"fr": {"text": "Pourquoi?"}}}, "fr"),
    ({"title": "T", "in": {"de": {"text": "Warum?"}}}, "has no words for the title"),
    ({"in": {"de": {"text": "Warum?", "title": "T"}}}, "has words for the 'title', which"),
    ({"choices": CHOICES, "in": {"de": {"text": "Warum?", "choices": {"price": "Kosten"}}}}, "has no words for the choice time"),
    ({"choices": CHOICES, "in": {"de": {"text": "Warum?", "choices": {"price": "K", "time": "Z", "dirt": "D"}}}}, "has words for the choice 'dirt'"),
    ({"quiz": QUIZ, "in": {"de": {"text": "Warum?", "choices": {"age": "Alter?", "age/old": "Alt"}}}}, "has no words for the choice age/young"),
    ({"choices": CHOICES, "draw": {"prize": "p"}, "closes": "2026-12-31", "in": {"de": {"text": "W?", "choices": {"price": "K", "time": "Z"}}}}, "no words for the prize"),
    ({"quiz": QUIZ, "bands": [{"id": "x", "from": -1, "text": "t"}], "in": {"de": {"text": "W?", "choices": {"age": "A?", "age/old": "A", "age/young": "J"}}}}, "for the band x"),
])  # fmt: skip
def test_what_makes_no_question_is_said(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        question(**more)


def test_words_of_another_language_change_nothing_but_words() -> None:
    told = {"de": {"text": "Warum?", "choices": {"price": "Kosten", "time": "Zeit"}, "prize": "eine Leiter"}}
    asked = question(choices=CHOICES, draw={"prize": "a ladder", "winners": 2}, closes="2026-12-31", thanks="Well!", **{"in": told})
    for locale in ("de", "de-AT", "DE_ch"):
        said = asked.spoken(locale)
        assert (said.heading, said.options, said.thanks, said.closes) == ("Warum?", {"price": "Kosten", "time": "Zeit"}, "", "2026-12-31")
        assert said.draw is not None
        assert (said.draw.prize, said.draw.winners) == ("eine Leiter", 2)
    for locale in (None, "", "en", "pl", "d"):
        assert asked.spoken(locale) is asked


def test_a_date_closes_at_its_end_by_the_clock_of_the_workspace() -> None:
    assert question().closes_at("UTC") is None
    day, minute = question(closes="2026-03-29"), question(closes="2026-03-29 18:00")
    assert day.closes_at("Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert minute.closes_at("Europe/Berlin") == datetime(2026, 3, 29, 16, tzinfo=UTC)
    assert minute.is_closed("UTC", datetime(2026, 3, 29, 18, tzinfo=UTC))
    assert not minute.is_closed("UTC", datetime(2026, 3, 29, 17, 59, tzinfo=UTC))


@pytest.mark.parametrize(("more", "given", "said"), [
    ({"choices": CHOICES}, {"choice": "price", "text": " a\r\nb\x00 "}, Answer("price", None, "a\nb")),
    ({"choices": CHOICES, "open": False}, {"choice": "price", "text": "unasked"}, Answer("price")),
    ({"rating": 5}, {"choice": "5"}, Answer("5", 5.0)),
    ({}, {"text": "x" * 5000}, Answer(text="x" * 4000)),
    ({"quiz": QUIZ, "bands": [{"id": "low", "from": -1, "text": "t"}, {"id": "high", "from": 1, "text": "t"}]}, {"step.age": "old"}, Answer("low", -1.0, steps={"age": "old"})),
    ({"quiz": QUIZ}, {"step.age": "young"}, Answer(None, 2.0, steps={"age": "young"})),
    ({"choices": CHOICES, "draw": {"prize": "p"}, "closes": "2026-12-31"}, {"choice": "time", "named": " Anna\n B. "}, Answer("time", named="Anna B.")),
    ({"choices": CHOICES}, {"choice": "time", "named": "Anna"}, Answer("time")),
])  # fmt: skip
def test_a_form_is_read(more: dict[str, Any], given: dict[str, str], said: Answer) -> None:
    assert read_answer(question(**more), given) == said


@pytest.mark.parametrize(("more", "given"), [({"rating": 5}, {"choice": "6"}), ({"rating": 5}, {"choice": "²"}), ({"choices": CHOICES}, {}), ({"choices": CHOICES}, {"text": "\n \x07"}), ({"quiz": QUIZ}, {"step.age": "x"}), ({"quiz": QUIZ}, {"text": "x"})])  # fmt: skip
def test_a_form_that_answers_nothing_is_refused(more: dict[str, Any], given: dict[str, str]) -> None:
    with pytest.raises(NurtureError):
        read_answer(question(**more), given)


def test_the_address_of_a_choice_leads_back_to_it() -> None:
    assert choice_of(choice_address("q", "price"), "q") == "price"
    assert [choice_of(address, "q") for address in (None, "question:q", "question:q/", "question:other/price", "https://x/q/price")] == [None] * 5


@pytest.mark.parametrize(("hit", "evidence"), [
    (Hit(NOW, "POST", agent="Mozilla/5.0 (Windows) Firefox/140", ip="203.0.113.9"), Evidence.HUMAN),
    (Hit(NOW, "POST", agent="Mozilla/5.0 (Windows) Firefox/140", ip="203.0.113.9", trap=True), Evidence.MACHINE),
    (Hit(NOW, "POST", agent="curl/8.1"), Evidence.MACHINE),
    (Hit(NOW, "POST", agent="Mozilla/5.0", ip="40.94.1.1"), Evidence.MACHINE),
    (Hit(NOW, "POST", agent="Mozilla/5.0", prefetch=True), Evidence.MACHINE),
    (Hit(NOW, "POST", agent=""), Evidence.UNKNOWN),
])  # fmt: skip
def test_who_sent_a_form(hit: Hit, evidence: Evidence) -> None:
    assert judge_answer(hit).evidence is evidence


@given(st.sets(st.integers(1, 10**9), max_size=60), st.text("0123456789abcdef", min_size=1, max_size=64), st.integers(1, 5))
def test_a_draw_can_be_done_again_by_anybody(people: set[int], seed: str, places: int) -> None:
    commitment = commit(seed)
    entries = [entry_code(commitment, person) for person in people]
    won = draw(seed, entries, places)
    assert len(won) == min(places, len(people))
    assert draw(seed, reversed(entries), places) == won
    assert draw(seed, [*entries, *entries], places) == won
    assert verify(seed, commitment, entries, won).honest
    assert not verify(seed + "0", commitment, entries, won).honest
    assert all(ticket(seed, winner) <= ticket(seed, other) for winner in won for other in set(entries) - set(won))
    if len(entries) > 1 and places < len(entries):
        loser = next(e for e in entries if e not in won)
        assert not verify(seed, commitment, entries, (loser, *won[1:])).honest
        assert not verify(seed, commitment, [*entries, entries[0]], won).honest


def test_a_draw_favours_nobody() -> None:
    """Of a hundred people with one prize each wins about as often as the others, over seeds."""
    entries = [entry_code(commit("x"), person) for person in range(20)]
    wins = dict.fromkeys(entries, 0)
    for seed in range(4000):
        wins[draw(str(seed), entries, 1)[0]] += 1
    squares = sum((count - 200) ** 2 / 200 for count in wins.values())
    assert squares < 43.8  # chi square of 19 degrees of freedom, one in a thousand


def said(person: int, choice: str | None = None, value: float | None = None, days: int = 0, how: str = "page", text: str = "") -> Said:
    return Said(person, NOW + timedelta(days=days), Answer(choice, value, text), how)


def test_a_tally_counts_people_and_says_how_sure_it_is() -> None:
    last = [said(1, "price"), said(2, "price", how="click"), said(3, "time", text="x"), said(4, text="only words"), said(5, "gone")]
    found = tally(question(choices=CHOICES), last, last, asked=50, machines=7)
    assert [(line.id, line.people) for line in found.lines] == [("price", 2), ("time", 1), ("gone", 1)]
    assert (found.people, found.by_click, found.own_words, found.asked, found.machines) == (5, 1, 2, 50, 7)
    price = found.lines[0]
    assert (price.share, round(price.low, 2), round(price.high, 2)) == (0.5, 0.15, 0.85)
    assert tally(question(choices=CHOICES), []).lines[0].share == 0


def test_a_mean_has_the_interval_of_student() -> None:
    mean = mean_of([4, 5, 3, 4, 4], 1, 5)
    assert (mean.value, round(mean.low or 0, 3), round(mean.high or 0, 3)) == (4.0, 3.122, 4.878)
    assert mean_of([5], 1, 5).low is None
    wide = mean_of([1, 5], 1, 5)
    assert (wide.low, wide.high) == (1, 5)
    assert tally(question(rating=5), [said(1, "4", 4.0), said(2, text="words alone")]).mean == mean_of([4.0], 1, 5)


def test_a_survey_goes_on_quarter_by_quarter() -> None:
    every = [said(1, "2", 2.0), said(1, "4", 4.0, days=1), said(2, "5", 5.0, days=20), said(1, "1", 1.0, days=120)]
    assert [(p.name, p.people, p.chosen, p.mean) for p in periods(every)] == [("2026-Q1", 2, {"4": 1, "5": 1}, 4.5), ("2026-Q2", 1, {"1": 1}, 1.0)]


@pytest.mark.parametrize(("texts", "about", "found"), [
    (["The chimney leaks.", "Our chimney is leaking since May", "It leaks at the chimney"], "Your roof?", [("chimney leaks", 3)]),
    (["Цены слишком высокие", "Высокая цена!", "Мне не нравится цена"], "", [("цена", 3), ("высокие", 2)]),
    (["Dach przecieka zimą", "przeciekający dach", "dachy są drogie"], "", [("dach", 3), ("dach przecieka", 2)]),
    (["Die Preise sind hoch", "Der Preis ist hoch", "hohe Preise"], "", [("preise", 3), ("preise … hoch", 2)]),
    (["It costs more than I earn", "The costs! What do I earn?"], "", [("costs", 2), ("earn", 2)]),
    (["My roof is old", "the roof: old!", "an old roof"], "What troubles you about your roof?", [("old", 3), ("roof … old", 2)]),
    (["one thing", "another matter"], "", []),
    (["Дах протікає", "дах"], "", [("дах", 2)]),
], ids=["en", "ru", "pl", "de", "far", "asked", "nothing", "another"])  # fmt: skip
def test_what_is_named_most(texts: list[str], about: str, found: list[tuple[str, int]], request: pytest.FixtureRequest) -> None:
    home = request.node.callspec.id
    named = themes([Text(n, words, home if home in ("de", "pl") else None) for n, words in enumerate(texts)], stem, about)
    assert [(theme.words, len(theme.people)) for theme in named] == found


def test_one_person_is_one_voice_however_often_they_say_it() -> None:
    shouted = [Text(1, "price price price. The price!"), Text(2, "The price.")]
    assert [(theme.words, theme.people) for theme in themes(shouted, stem)] == [("price", (1, 2))]
    assert themes([Text(1, "price, price, price")], stem) == ()


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_can_be_read_and_nothing_is_invented(texts: list[str]) -> None:
    """Every word of a theme stands in a text of each language as somebody wrote it."""
    written = " ".join(texts).lower().replace("’", "'").replace("ё", "е")
    for theme in themes([Text(n, words) for n, words in enumerate(texts)], stem):
        assert len(theme.people) >= 2
        assert all(word in written for word in theme.words.split() if word != "…")

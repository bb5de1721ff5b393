"""Folding fact by fact: corrections, bounces beyond the memory, the months of the peaks, what each kind of act leaves behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nurture.domain.folding import PEAK_MONTHS, EventFact, LetterFact, fold, month_of
from nurture.domain.standing import Mark, Standing
from nurture.domain.words import EventType, Evidence, Kind, Temperature
from tests.support.judging import take

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HALF = timedelta(days=180)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def sent(number: int, days_ago: float, kind: Kind = Kind.USEFUL, uncertain: bool = False) -> LetterFact:
    at = NOW - timedelta(days=days_ago)
    return LetterFact(number, at, at.date(), kind, uncertain)


def act(event: EventType, days_ago: float, delivery: int | None = None, **more: Any) -> EventFact:
    return EventFact(event, NOW - timedelta(days=days_ago), more.pop("evidence", Evidence.HUMAN), delivery, **more)


def bounce(delivery: int) -> EventFact:
    return act(EventType.BOUNCED, 0, delivery, hard=True)


def folded(letters: list[LetterFact], *events: EventFact) -> Standing:
    return fold(Standing(1), letters, events, HALF)


def test_a_letter_told_twice_is_one_letter() -> None:
    once = folded([sent(1, 2), sent(2, 1)])
    assert fold(once, [sent(1, 2), sent(2, 1)], [], HALF) == once
    assert (len(once.recent), once.received, once.useful_since_sales) == (2, 2, 2)


def test_letters_stand_by_time_and_then_by_number() -> None:
    assert [e.delivery for e in folded([sent(3, 1), sent(2, 1), sent(9, 5)]).recent] == [9, 2, 3]


def test_a_letter_in_doubt_is_not_received_until_it_is_proven() -> None:
    doubt = folded([sent(1, 2, uncertain=True)])
    assert (doubt.received, doubt.useful_since_sales, doubt.recent[0].marks) == (0, 0, Mark.UNCERTAIN)
    seen = fold(doubt, [], [act(EventType.OPENED, 1, 1)], HALF)
    proven = fold(seen, [sent(1, 2)], [], HALF)
    assert (proven.received, proven.useful_since_sales, proven.recent[0].marks) == (1, 1, Mark.OPENED)


def test_a_bounce_before_the_last_sales_letter_takes_nothing_from_what_came_after() -> None:
    standing = folded([sent(1, 9), sent(2, 5, Kind.SALES), sent(3, 2), sent(4, 1, Kind.NEWS)], bounce(1))
    assert (standing.useful_since_sales, standing.others_since_sales) == (1, 2)


@pytest.mark.parametrize(
    ("letter", "useful", "others"),
    [
        (sent(9, 1), 20, 22),
        (sent(9, 1, Kind.NEWS), 20, 22),
        (sent(9, 1, Kind.GREETING), 20, 22),
        (sent(9, 1, uncertain=True), 20, 22),
    ],
)
def test_where_no_sales_letter_is_remembered_a_bounce_takes_back_what_was_earned(letter: LetterFact, useful: int, others: int) -> None:
    before = replace(Standing(1), useful_since_sales=useful, others_since_sales=others)
    bounced = fold(fold(before, [letter], [], HALF), [], [bounce(9), bounce(9)], HALF)
    assert (bounced.useful_since_sales, bounced.others_since_sales) == (useful, others)


def test_counts_go_on_where_no_sales_letter_is_remembered() -> None:
    before = replace(Standing(1), useful_since_sales=20, others_since_sales=22)
    letters = [sent(1, 9), sent(2, 8, Kind.NEWS), sent(3, 7, Kind.GREETING), sent(4, 6, uncertain=True)]
    after = fold(before, letters, [], HALF)
    assert (after.useful_since_sales, after.others_since_sales) == (21, 24)


def test_months_are_numbered_for_ever() -> None:
    assert [month_of(datetime(year, month, 1, tzinfo=UTC)) for year, month in ((2020, 1), (2025, 12), (2026, 3))] == [1, 72, 75]


def test_peaks_are_kept_for_thirteen_months_and_never_sink_in_their_month() -> None:
    days = [datetime(2024 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(27)]
    clicks = [EventFact(EventType.CLICKED, day, Evidence.HUMAN, n) for n, day in enumerate(days)]
    standing = folded([LetterFact(n, day - DAY, day.date(), Kind.USEFUL) for n, day in enumerate(days)], *clicks)
    assert [month for month, _ in standing.peaks] == list(range(75 - PEAK_MONTHS + 1, 76))
    assert PEAK_MONTHS == 13
    late = fold(standing, [], [act(EventType.OPENED, -27, 26)], HALF)
    assert dict(late.peaks)[75] == standing.score > late.score
    soon = fold(standing, [], [act(EventType.OPENED, -1, 26)], HALF)
    assert dict(soon.peaks)[75] == soon.score > standing.score


def test_the_order_in_which_facts_are_told_does_not_matter() -> None:
    events = [act(EventType.CONVERTED, d, name="purchase") for d in (300, 200, 100, 1)]
    assert folded([], *reversed(events)) == folded([], *events)


def test_the_weights_of_the_acts() -> None:
    def score(event: EventType, **more: Any) -> float:
        return folded([sent(1, 1)], act(event, 0, 1, **more), act(event, 0, 1, **more)).score

    assert score(EventType.OPENED) == 1
    assert score(EventType.CLICKED) == 3
    assert score(EventType.REPLIED) == score(EventType.ANSWERED) == 10
    assert score(EventType.CONVERTED, name="purchase") == 16
    assert score(EventType.CONVERTED, name="lead") == score(EventType.CONVERTED, name="other") == score(EventType.VISITED) == 0


def test_an_event_told_late_counts_what_is_left_of_it() -> None:
    late = fold(folded([], act(EventType.REPLIED, 0)), [], [act(EventType.REPLIED, 180)], HALF)
    assert late.score == pytest.approx(7.5)
    assert late.score_at == NOW


@pytest.mark.parametrize(
    ("event", "earlier", "field"),
    [
        (act(EventType.TOUCHED, 5, name="buy"), act(EventType.TOUCHED, 9, name="buy"), "wanted_at"),
        (act(EventType.CLICKED, 5, kind=Kind.SALES), act(EventType.CLICKED, 9, kind=Kind.SALES), "wanted_at"),
        (act(EventType.CONVERTED, 5, name="lead"), act(EventType.CONVERTED, 9, name="lead"), "wanted_at"),
        (act(EventType.TOUCHED, 5, name="advice"), act(EventType.TOUCHED, 9, name="advice"), "asked_at"),
        (act(EventType.TOUCHED, 5, name="no"), act(EventType.TOUCHED, 9, name="no"), "refused_at"),
        (act(EventType.REFUSED, 5), act(EventType.REFUSED, 9), "refused_at"),
        (act(EventType.CONVERTED, 5, name="purchase"), act(EventType.CONVERTED, 9, name="purchase"), "bought_at"),
        (act(EventType.VISITED, 5), act(EventType.VISITED, 9), "last_sign_at"),
    ],
)
def test_the_latest_of_its_kind_stands_however_late_the_earlier_is_told(event: EventFact, earlier: EventFact, field: str) -> None:
    standing = fold(folded([], event), [], [earlier], HALF)
    assert getattr(standing, field) == NOW - 5 * DAY
    assert getattr(folded([], earlier, event), field) == NOW - 5 * DAY


def test_the_last_two_answers_and_three_purchases_are_kept() -> None:
    answers = folded([], *(act(EventType.REPLIED, d) for d in (9, 5, 1)))
    assert answers.answers == (NOW - 5 * DAY, NOW - DAY)
    bought = folded([], *(act(EventType.CONVERTED, d, name="purchase") for d in (9, 7, 5)), act(EventType.ATTENDED, 1))
    assert bought.purchases == (NOW - 7 * DAY, NOW - 5 * DAY, NOW - DAY)
    assert (bought.conversions, bought.customer) == (3, True)
    late = fold(bought, [], [act(EventType.CONVERTED, 6, name="purchase")], HALF)
    assert late.purchases == (NOW - 6 * DAY, NOW - 5 * DAY, NOW - DAY)
    other = folded([], act(EventType.CONVERTED, 1, name="webinar"), act(EventType.ATTENDED, 1))
    assert (other.conversions, other.customer, other.bought_at, other.wanted_at) == (1, False, None, None)


def test_only_an_unknown_open_marks_a_proxy() -> None:
    def marks(event: EventType, evidence: Evidence) -> Mark:
        return folded([sent(1, 2), sent(2, 1)], act(event, 0, 1, evidence=evidence)).recent[0].marks

    assert marks(EventType.OPENED, Evidence.UNKNOWN) == Mark.PROXY
    assert marks(EventType.OPENED, Evidence.MACHINE) == marks(EventType.CLICKED, Evidence.UNKNOWN) == Mark(0)
    assert marks(EventType.OPENED, Evidence.HUMAN) == Mark.OPENED
    assert marks(EventType.CLICKED, Evidence.HUMAN) == Mark.CLICKED
    assert marks(EventType.REPLIED, Evidence.HUMAN) == Mark.ANSWERED


@pytest.mark.parametrize(
    ("facts", "within", "temperature"),
    [
        ({"refused_at": NOW}, 180, Temperature.REFUSER),
        ({"wanted_at": NOW}, 14, Temperature.HOT),
        ({"answers": (NOW, NOW)}, 30, Temperature.WARM),
        ({"answers": (NOW, NOW + 20 * DAY)}, 30, Temperature.WARM),  # the older of the two counts
        ({"asked_at": NOW}, 30, Temperature.WARM),
        ({"bought_at": NOW}, 180, Temperature.WARM),
    ],
)
def test_a_temperature_ends_to_the_second(facts: dict[str, Any], within: int, temperature: Temperature) -> None:
    standing = replace(Standing(1), **facts)
    assert take(standing, NOW + within * DAY).temperature is temperature
    assert take(standing, NOW + within * DAY + SECOND).temperature is Temperature.COLD


def test_one_answer_is_not_yet_warm() -> None:
    assert take(replace(Standing(1), answers=(NOW,)), NOW).temperature is Temperature.COLD

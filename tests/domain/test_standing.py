"""Folding, classes and temperature: human signals only, once, in any order; classes never overlap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.documents import EngagementPolicy
from nurture.domain.folding import EventFact, LetterFact, fold, fold_event
from nurture.domain.standing import Entry, FlagBit, Mark, Standing
from nurture.domain.words import Engagement, EventType, Evidence, Kind, Temperature, Tracking
from tests.support.judging import counted, flags_of, instant, judge, move, take

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
POLICY = EngagementPolicy()
HALF = POLICY.half_life
DAY = timedelta(days=1)


def sent(number: int, days_ago: float, kind: Kind = Kind.USEFUL, uncertain: bool = False) -> LetterFact:
    at = NOW - timedelta(days=days_ago)
    return LetterFact(number, at, at.date(), kind, uncertain)


def act(event: EventType, days_ago: float, delivery: int | None = None, evidence: Evidence = Evidence.HUMAN, **more: object) -> EventFact:
    return EventFact(event, NOW - timedelta(days=days_ago), evidence, delivery, **more)  # type: ignore[arg-type]


def letters(count: int, every: float = 7.0) -> list[LetterFact]:
    return [sent(n, every * (count - n)) for n in range(count)]


def test_useful_letters_are_counted_until_a_sales_letter() -> None:
    standing = fold(Standing(1), [sent(1, 30), sent(2, 20), sent(3, 10, Kind.NEWS)], [], HALF)
    assert (standing.received, standing.useful_since_sales, standing.others_since_sales) == (3, 2, 3)
    after = fold(standing, [sent(4, 5, Kind.SALES), sent(5, 1)], [], HALF)
    assert (after.useful_since_sales, after.others_since_sales) == (1, 1)


def test_a_hard_bounce_takes_back_what_the_letter_earned_once() -> None:
    bounce = act(EventType.BOUNCED, 1, 2, Evidence.UNKNOWN, hard=True)
    standing = fold(Standing(1), [sent(1, 3), sent(2, 2)], [bounce, bounce], HALF)
    assert standing.useful_since_sales == 1
    soft = fold(Standing(1), [sent(1, 3)], [replace(bounce, hard=False, delivery=1)], HALF)
    assert soft.useful_since_sales == 1


def test_an_uncertain_sales_letter_counts_as_sent_and_a_useful_one_earns_nothing() -> None:
    standing = fold(Standing(1), [sent(1, 9), sent(2, 8), sent(3, 7, uncertain=True)], [], HALF)
    assert standing.useful_since_sales == 2
    assert fold(standing, [sent(4, 6, Kind.SALES, uncertain=True)], [], HALF).useful_since_sales == 0
    proven = fold(standing, [sent(3, 7)], [], HALF)
    assert (proven.useful_since_sales, proven.received) == (3, 3)


def test_recent_reaches_back_sixteen_letters_or_ninety_days() -> None:
    assert len(fold(Standing(1), letters(30, every=30), [], HALF).recent) == 16
    assert len(fold(Standing(1), letters(40, every=2.5), [], HALF).recent) == 37
    assert len(fold(Standing(1), letters(90, every=1), [], HALF).recent) == 48


def test_interest_is_gone_to_an_eighth_in_eighteen_months() -> None:
    standing = fold(Standing(1), [], [act(EventType.CONVERTED, 540, name="purchase"), act(EventType.OPENED, 0)], HALF)
    assert standing.score == pytest.approx(8 / 8 + 1)
    assert standing.customer


def test_a_letter_opened_ten_times_scores_once() -> None:
    opens = [act(EventType.OPENED, 1 - n / 100, 1) for n in range(10)]
    assert fold(Standing(1), [sent(1, 2)], opens, HALF).score == pytest.approx(1, abs=0.01)


_HUMAN = st.builds(
    act, st.sampled_from([EventType.OPENED, EventType.CLICKED, EventType.REPLIED, EventType.CONVERTED, EventType.VISITED]), st.floats(0, 500),
    st.integers(0, 19), st.just(Evidence.HUMAN), name=st.just("purchase"),
)  # fmt: skip

@given(st.lists(_HUMAN, max_size=20), st.integers(0, 40))
def test_folding_in_pieces_equals_folding_at_once(events: list[EventFact], cut: int) -> None:
    ordered = sorted(events, key=lambda e: (e.at, e.type, e.delivery or 0))
    facts = letters(20)
    whole = fold(Standing(1), facts, ordered, HALF)
    pieces = fold(fold(Standing(1), facts, ordered[:cut], HALF), [], ordered[cut:], HALF)
    assert replace(pieces, score=0, peaks=()) == replace(whole, score=0, peaks=())
    assert pieces.score == pytest.approx(whole.score)


def test_the_classes_by_example() -> None:
    def of(facts: list[LetterFact], events: list[EventFact], tracking: Tracking = Tracking.INDIVIDUAL) -> Engagement:
        return judge(fold(Standing(1), facts, events, HALF), tracking, POLICY, NOW).engagement

    assert of(letters(3), []) is Engagement.NEW
    assert of(letters(10), []) is Engagement.PASSIVE
    assert of(letters(10), [], Tracking.NONE) is Engagement.UNOBSERVABLE
    assert of(letters(10), [act(EventType.OPENED, 3, 9, Evidence.UNKNOWN)]) is Engagement.UNOBSERVABLE
    assert of(letters(10), [act(EventType.OPENED, 3, 9, Evidence.UNKNOWN), act(EventType.OPENED, 3, 8)]) is Engagement.PASSIVE
    assert of(letters(10), [act(EventType.CLICKED, 60, 2)]) is Engagement.ACTIVE
    assert of(letters(12), [act(EventType.OPENED, 7, n) for n in (9, 10, 11)]) is Engagement.ACTIVE
    assert of(letters(12), [act(EventType.OPENED, 7, n) for n in (10, 11)]) is Engagement.PASSIVE
    assert of(letters(12), [act(EventType.CLICKED, 7, n) for n in (5, 8, 10, 11)]) is Engagement.FAN
    assert of(letters(12), [act(EventType.CONVERTED, d, name="purchase") for d in (400, 200, 5)]) is Engagement.FAN
    assert of(letters(20, every=20), [act(EventType.CLICKED, 300, 4)]) is Engagement.ACTIVE


def test_a_letter_counts_after_three_days_or_when_answered() -> None:
    standing = fold(Standing(1), [sent(1, 5), sent(2, 1), sent(3, 1)], [act(EventType.CLICKED, 0.5, 3)], HALF)
    assert counted(standing, POLICY, NOW) == [1, 3]


def test_up_at_once_down_after_two_weekly_runs_six_days_apart() -> None:
    quiet = fold(Standing(1), letters(10), [], HALF)
    keen = replace(quiet, engagement=Engagement.ACTIVE)
    verdict = judge(keen, Tracking.INDIVIDUAL, POLICY, NOW)
    assert move(keen, verdict, NOW, weekly=False).engagement is Engagement.ACTIVE
    first = move(keen, verdict, NOW, weekly=True)
    assert (first.engagement, first.downs) == (Engagement.ACTIVE, 1)
    waiting = replace(keen, downs=first.downs, downs_at=instant(first.downs_at))
    assert move(waiting, verdict, NOW + 5 * DAY, weekly=True).engagement is Engagement.ACTIVE
    assert move(waiting, verdict, NOW + 7 * DAY, weekly=True).engagement is Engagement.PASSIVE
    risen = replace(quiet, engagement=Engagement.PASSIVE)
    up = judge(fold(risen, [], [act(EventType.CLICKED, 0, 9)], HALF), Tracking.INDIVIDUAL, POLICY, NOW)
    assert move(risen, up, NOW, weekly=False).engagement is Engagement.ACTIVE


def test_flags_ripening_fading_lost() -> None:
    joined = NOW - timedelta(days=700)
    silent = fold(Standing(1), letters(10), [], HALF)
    assert flags_of(silent, Engagement.PASSIVE, joined, POLICY, NOW) == FlagBit.LOST
    assert flags_of(silent, Engagement.PASSIVE, NOW - 100 * DAY, POLICY, NOW) == FlagBit.RIPENING
    seen = fold(silent, [], [act(EventType.VISITED, 300)], HALF)
    assert flags_of(seen, Engagement.PASSIVE, joined, POLICY, NOW) == FlagBit.RIPENING
    cooling = fold(silent, [], [act(EventType.CLICKED, 200, 3)], HALF)
    assert flags_of(cooling, Engagement.ACTIVE, joined, POLICY, NOW) == FlagBit.FADING
    warm = fold(cooling, [], [act(EventType.CLICKED, 1, 9)], HALF)
    assert flags_of(warm, Engagement.ACTIVE, joined, POLICY, NOW) == FlagBit(0)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], Temperature.COLD),
        ([act(EventType.CLICKED, 3, 1, kind=Kind.SALES)], Temperature.HOT),
        ([act(EventType.CLICKED, 20, 1, kind=Kind.SALES)], Temperature.COLD),
        ([act(EventType.CONVERTED, 3, name="lead")], Temperature.HOT),
        ([act(EventType.CLICKED, 3, 1), act(EventType.REPLIED, 20, 2)], Temperature.WARM),
        ([act(EventType.TOUCHED, 3, name="advice")], Temperature.WARM),
        ([act(EventType.CLICKED, 3, 0), act(EventType.CLICKED, 2, 0)], Temperature.COLD),
        ([act(EventType.CONVERTED, 100, name="purchase")], Temperature.WARM),
        ([act(EventType.CONVERTED, 3, name="lead"), act(EventType.REFUSED, 170)], Temperature.REFUSER),
    ],
)
def test_temperature(events: list[EventFact], expected: Temperature) -> None:
    assert take(fold(Standing(1), letters(3), events, HALF), NOW).temperature is expected


def test_an_event_of_an_unknown_delivery_is_no_error() -> None:
    assert fold_event(Standing(1), act(EventType.OPENED, 0, 99), HALF).recent == ()
    assert Entry(1, NOW, NOW.date(), Kind.USEFUL, Mark.CLICKED).answered

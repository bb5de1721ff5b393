"""Engagement at its edges: the figures of the policy to the second, moves between classes, what a withdrawn signal undoes, the flags."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nurture.domain.documents import EngagementPolicy
from nurture.domain.engagement import Verdict, raised_from
from nurture.domain.standing import Entry, FlagBit, Mark, Standing
from nurture.domain.words import Engagement, Kind, Tracking
from tests.support.judging import counted, flags_of, instant, judge, move, undo

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
POLICY = EngagementPolicy()
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
EIGHTEEN_MONTHS, HALF_YEAR = timedelta(days=548), timedelta(days=183)
NEW, PASSIVE, ACTIVE, FAN, UNSEEN = Engagement.NEW, Engagement.PASSIVE, Engagement.ACTIVE, Engagement.FAN, Engagement.UNOBSERVABLE


def recent(count: int, every: float = 10.0, marks: dict[int, Mark] | None = None) -> tuple[Entry, ...]:
    """Letters `every` days apart, the last one `every` days ago; `marks` by number, the oldest is 0."""
    ats = [NOW - timedelta(days=every * (count - n)) for n in range(count)]
    return tuple(Entry(n, at, at.date(), Kind.USEFUL, (marks or {}).get(n, Mark(0))) for n, at in enumerate(ats))


def of(entries: tuple[Entry, ...], tracking: Tracking = Tracking.INDIVIDUAL, **more: Any) -> Engagement:
    return judge(Standing(1, recent=entries, **{"received": len(entries)} | more), tracking, POLICY, NOW).engagement


@pytest.mark.parametrize(
    ("ago", "marks", "counts"),
    [
        (3 * DAY, Mark(0), True),
        (3 * DAY - SECOND, Mark(0), False),
        (DAY, Mark.OPENED, False),
        (DAY, Mark.CLICKED, True),
        (DAY, Mark.ANSWERED, True),
        (9 * DAY, Mark.BOUNCED, False),
        (9 * DAY, Mark.UNCERTAIN, False),
        (DAY, Mark.ANSWERED | Mark.BOUNCED, False),
    ],
)
def test_which_letters_count(ago: timedelta, marks: Mark, counts: bool) -> None:
    entry = Entry(1, NOW - ago, NOW.date(), Kind.USEFUL, marks)
    assert counted(Standing(1, recent=(entry,)), POLICY, NOW) == ([1] if counts else [])


def test_few_letters_are_new_only_where_no_more_were_received() -> None:
    few, enough = recent(POLICY.new_below - 1), recent(POLICY.new_below)
    assert (of(few), of(enough), of(few, received=POLICY.new_below)) == (NEW, PASSIVE, PASSIVE)


@pytest.mark.parametrize(("ago", "expected"), [(EIGHTEEN_MONTHS, FAN), (EIGHTEEN_MONTHS + SECOND, ACTIVE)])
def test_purchases_of_eighteen_months_make_a_fan_of_the_active(ago: timedelta, expected: Engagement) -> None:
    bought = (NOW - ago, *[NOW - n * DAY for n in range(POLICY.fan_purchases - 1)])
    assert of(recent(12), purchases=tuple(sorted(bought)), answers=(NOW - DAY,)) is expected
    assert of(recent(12), purchases=(NOW,) * POLICY.fan_purchases) is PASSIVE


def test_a_fan_answered_among_the_last_letters() -> None:
    clicks = dict.fromkeys(range(12, 12 + POLICY.fan_answers), Mark.CLICKED)
    assert of(recent(12 + POLICY.fan_of - 1, every=3, marks=clicks)) is FAN
    assert of(recent(12 + POLICY.fan_of, every=3, marks=clicks)) is FAN
    assert of(recent(13 + POLICY.fan_of, every=3, marks=clicks)) is not FAN


@pytest.mark.parametrize(("every", "days", "expected"), [(5, 90, ACTIVE), (5, 91, PASSIVE), (10, 120, ACTIVE), (10, 121, PASSIVE)])
def test_an_answer_counts_as_long_as_the_active_days_or_letters_reach(every: int, days: int, expected: Engagement) -> None:
    """Whichever reaches further back: the days, or the last letters."""
    policy = EngagementPolicy.model_validate({"active_days": "90d", "active_letters": 12})
    standing = Standing(1, recent=recent(20, every), received=20, answers=(NOW - days * DAY,))
    assert judge(standing, Tracking.INDIVIDUAL, policy, NOW).engagement is expected


def test_a_share_of_opens_is_active_and_three_at_least() -> None:
    policy = EngagementPolicy.model_validate(
        {"active_open_share": 0.25, "active_open_least": 3, "active_letters": 16, "active_days": "90d"}
    )

    def opened(letters: int, opens: int) -> Engagement:
        marks = dict.fromkeys(range(letters - opens, letters), Mark.OPENED)
        return judge(Standing(1, recent=recent(letters, 5, marks), received=letters), Tracking.INDIVIDUAL, policy, NOW).engagement

    assert (opened(16, 4), opened(16, 3)) == (ACTIVE, PASSIVE)
    assert (opened(8, 3), opened(8, 2)) == (ACTIVE, PASSIVE)


def test_who_cannot_be_told() -> None:
    proxy, own = {19: Mark.PROXY}, {19: Mark.PROXY, 18: Mark.OPENED}
    assert (of(recent(20)), of(recent(20, marks=proxy)), of(recent(20, marks=own))) == (PASSIVE, UNSEEN, PASSIVE)
    assert of(recent(20), Tracking.NONE) is UNSEEN


def settled(old: Engagement, new: Engagement, *, weekly: bool, downs: int = 0, ago: timedelta | None = None) -> tuple[Engagement, int]:
    standing = Standing(1, engagement=old, downs=downs, downs_at=None if ago is None else NOW - ago)
    moved = move(standing, Verdict(new, "r"), NOW, weekly=weekly)
    return moved.engagement, moved.downs


@pytest.mark.parametrize(
    ("old", "new", "daily", "weekly"),
    [
        (NEW, PASSIVE, NEW, PASSIVE), (PASSIVE, UNSEEN, PASSIVE, UNSEEN), (UNSEEN, NEW, UNSEEN, NEW),  # alike: by the weekly run, at once
        (NEW, ACTIVE, ACTIVE, ACTIVE), (UNSEEN, FAN, FAN, FAN), (ACTIVE, FAN, FAN, FAN),  # up: always at once
        (FAN, ACTIVE, FAN, FAN), (FAN, PASSIVE, FAN, FAN), (ACTIVE, UNSEEN, ACTIVE, ACTIVE),  # down: not yet
    ],
)  # fmt: skip
def test_where_a_verdict_leads(old: Engagement, new: Engagement, daily: Engagement, weekly: Engagement) -> None:
    assert settled(old, new, weekly=False)[0] is daily
    assert settled(old, new, weekly=True)[0] is weekly


def test_down_only_by_the_second_weekly_run_six_days_later() -> None:
    assert settled(FAN, PASSIVE, weekly=True) == (FAN, 1)
    assert settled(FAN, PASSIVE, weekly=True, downs=1, ago=6 * DAY) == (PASSIVE, 0)
    assert settled(FAN, PASSIVE, weekly=True, downs=1, ago=6 * DAY - SECOND) == (FAN, 1)
    assert settled(FAN, PASSIVE, weekly=False, downs=1, ago=9 * DAY) == (FAN, 1)
    assert settled(FAN, FAN, weekly=True, downs=1, ago=9 * DAY) == (FAN, 0)
    assert settled(FAN, FAN, weekly=False, downs=1, ago=9 * DAY) == (FAN, 1)


def test_waiting_to_move_down_begins_with_the_first_verdict() -> None:
    standing = Standing(1, engagement=ACTIVE, downs=1, downs_at=NOW - 3 * DAY)
    again = move(standing, Verdict(PASSIVE, "r"), NOW, weekly=True)
    assert instant(again.downs_at) == NOW - 3 * DAY
    assert instant(move(replace(standing, downs=0, downs_at=None), Verdict(PASSIVE, "r"), NOW, weekly=True).downs_at) == NOW


@pytest.mark.parametrize(
    ("now", "verdict", "raised", "expected"),
    [
        (ACTIVE, PASSIVE, PASSIVE, PASSIVE),
        (ACTIVE, PASSIVE, NEW, NEW),
        (FAN, PASSIVE, ACTIVE, ACTIVE),  # no lower than before: that fall is the weekly run's
        (FAN, ACTIVE, PASSIVE, ACTIVE),  # as far as other facts carry
        (ACTIVE, ACTIVE, PASSIVE, None),  # other facts carry the class
        (ACTIVE, FAN, PASSIVE, None),
        (ACTIVE, PASSIVE, FAN, None),  # that was no rise
        (ACTIVE, PASSIVE, None, None),
    ],
)
def test_what_a_withdrawn_signal_undoes(
    now: Engagement, verdict: Engagement, raised: Engagement | None, expected: Engagement | None
) -> None:
    undone = undo(Standing(1, engagement=now), Verdict(verdict, "r"), raised)
    assert (undone and undone.engagement) is expected


@pytest.mark.parametrize(
    ("moves", "before"),
    [
        ([], None),
        ([("new", "passive")], None),
        ([("fan", "active")], None),
        ([("new", "passive"), ("passive", "active"), ("active", "fan")], "passive"),
    ],
)
def test_a_sign_raised_from_the_class_before_its_first_rise(moves: list[tuple[str, str]], before: str | None) -> None:
    assert raised_from(moves) == before


def flags(engagement: Engagement, *, joined: timedelta = 5000 * DAY, sign: timedelta | None = None, **more: Any) -> FlagBit:
    standing = Standing(1, last_sign_at=None if sign is None else NOW - sign, **more)
    return flags_of(standing, engagement, NOW - joined, POLICY, NOW)


def test_ripening_ends_a_year_after_the_last_sign_and_half_a_year_after_joining() -> None:
    year = timedelta(days=365)
    assert [bool(flags(PASSIVE, sign=s) & FlagBit.RIPENING) for s in (year, year + SECOND)] == [True, False]
    assert [bool(flags(PASSIVE, joined=j) & FlagBit.RIPENING) for j in (HALF_YEAR - SECOND, HALF_YEAR)] == [True, False]
    assert not any(flags(e, sign=DAY) & FlagBit.RIPENING for e in (NEW, ACTIVE, FAN, UNSEEN))


def test_lost_is_who_joined_and_was_seen_long_ago() -> None:
    long = POLICY.lost_after
    assert [bool(flags(PASSIVE, joined=j) & FlagBit.LOST) for j in (long, long - SECOND)] == [True, False]
    assert [bool(flags(UNSEEN, sign=s) & FlagBit.LOST) for s in (long, long - SECOND)] == [True, False]
    assert not any(flags(e) & FlagBit.LOST for e in (NEW, ACTIVE, FAN))


@pytest.mark.parametrize(
    ("peaks", "score", "fading"),
    [
        (((75, 9.0),), 4.49, True), (((75, 9.0),), 4.5, False),
        (((64, 9.0), (75, 1.0)), 4.49, True), (((63, 9.0), (75, 1.0)), 4.49, False),  # twelve months back, and one more
        ((), 1.0, False),
    ],
)  # fmt: skip
def test_fading_is_under_half_of_the_years_peak(peaks: tuple[tuple[int, float], ...], score: float, fading: bool) -> None:
    assert bool(flags(FAN, sign=DAY, score=score, score_at=NOW, peaks=peaks) & FlagBit.FADING) is fading
    assert not flags(PASSIVE, sign=DAY, score=score, score_at=NOW, peaks=peaks) & FlagBit.FADING
    assert not flags(ACTIVE, sign=DAY, peaks=peaks)


def test_fading_counts_the_score_of_today() -> None:
    half = POLICY.half_life
    assert flags(ACTIVE, sign=DAY, score=9.0, score_at=NOW - half, peaks=((75, 9.0),)) == FlagBit(0)
    assert flags(ACTIVE, sign=DAY, score=9.0, score_at=NOW - half - DAY, peaks=((75, 9.0),)) == FlagBit.FADING

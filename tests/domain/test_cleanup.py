"""The pure rules of a cleanup: whom it asks, the drawing, the stop rules, its steps, its dates, its figures."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nurture.domain.cleanup.audience import Facts, closing_refused, sort, still
from nurture.domain.cleanup.courses import OWN_WINDOWS
from nurture.domain.cleanup.guard import gauges, lower_bound
from nurture.domain.cleanup.sampling import Draw, draw, rank
from nurture.domain.cleanup.sheet import against_holdout, condition, difference, verdict_table
from nurture.domain.cleanup.steps import Progress, next_step
from nurture.domain.cleanup.timetable import timetable
from nurture.domain.cleanup.verdicts import stronger
from nurture.domain.cleanup.words import CleanupState, Exempt, Part, Verdict
from nurture.domain.documents import Cleanup, Policy
from nurture.domain.standing import FlagBit
from nurture.domain.windows import hours_of, openings
from nurture.domain.words import Engagement, Kinds, Status, Temperature

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
NO_FLAG = FlagBit(0)


def letter(key: str, kind: str = "sales", **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "subject": "s", "body": "b"} | more


def cleanup(**more: Any) -> Cleanup:
    return Cleanup.model_validate({"cleanup": "spring", "offers": [letter("one"), letter("two"), letter("three")]} | more)


SLEEPER = Facts(
    1, Status.SUBSCRIBED, Engagement.PASSIVE, NO_FLAG, False, Temperature.COLD, Kinds.ALL, frozenset(), None, None, False
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "audience", "expected"),
    [
        ({}, "passive", (Part.OFFERS, None)),
        ({}, "fading", (None, None)),
        ({"engagement": Engagement.ACTIVE}, "both", (None, None)),
        ({"engagement": Engagement.ACTIVE, "flags": FlagBit.FADING}, "both", (Part.OFFERS, None)),
        ({"engagement": Engagement.FAN, "flags": FlagBit.FADING}, "fading", (Part.OFFERS, None)),
        ({"engagement": Engagement.FAN, "flags": FlagBit.FADING}, "passive", (None, None)),
        ({"engagement": Engagement.NEW}, "both", (None, None)),
        ({"flags": FlagBit.LOST}, "passive", (Part.OFFERS, None)),
        ({"tagged": False}, "passive", (None, None)),
        ({"flags": FlagBit.RIPENING}, "passive", (None, Exempt.RIPENING)),
        ({"customer": True}, "passive", (None, Exempt.CUSTOMER)),
        ({"temperature": Temperature.REFUSER}, "passive", (None, Exempt.REFUSER)),
        ({"kinds": Kinds.USEFUL}, "passive", (None, Exempt.DECLINED)),
        ({"paused_until": NOW + DAY}, "passive", (None, Exempt.PAUSED)),
        ({"paused_until": NOW - DAY}, "passive", (Part.OFFERS, None)),
        ({"cleaned_at": NOW - 182 * DAY}, "passive", (None, Exempt.CLEANED)),
        ({"cleaned_at": NOW - 184 * DAY}, "passive", (Part.OFFERS, None)),
        ({"elsewhere": True}, "passive", (None, Exempt.ELSEWHERE)),
        ({"engagement": Engagement.UNOBSERVABLE}, "passive", (None, Exempt.UNSEEN)),
        ({"status": Status.ARCHIVED}, "passive", (None, None)),
    ],
)
def test_who_is_in_and_who_is_out_with_the_reason(change: dict[str, Any], audience: str, expected: tuple[Any, Any]) -> None:
    assert sort(cleanup(audience=audience), SLEEPER._replace(**change), NOW) == expected


def test_the_unobservable_are_asked_where_there_is_a_letter_for_them() -> None:
    asking = cleanup(repermission=letter("still-there", "about"))
    assert sort(asking, SLEEPER._replace(engagement=Engagement.UNOBSERVABLE), NOW) == (Part.REPERMISSION, None)


def test_a_reason_that_comes_up_later_counts_too() -> None:
    assert still(cleanup(), SLEEPER, Part.OFFERS, NOW) is None
    assert still(cleanup(), SLEEPER._replace(engagement=Engagement.ACTIVE), Part.OFFERS, NOW) is Exempt.AWAKE
    assert still(cleanup(), SLEEPER._replace(status=Status.UNSUBSCRIBED), Part.OFFERS, NOW) is Exempt.GONE
    assert still(cleanup(), SLEEPER._replace(customer=True), Part.OFFERS, NOW) is Exempt.CUSTOMER
    assert closing_refused(cleanup(), SLEEPER, NOW) is None
    assert closing_refused(cleanup(), SLEEPER._replace(paused_until=NOW + DAY), NOW) is Exempt.PAUSED


@pytest.mark.parametrize(
    ("people", "canary", "expected"),
    [
        (0, 0.01, (0, (0, 0, 0, 0))),
        (1, 0.01, (0, (1, 1, 1, 1))),
        (100, 0.01, (10, (45, 45, 45, 90))),
        (440, 0.01, (44, (198, 198, 198, 396))),
        (5_000, 0.01, (500, (200, 225, 900, 4_500))),
        (100_000, 0.01, (10_000, (900, 4_500, 18_000, 90_000))),
        (1_000_000, 0.01, (100_000, (1_000, 45_000, 180_000, 900_000))),
        (5_000, 0.0, (500, (0, 225, 900, 4_500))),
    ],
)
def test_holdout_canary_and_ramp(people: int, canary: float, expected: tuple[int, tuple[int, ...]]) -> None:
    assert draw(people, 0.1, canary) == expected
    assert Draw.of(expected[0], expected[1][0], expected[1][3]) == expected


def test_the_drawing_is_stable_and_another_one_for_each_cleanup() -> None:
    assert rank("spring", 7) == 1028418443581350629, "who was drawn must be the same after every upgrade"
    ranks = [rank("spring", n) for n in range(20_000)]
    assert len(set(ranks)) == 20_000
    assert max(ranks) < 2**62
    held = {n for n in range(20_000) if ranks[n] < 2**62 // 10}
    assert 1_850 < len(held) < 2_150
    again = {n for n in range(20_000) if rank("autumn", n) < 2**62 // 10}
    assert len(held & again) < 300, "who is held out once is not held out always"


def test_the_lower_bound_is_wilsons() -> None:
    assert lower_bound(0, 200) == 0.0
    assert lower_bound(6, 200) == pytest.approx(0.01794, abs=5e-5)
    assert lower_bound(50, 100, 1.959963984540054) == pytest.approx(0.4038, abs=1e-4)  # the textbook's interval is 0.404 to 0.596


@pytest.mark.parametrize(
    ("complaints", "reached", "level"),
    [(0, 200, "fine"), (1, 200, "fine"), (1, 2, "fine"), (2, 200, "stop"), (6, 200, "stop"), (2, 1_000, "warn"), (3, 1_000, "warn"), (5, 1_000, "warn"), (7, 1_000, "stop"), (2, 5_000, "fine")],
)  # fmt: skip
def test_complaints_warn_and_stop(complaints: int, reached: int, level: str) -> None:
    assert gauges(complaints, reached, 0, reached)[0].level == level


@pytest.mark.parametrize(("bounces", "level"), [(1, "fine"), (3, "fine"), (5, "warn"), (10, "warn"), (16, "stop")])
def test_hard_bounces_have_their_own_lines(bounces: int, level: str) -> None:
    assert gauges(0, 200, bounces, 200)[1].level == level


@given(st.integers(0, 2_000), st.integers(1, 100_000))
def test_a_stop_is_never_below_the_line(count: int, people: int) -> None:
    count = min(count, people)
    complaints, _ = gauges(count, people, 0, people)
    assert 0.0 <= complaints.least <= complaints.rate
    if complaints.level == "stop":
        assert complaints.rate > 0.003
        assert count >= 2


PROGRESS = Progress(CleanupState.CANARY, 0, NOW, Draw.of(500, 200, 4_500))


@pytest.mark.parametrize(
    ("change", "hours", "expected"),
    [
        ({"to_take": 5}, 99, None),
        ({"first_waiting": 1, "last_first_at": NOW}, 99, None),
        ({"last_first_at": NOW}, 23, None),
        ({"last_first_at": NOW}, 24, ("ramp", 1)),
        ({}, 0, ("ramp", 1)),
        ({"state": CleanupState.RAMP, "step": 1}, 23, None),
        ({"state": CleanupState.RAMP, "step": 1}, 24, ("ramp", 2)),
        ({"state": CleanupState.RAMP, "step": 1, "first_waiting": 3}, 24, None),
        ({"state": CleanupState.RAMP, "step": 2}, 24, ("ramp", 3)),
        ({"state": CleanupState.RAMP, "step": 3, "under_way": 9}, 99, None),
        ({"state": CleanupState.RAMP, "step": 3}, 0, ("settling", 3)),
        ({"state": CleanupState.SETTLING, "step": 3}, 999, None),
        ({"state": CleanupState.SETTLING, "step": 3, "settled": True, "unresolved": 4}, 0, None),
        ({"state": CleanupState.SETTLING, "step": 3, "settled": True}, 0, ("finished", 3)),
        ({"event_over": True, "under_way": 2}, 99, None),
        ({"event_over": True}, 0, ("settling", 0)),
        ({"gauges": gauges(6, 200, 0, 200)}, 0, ("stopped", 0)),
        ({"gauges": gauges(6, 200, 0, 200), "state": CleanupState.RAMP, "step": 1, "to_take": 7}, 0, ("stopped", 1)),
        ({"state": CleanupState.STOPPED}, 99, None),
        ({"state": CleanupState.FINISHED}, 99, None),
    ],
)
def test_the_moves(change: dict[str, Any], hours: int, expected: tuple[str, int] | None) -> None:
    step = next_step(replace(PROGRESS, **change), NOW + timedelta(hours=hours))
    assert (step[:2] if step else None) == expected


def test_a_step_that_adds_nobody_is_passed_over() -> None:
    step = next_step(replace(PROGRESS, draw=Draw.of(4, 18, 36)), NOW)
    assert step is not None
    assert step.step == 3
    assert step.reason.endswith("all follow")


def _openings(zone: ZoneInfo, since: datetime) -> Any:
    policy = Policy()
    return openings(hours_of(cleanup().offers[0], OWN_WINDOWS, policy), zone, policy, since)


def test_the_dates_of_a_cleanup_in_one_zone() -> None:
    """Monday: canary; Tuesday at noon it was watched; then a step a day."""
    steps = [{"UTC": 200}, {"UTC": 25}, {"UTC": 675}, {"UTC": 3_600}]
    found = timetable(steps, {"UTC": 10}, 3, _openings, NOW, event=None, closes_after=7 * DAY)
    assert [(s.name, s.people, s.first) for s in found.steps] == [
        ("canary", 200, date(2026, 3, 2)), ("5 %", 25, date(2026, 3, 4)), ("20 %", 675, date(2026, 3, 5)), ("all", 3_600, date(2026, 3, 6)),
    ]  # fmt: skip
    assert sum(found.letters.values()) == 3 * 4_500 + 10
    assert date(2026, 3, 8) not in found.letters, "never on a Sunday"
    assert found.letters[date(2026, 3, 9)] == 3_600, "the last offer of the last step"
    assert found.busiest_week == 3 * 4_500 + 10 - 200
    assert found.settles is not None
    assert found.settles.date() == date(2026, 3, 12)
    short = timetable(steps, {}, 3, _openings, NOW, event=date(2026, 3, 6), closes_after=None)
    assert short.cut_short == 2 * 3_600 + 675
    assert short.closes is None


def test_the_difference_to_the_holdout_is_newcombes() -> None:
    found = difference(56, 70, 48, 80)  # Newcombe (1998), table II, method 10: 0.0524 to 0.3339
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4), found.shown) == (0.0524, 0.3339, True)
    nothing = difference(5, 100, 5, 100)
    assert nothing is not None
    assert not nothing.shown
    assert difference(1, 10, 0, 0) is None


def test_the_verdicts_add_up_and_only_one_part_is_compared() -> None:
    counted = Counter({("offers", "revived"): 30, ("offers", "silent"): 60, ("offers", "open"): 10, ("holdout", "silent"): 9, ("holdout", "revived"): 1})
    table = verdict_table(counted)
    assert sum(table["all"].values()) == 110
    assert table["all"]["revived"] == 31
    compared = against_holdout(table)["revived"]
    assert compared is not None
    assert (compared.treated, compared.holdout) == (0.3, 0.1)


def test_a_year_in_letters_and_money() -> None:
    before = condition({"people": 1_000, "composition": {"passive": 800}, "answering": 50}, 9.0, 0.5)
    assert before["letters_a_year"] == 36_500
    assert (before["cost_a_year"], before["passive_share"], before["response_rate"]) == (18.25, 0.8, 0.05)
    assert condition({}, 9.0, None)["cost_a_year"] is None


def test_a_stronger_finding_takes_the_place_of_a_weaker() -> None:
    assert stronger(None, Verdict.SILENT)
    assert stronger(Verdict.SILENT, Verdict.REVIVED)
    assert stronger(Verdict.REVIVED, Verdict.LEFT)
    assert stronger(Verdict.LEFT, Verdict.COMPLAINED)
    assert not stronger(Verdict.COMPLAINED, Verdict.REVIVED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"closing": letter("one", "about")}, "stands twice"),
        ({"offers": [letter("one", "service")]}, "a service letter"),
        ({"offers": [letter("one", after="2d")]}, "has `after`"),
        ({"offers": [letter("one", only_if={"tag": "x"})]}, "has `only_if`"),
        ({"event": "10 April"}, "date"),
    ],
)
def test_what_cannot_be_run_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        cleanup(**change)

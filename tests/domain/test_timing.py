"""Pacing counted by hand, and the name of the rule that decided one letter's moment."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import Policy, Sequence
from nurture.domain.letters import Cadence
from nurture.domain.pacing import cadence_allows, cap_places, gap_ends
from nurture.domain.plans import Past, Person, Way
from nurture.domain.standing import Entry
from nurture.domain.timing import Slot, earliest
from nurture.domain.windows import hours_of
from nurture.domain.words import Kind

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)  # eight o'clock in Berlin
DAY, TODAY, BERLIN = timedelta(days=1), MONDAY.date(), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("apart", "places"), [(-7, 1), (-6, 0), (0, 0), (6, 0), (7, 1)])
def test_the_cap_counts_seven_dates_to_both_sides(apart: int, places: int) -> None:
    assert cap_places(TODAY, [TODAY + apart * DAY], 1) == places


def test_the_fullest_seven_dates_decide() -> None:
    assert cap_places(TODAY, [TODAY - 6 * DAY, TODAY - 5 * DAY, TODAY + 6 * DAY], 3) == 1


def test_the_gap_is_counted_from_the_latest_letter_in_any_order() -> None:
    late, early = (Entry(n, at, at.date(), Kind.USEFUL) for n, at in enumerate((MONDAY, MONDAY - 3 * DAY)))
    assert gap_ends((late, early), timedelta(hours=20)) == MONDAY + timedelta(hours=20)
    assert gap_ends((), timedelta(hours=20)) is None


@pytest.mark.parametrize(
    ("per", "day", "others", "allowed"),
    [
        ("week", date(2026, 3, 8), [date(2026, 3, 1), date(2026, 3, 2)], True),
        ("week", date(2026, 3, 8), [date(2026, 3, 2), date(2026, 3, 7)], False),
        ("week", date(2026, 12, 31), [date(2027, 1, 1), date(2027, 1, 3)], False),  # one week over the turn of the year
        ("week", date(2026, 3, 2), [date(2025, 2, 24), date(2025, 2, 25)], True),  # the same number of another year
        ("month", date(2026, 3, 31), [date(2026, 2, 28), date(2026, 3, 1)], True),
        ("month", date(2026, 3, 31), [date(2026, 3, 1), date(2026, 3, 30)], False),
        ("month", date(2026, 3, 31), [date(2025, 3, 1), date(2025, 3, 30)], True),
    ],
)
def test_two_per_calendar_unit(per: Any, day: date, others: list[date], allowed: bool) -> None:
    assert cadence_allows(day, others, Cadence(count=2, per=per)) is allowed


def slot(now: datetime, *entries: Entry, history: tuple[Past, ...] = (), paused_until: datetime | None = None, **more: Any) -> Slot | None:
    """The moment of letter `a` for a reader in Berlin who joined an hour ago."""
    cadence = more.pop("cadence", None)
    written = {"id": "a", "kind": "useful", "subject": "s", "body": "b"} | more
    document = Sequence.model_validate({"sequence": "school", "letters": [written], "cadence": cadence})
    way = Way(1, document, 1, now - timedelta(hours=1), history=history)
    person, letter = Person(1, BERLIN, entries, paused_until=paused_until), document.letters[0]
    return earliest(person, way, "school/a", letter, hours_of(letter, document.windows, Policy()), Policy(), now)


def before(hours: float) -> Entry:
    at = MONDAY - timedelta(hours=hours)
    return Entry(1, at, at.date(), Kind.USEFUL)


TUESDAY_TEN = [{"days": ["tue"], "from": "10:00", "until": "12:00"}]


@pytest.mark.parametrize(
    ("found", "rule", "due"),
    [
        (slot(MONDAY + 3 * timedelta(hours=1), window="any"), "window", MONDAY + timedelta(hours=3)),
        (slot(MONDAY, before(10), window="any"), "gap", MONDAY + timedelta(hours=10)),
        (slot(MONDAY, before(-7.5), window=TUESDAY_TEN), "gap", MONDAY + timedelta(hours=27.5)),  # it ends inside the window that comes
        (slot(MONDAY, before(10), window=TUESDAY_TEN), "window", None),  # it ends long before
        (slot(MONDAY, window="any", after="30h"), "after", MONDAY + timedelta(hours=29)),
        (slot(MONDAY, paused_until=MONDAY + timedelta(hours=5), window="any"), "paused", MONDAY + timedelta(hours=5)),
        (slot(MONDAY, before(10), paused_until=MONDAY + timedelta(hours=5), window="any"), "gap", MONDAY + timedelta(hours=10)),
    ],
)
def test_the_rule_that_decided_is_named(found: Slot | None, rule: str, due: datetime | None) -> None:
    assert found
    assert found.rule == rule
    assert due is None or found.due == due


def test_after_in_hours_runs_from_the_last_letter_of_the_way() -> None:
    sent = Past("school/z", Kind.USEFUL, "sent", TODAY, MONDAY - timedelta(minutes=10))
    found = slot(MONDAY, history=(sent,), window="any", after="5h")
    assert found
    assert found.due == MONDAY + timedelta(minutes=290)

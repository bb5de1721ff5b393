"""The workspace's pace: floor, most, seasons and bursts; and letters about a date, which stand beside the order."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nurture.domain.dates import between, falls_on
from nurture.domain.documents import Policy, Sequence
from nurture.domain.letters import About, Cadence
from nurture.domain.paces import Pace
from nurture.domain.pacing import about_dates, most_places, pace_on
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Past, Person, Plan, Shelf, Way
from nurture.domain.standing import Entry, Mark
from nurture.domain.words import Kind, State

NOW = datetime(2026, 9, 7, 7, 0, tzinfo=UTC)  # a Monday, nine o'clock in Berlin
DAY, BERLIN = timedelta(days=1), ZoneInfo("Europe/Berlin")
CLOTHES = Pace.model_validate({
    "floor": "1 per month", "most": "2 per month", "bursts": [{"about": "2026-09-15", "days": [-7, 0, 7]}, {"about": "12-06"}],
    "season": [{"from": "11-15", "until": "01-10", "most": "1 per week"}],
})  # fmt: skip


def entry(day: date, kind: Kind = Kind.USEFUL, marks: Mark = Mark(0)) -> Entry:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return Entry(day.toordinal(), at, day, kind, marks)


SEPTEMBER = (entry(date(2026, 9, 1)), entry(date(2026, 9, 3)))


@pytest.mark.parametrize(
    ("day", "most"),
    [("2026-11-14", "2 per month"), ("2026-11-15", "1 per week"), ("2027-01-10", "1 per week"), ("2027-01-11", "2 per month")],
)
def test_a_season_goes_over_the_turn_of_the_year_both_days_included(day: str, most: str) -> None:
    floor, found = pace_on(CLOTHES, date.fromisoformat(day))
    assert (str(floor), str(found)) == ("1 per month", most)


@pytest.mark.parametrize(
    ("entries", "places"),
    [
        ((), 2), (SEPTEMBER, 0), (SEPTEMBER[:1], 1),
        ((entry(date(2026, 8, 31)), entry(date(2026, 10, 1))), 2),  # other months
        ((entry(date(2026, 9, 2), Kind.GREETING), entry(date(2026, 9, 3), Kind.SALES, Mark.CLEANUP)), 2),
        ((entry(date(2026, 9, 29), Kind.NEWS), entry(date(2026, 9, 30), Kind.SALES)), 0),  # of everything, before and after
    ],
)  # fmt: skip
def test_the_most_counts_everything_but_greetings_and_cleanups(entries: tuple[Entry, ...], places: int) -> None:
    assert most_places(CLOTHES, date(2026, 9, 10), entries) == places


@pytest.mark.parametrize(("day", "free"), [("2026-09-08", True), ("2026-09-15", True), ("2026-09-22", True), ("2026-09-16", False), ("2030-12-06", True)])
def test_a_burst_lifts_the_most_on_its_dates(day: str, free: bool) -> None:
    assert (most_places(CLOTHES, date.fromisoformat(day), SEPTEMBER) is None) is free


def test_a_letter_of_a_bursts_date_may_leave_some_days_later() -> None:
    wednesday = date(2026, 9, 16)
    assert most_places(CLOTHES, wednesday, SEPTEMBER, about=date(2026, 9, 15)) is None
    assert most_places(CLOTHES, wednesday, SEPTEMBER, about=date(2026, 9, 14)) == 0


def test_without_a_pace_nothing_is_counted() -> None:
    assert most_places(None, NOW.date(), SEPTEMBER) is None
    assert most_places(Pace(floor=Cadence(count=1, per="month")), NOW.date(), SEPTEMBER) is None


@given(st.dates(date(2024, 1, 1), date(2032, 12, 31)), st.dates(date(2024, 1, 1), date(2024, 12, 31)), st.dates(date(2024, 1, 1), date(2024, 12, 31)))
def test_a_day_lies_in_a_stretch_or_in_the_rest_of_the_year(day: date, first: date, last: date) -> None:
    begins, ends = f"{first:%m-%d}", f"{last:%m-%d}"
    inside = between(begins, ends, day)
    if f"{day:%m-%d}" in (begins, ends):
        assert inside
    elif begins != ends:
        assert inside is not between(ends, begins, day)


@given(st.dates(date(2023, 1, 1), date(2030, 12, 31)))
def test_every_year_has_each_written_day_once(start: date) -> None:
    year = [date(start.year, 1, 1) + n * DAY for n in range(365)]
    assert sum(falls_on("02-29", d) for d in year) == 1
    assert sum(falls_on(f"{start:%m-%d}", d) for d in [*year, date(start.year, 12, 31)]) in (1, 2)


@pytest.mark.parametrize("wrong", [
    {"floor": "3 per month", "most": "2 per month"}, {"most": "2 a month"}, {"season": [{"from": "4-1", "until": "09-30"}]},
    {"bursts": [{"about": "Sept"}]}, {"bursts": [{"about": "09-15", "days": []}]}, {"every": 1},
])  # fmt: skip
def test_a_pace_that_means_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Pace.model_validate(wrong)


@pytest.mark.parametrize(("about", "fields", "first"), [
    ({"date": "2026-09-15", "days": -7}, {}, date(2026, 9, 8)),
    ({"date": "2025-09-15"}, {}, date(2025, 9, 15)),  # past: it will be missed, not wait for another year
    ({"date": "09-15", "days": -7}, {}, date(2026, 9, 8)),
    ({"date": "09-01"}, {}, date(2026, 9, 1)),  # its seven dates are not over: 7 September is the last
    ({"date": "08-31"}, {}, date(2027, 8, 31)),
    ({"date": "renewal", "days": -30}, {"renewal": "2026-12-01"}, date(2026, 11, 1)),
    ({"date": "birthday"}, {"birthday": "1980-05-17"}, date(1980, 5, 17)),
    ({"date": "birthday", "yearly": True}, {"birthday": "1980-05-17"}, date(2027, 5, 17)),
    ({"date": "birthday"}, {"birthday": "05-17"}, date(2027, 5, 17)),
    ({"date": "birthday", "yearly": True}, {"birthday": "1980-05-17T08:00:00+00:00"}, date(2027, 5, 17)),
    ({"date": "birthday"}, {"birthday": None}, None), ({"date": "birthday", "yearly": True}, {"birthday": "13-40"}, None),
    ({"date": "renewal"}, {}, None), ({"date": "renewal"}, {"renewal": "soon"}, None),
])  # fmt: skip
def test_the_date_that_is_meant(about: Any, fields: dict[str, str], first: date | None) -> None:
    found = about_dates(About.model_validate(about), fields, date(2026, 9, 7))
    assert found == (first and (first, first + 6 * DAY))


def plan(*letters: dict[str, Any], now: datetime = NOW, days_ago: float = 1, entries: tuple[Entry, ...] = (), policy: Any = None, **more: Any) -> Plan:
    """One reader in Berlin on one way; each letter is useful unless it says otherwise."""
    written = [{"kind": "useful", "subject": "s", "body": "b"} | x for x in letters]
    document = Sequence.model_validate({"sequence": "shop", "letters": written} | more.pop("document", {}))
    way = Way(1, document, 1, now - days_ago * DAY, history=more.pop("history", ()))
    person = Person(1, BERLIN, entries, fields=more.pop("fields", {}), useful_since_sales=more.pop("useful", 0))
    rules = Policy.model_validate({"policy": "default"} | (policy or {}))
    return plan_person(person, (way,), Shelf(), rules, now, more.pop("row", None))


BEFORE = {"id": "soon", "about": {"date": "2026-09-15", "days": -7}}  # from Tuesday 8 September on
RECIPE = {"id": "recipe"}


def test_a_letter_about_a_date_goes_in_its_kinds_first_window_from_then() -> None:
    found = plan(BEFORE)
    assert found.send
    assert (found.send.letter, found.send.due_at.astimezone(BERLIN).date(), found.send.rule) == ("shop/soon", date(2026, 9, 8), "about")
    assert found.send.reason.startswith("about 2026-09-15; waits for its date (Mon-Tue 10:00-12:00) on Tue 08 Sep 2026")
    offer = plan({"id": "offer", "kind": "sales", "about": BEFORE["about"]}, useful=3, now=NOW + DAY)
    assert offer.send
    assert offer.send.due_at.astimezone(BERLIN).date() == date(2026, 9, 9)  # Wednesday


def test_no_letter_waits_for_another_ones_date() -> None:
    early = NOW - 28 * DAY
    found = plan(BEFORE, RECIPE, now=early)
    assert found.send
    assert found.send.letter == "shop/recipe"
    alone = plan(BEFORE, now=early)
    assert (alone.send, alone.done) == (None, ())
    assert alone.waits[0].rule == "about"
    assert alone.look_at == alone.waits[0].until - timedelta(hours=36) if alone.waits[0].until else None


def test_of_equals_the_one_about_a_date_goes_first() -> None:
    found = plan(RECIPE, BEFORE, now=NOW + DAY, days_ago=9)
    assert found.send
    assert found.send.letter == "shop/soon"


def test_it_replaces_the_cadence_and_counts_for_it() -> None:
    sent = (Past("shop/z", Kind.USEFUL, "sent", date(2026, 9, 2), NOW - 5 * DAY),)
    monthly = {"document": {"cadence": "1 per month"}}
    found = plan(RECIPE, BEFORE, history=sent, **monthly)
    assert found.send
    assert found.send.letter == "shop/soon"
    after = plan(RECIPE, BEFORE, history=(Past("shop/soon", Kind.USEFUL, "sent", date(2026, 9, 2), NOW - 5 * DAY),), **monthly)
    assert after.waits[0].until
    assert after.waits[0].until.astimezone(BERLIN).month == 10


@pytest.mark.parametrize(("days", "skipped"), [(7, False), (8, True)])  # its last date is the 14th
def test_it_is_missed_when_its_seven_dates_are_over(days: int, skipped: bool) -> None:
    found = plan(BEFORE, RECIPE, now=NOW + days * DAY, days_ago=30)
    assert [(s.letter, s.outcome) for s in found.skips] == [("shop/soon", "missed")] * skipped
    assert "2026-09-08 to 2026-09-14, are over" in "".join(s.reason for s in found.skips) or not skipped


def test_without_a_date_it_is_skipped_when_all_else_is_sent() -> None:
    renewal = {"id": "soon", "about": {"date": "renewal", "days": -7}}
    assert plan(renewal, RECIPE).skips == ()
    found = plan(renewal)
    assert [(s.outcome, s.reason) for s in found.skips] == [("condition", "the person has no date in renewal")]
    assert found.done
    known = plan(renewal, fields={"renewal": "2026-09-15"})
    assert known.send


def test_its_condition_is_asked_when_it_is_near() -> None:
    asked = BEFORE | {"only_if": {"tag": "x"}}
    assert plan(asked, now=NOW - 10 * DAY).skips == ()
    assert [s.outcome for s in plan(asked).skips] == ["condition"]


def test_an_offer_about_a_date_is_held_like_any_other() -> None:
    offer = {"id": "offer", "kind": "sales", "about": BEFORE["about"]}
    found = plan(offer, RECIPE, document={"mix": "3:1"})
    assert found.send
    assert (found.send.letter, found.send.reason.split(":")[0]) == ("shop/recipe", "passes offer")
    alone = plan(offer, document={"mix": "3:1"})
    assert (alone.send, alone.waits[0].rule) == (None, "mix")
    far = plan(offer, document={"mix": "3:1"}, now=NOW - 20 * DAY)
    assert (far.send, far.waits[0].rule, far.done) == (None, "about", ())


def test_the_most_makes_letters_wait_for_the_next_month_and_says_so() -> None:
    policy = {"pace": {"most": "2 per month"}}
    found = plan(RECIPE, entries=SEPTEMBER, policy=policy)
    assert found.send is None
    wait = found.waits[0]
    assert wait.until
    assert (wait.rule, wait.until.astimezone(BERLIN).date()) == ("most", date(2026, 10, 5))
    assert "waits for the next month: at most 2 per month" in wait.reason
    weekly = plan(RECIPE, entries=(entry(NOW.date() - 7 * DAY), entry(NOW.date())), policy={"pace": {"most": "1 per week"}})
    assert "waits for the next week: at most 1 per week" in weekly.waits[0].reason


def test_a_burst_lets_its_letter_through_while_cap_and_gap_stay() -> None:
    policy = {"pace": {"most": "2 per month", "bursts": [{"about": "2026-09-15", "days": [-7, 0, 7]}]}}
    found = plan(BEFORE, RECIPE, entries=SEPTEMBER, policy=policy)
    assert found.send
    assert found.send.letter == "shop/soon"
    full = plan(BEFORE, entries=SEPTEMBER, policy=policy | {"cap": 1})
    assert full.send is None
    assert full.waits[0].until
    assert full.waits[0].until.astimezone(BERLIN).date() == date(2026, 9, 14)


def test_greetings_have_their_day_whatever_the_pace_and_the_cadence() -> None:
    card = {"id": "card", "kind": "greeting", "day": "09-07"}
    sent = (Past("shop/z", Kind.USEFUL, "sent", date(2026, 9, 2), NOW - 5 * DAY),)
    found = plan(card, entries=SEPTEMBER, policy={"pace": {"most": "2 per month"}}, document={"cadence": "1 per month"}, history=sent)
    assert found.send
    assert found.send.letter == "shop/card"


@pytest.mark.parametrize(("date_now", "kept"), [("2026-09-15", True), ("2026-10-15", False)])
def test_a_row_of_a_letter_whose_date_was_moved_gives_its_place_free(date_now: str, kept: bool) -> None:
    row = OpenRow(7, "shop/soon", "1", State.PENDING, NOW + DAY + timedelta(hours=2), NOW + DAY + timedelta(hours=3), 1)
    found = plan(BEFORE | {"about": {"date": date_now, "days": -7}}, row=row)
    assert (found.keep, found.outrank) == (kept, None if kept else 7)


@pytest.mark.parametrize("wrong", [
    {"about": {"date": "Sept 15"}}, {"about": {"date": "09-15", "days": 400}}, {"about": {"date": "09-15"}, "after": "7d"},
    {"about": {"date": "09-15"}, "kind": "greeting"}, {"about": "09-15"},
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plan({"id": "a"} | wrong)

"""Letters that shut each other out: who goes first, and which open row keeps its place. Readers in Berlin, a Monday at eight."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import Policy, Sequence
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Past, Person, Plan, Shelf, Way
from nurture.domain.standing import Entry
from nurture.domain.words import Kind, State

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MONDAYS = [{"days": ["mon"], "from": "10:00", "until": "12:00"}]
FREE = Policy.model_validate({"gap": "0s", "cap": 7})


def way(name: str, number: int, days_ago: float, *, priority: int = 50, history: tuple[Past, ...] = (), **more: Any) -> Way:
    """A way of one letter, `<name>/a`."""
    written = {"id": "a", "kind": "useful", "subject": "s", "body": "b"} | more
    document = Sequence.model_validate({"sequence": name, "letters": [written], "priority": priority})
    return Way(number, document, 1, MONDAY - days_ago * DAY, history=history)


def plan(
    *ways: Way, entries: tuple[Entry, ...] = (), policy: Policy | None = None, row: OpenRow | None = None, now: datetime = MONDAY
) -> Plan:
    return plan_person(Person(1, ZoneInfo("Europe/Berlin"), entries), ways, Shelf(), policy or Policy(), now, row)


def first(*ways: Way, **more: Any) -> str | None:
    found = plan(*ways, **more)
    return found.send.letter if found.send else None


HIGH = way("high", 2, 1, priority=90, window=MONDAYS)


@pytest.mark.parametrize(("days", "expected"), [(15, "high/a"), (22, "low/a")])  # its windows opened 13 days and 22 hours, and 20 days ago
def test_patience_ends_after_fourteen_days(days: float, expected: str) -> None:
    assert first(way("low", 1, days, priority=10, window=MONDAYS), HIGH) == expected
    assert first(HIGH, way("low", 1, days, priority=10, window=MONDAYS)) == expected


def test_letters_in_between_do_not_shorten_the_waiting() -> None:
    got = Entry(1, MONDAY - 3 * DAY, (MONDAY - 3 * DAY).date(), Kind.USEFUL)
    assert first(way("low", 1, 30, priority=10, window=MONDAYS), HIGH, entries=(got,)) == "low/a"


def test_the_waiting_begins_with_the_last_letter_of_the_way() -> None:
    sent = Past("low/z", Kind.USEFUL, "sent", (MONDAY - 5 * DAY).date(), MONDAY - 5 * DAY)
    assert first(way("low", 1, 30, priority=10, window=MONDAYS, history=(sent,)), HIGH) == "high/a"


def test_of_equals_the_one_that_waits_longer_goes_first() -> None:
    old, young = way("zebra", 1, 12, window=MONDAYS), way("alpha", 2, 1, window=MONDAYS)
    assert first(old, young) == first(young, old) == "zebra/a"


def test_at_the_same_moment_priority_decides_also_without_a_gap() -> None:
    low, high = way("alpha", 1, 1, priority=10, window="any"), way("zebra", 2, 1, priority=90, window="any")
    assert first(low, high, policy=FREE) == first(high, low, policy=FREE) == "zebra/a"


def test_a_greeting_goes_before_what_is_more_important_and_the_own_hour_before_both() -> None:
    cake = way("cards", 1, 1, priority=1, kind="greeting", day="03-02", window=MONDAYS)
    assert first(cake, HIGH) == "cards/a"
    own = way("hello", 3, 0, priority=1, window="now")._replace(now_until=MONDAY + timedelta(hours=1))
    assert first(cake, HIGH, own) == first(own, HIGH, cake) == "hello/a"


def test_what_goes_first_is_named_where_it_shuts_out() -> None:
    found = plan(way("low", 1, 1, priority=10, window=MONDAYS), HIGH)
    assert found.waits[0].letter == "low/a"
    assert found.waits[0].reason.endswith("; high/a goes first")
    apart = plan(way("late", 1, 1, window=[{"days": ["thu"], "from": "10:00", "until": "12:00"}]), HIGH)
    assert "goes first" not in apart.waits[0].reason


def open_row(state: State, due: datetime) -> OpenRow:
    return OpenRow(7, "low/a", "1", state, due, due + timedelta(hours=1), 1)


@pytest.mark.parametrize(
    ("state", "window", "kept"),
    [(State.DEFERRED, MONDAYS, True), (State.PENDING, MONDAYS, False), (State.PENDING, "now", True), (State.PENDING, "any", False)],
)
def test_a_row_outside_its_hours_is_kept_where_it_was_meant_so(state: State, window: Any, kept: bool) -> None:
    night = MONDAY + timedelta(hours=18)
    assert plan(way("low", 1, 1, window=window), row=open_row(state, night)).keep is kept


def test_another_occasion_is_not_the_open_row() -> None:
    row = open_row(State.PENDING, MONDAY + timedelta(hours=3))._replace(occasion="2")
    found = plan(way("low", 1, 1, window="any"), row=row)
    assert (found.keep, found.outrank, found.send and found.send.occasion) == (False, 7, "1")


def test_a_row_whose_letter_was_skipped_is_cancelled_for_good() -> None:
    gone = way("low", 1, 1, only_if={"tag": "x"})
    found = plan(gone, row=open_row(State.PENDING, MONDAY + timedelta(hours=3)))
    assert (found.cancel, found.outrank) == (7, None)
    after = Sequence.model_validate({
        "sequence": "low", "letters": [gone.source.letters[0], {"id": "b", "kind": "useful", "subject": "s", "body": "b"}],
    })  # fmt: skip
    goes_on = plan(gone._replace(source=after), row=open_row(State.PENDING, MONDAY))
    assert (goes_on.done, goes_on.cancel, goes_on.send and goes_on.send.letter) == ((), 7, "low/b")
    mine = open_row(State.PENDING, MONDAY)._replace(letter="other/a", enrolment_id=9)
    elsewhere = plan(gone, row=mine)
    assert (elsewhere.cancel, elsewhere.outrank) == (None, 7)


def test_the_next_look_is_a_minute_away_at_least() -> None:
    offer = Sequence.model_validate({
        "sequence": "school", "repay": "wait", "mix": "3:1", "letters": [{"id": "offer", "kind": "sales", "subject": "s", "body": "b"}],
    })  # fmt: skip
    held = Way(1, offer, 1, MONDAY - 30 * DAY, stale_since=MONDAY - 21 * DAY + timedelta(seconds=30))
    assert plan(held).look_at == MONDAY + timedelta(minutes=1)


def test_a_greeting_beyond_the_horizon_does_not_lose_its_day_to_a_letter_of_the_same_day() -> None:
    """Seen from Saturday night: Monday's letter is 35 hours off, the greeting of that Monday up to 43; they are less than the gap apart."""
    saturday = MONDAY - timedelta(hours=32)
    monday_letter = way("news", 1, 3, window=[{"days": ["mon"], "from": "9:00", "until": "9:30"}])
    birthday = way("wishes", 2, 3, kind="greeting", day="03-02", window=[{"days": ["mon"], "from": "16:00", "until": "16:30"}])
    decided = plan(monday_letter, birthday, now=saturday)
    assert decided.send is None, "the greeting is next, and not yet within the horizon"
    assert decided.look_at is not None
    later = plan(monday_letter, birthday, now=decided.look_at)
    assert later.send is not None
    assert later.send.letter == "wishes/a"

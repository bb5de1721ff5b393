"""The sentences of the pacing rule that no other test holds, one each. Readers in Berlin, a Monday at eight."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import Policy, Sequence
from nurture.domain.planning import plan_person
from nurture.domain.plans import Past, Person, Plan, Shelf, Way
from nurture.domain.standing import Entry
from nurture.domain.words import Frequency, Kind

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
DAY, HOUR, BERLIN = timedelta(days=1), timedelta(hours=1), ZoneInfo("Europe/Berlin")


def way(name: str = "school", number: int = 1, *, joined: datetime = MONDAY - 30 * DAY, history: tuple[Past, ...] = (), **more: Any) -> Way:
    """A way of one letter, `<name>/a`; `more` are keys of the letter, `document` those of the sequence."""
    document = {"sequence": name} | more.pop("document", {})
    written = {"id": "a", "kind": "useful", "subject": "s", "body": "b", "window": "any"} | more
    return Way(number, Sequence.model_validate(document | {"letters": [written]}), 1, joined, history=history)


def plan(*ways: Way, now: datetime = MONDAY, zone: str = "Europe/Berlin", entries: tuple[Entry, ...] = (), policy: Any = None, **more: Any) -> Plan:
    return plan_person(Person(1, ZoneInfo(zone), entries, **more), ways, Shelf(), Policy.model_validate({"policy": "default"} | (policy or {})), now)


def moment(found: Plan, zone: str = "Europe/Berlin") -> datetime | None:
    """When the letter is expected, on the reader's wall clock."""
    at = found.send.due_at if found.send else found.waits[0].until
    return at.astimezone(ZoneInfo(zone)) if at else None


def test_moving_never_changes_the_date_a_letter_counts_on() -> None:
    """Handed over on Monday in Kiritimati, which was Sunday in Honolulu: it stays Monday's, in this week, after the move."""
    at = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    got = (Entry(1, at, date(2026, 3, 2), Kind.USEFUL),)
    weekly = way(history=(Past("school/z", Kind.USEFUL, "sent", date(2026, 3, 2), at),), document={"cadence": "1 per week"})
    found = moment(plan(weekly, now=datetime(2026, 3, 4, 20, tzinfo=UTC), zone="Pacific/Honolulu", entries=got), "Pacific/Honolulu")
    assert found
    assert found.date() == date(2026, 3, 9)
    capped = moment(plan(way(), now=datetime(2026, 3, 4, 20, tzinfo=UTC), zone="Pacific/Honolulu", entries=got, policy={"cap": 1}), "Pacific/Honolulu")
    assert capped
    assert capped.date() == date(2026, 3, 9)  # seven dates from the 2nd, not from the 1st


@pytest.mark.parametrize(("after", "expected"), [
    ("7d", datetime(2026, 3, 9, 8)), ("1w", datetime(2026, 3, 9, 8)), ("36h", datetime(2026, 3, 3, 17)), ("0s", datetime(2026, 3, 2, 8)),
])  # fmt: skip
def test_after_counts_from_the_enrolment_for_the_first_letter(after: str, expected: datetime) -> None:
    """Joined on Monday at five: dates begin at midnight, hours run, nothing means at once. The cadence of nothing else matters."""
    found = moment(plan(way(joined=MONDAY - 3 * HOUR, after=after, document={"cadence": "1 per month"})))
    assert found
    assert found.replace(tzinfo=None) == expected


def test_at_once_is_never_before_window_gap_or_cap() -> None:
    tuesday = [{"days": ["tue"], "from": "10:00", "until": "12:00"}]
    late = Entry(1, MONDAY - HOUR, MONDAY.date(), Kind.USEFUL)
    found = {
        "window": moment(plan(way(after="0s", window=tuesday))),
        "gap": moment(plan(way(after="0s"), entries=(late,))),
        "cap": moment(plan(way(after="0s"), entries=(late,), policy={"cap": 1})),
    }
    assert [(rule, at and at.date()) for rule, at in found.items()] == [
        ("window", date(2026, 3, 3)), ("gap", date(2026, 3, 3)), ("cap", date(2026, 3, 9)),
    ]  # fmt: skip


def test_a_blackout_date_is_passed_over() -> None:
    found = moment(plan(way(), policy={"blackout": ["2026-03-02", "03-03"]}))
    assert found
    assert found.replace(tzinfo=None) == datetime(2026, 3, 4, 8)


def test_less_often_is_a_cap_of_one_whatever_the_policy_says() -> None:
    got = (Entry(1, MONDAY - 2 * DAY, (MONDAY - 2 * DAY).date(), Kind.NEWS),)
    found = plan(way(), entries=got, frequency=Frequency.LESS, policy={"cap": 7})
    at = moment(found)
    assert at
    assert (at.date(), found.waits[0].rule) == (date(2026, 3, 7), "cap")


def test_letters_beyond_36_hours_are_no_rivals_yet() -> None:
    thursday = [{"days": ["thu"], "from": "10:00", "until": "12:00"}]
    found = plan(way("low", 1, window=thursday, document={"priority": 10}), way("high", 2, window=thursday, document={"priority": 90}))
    assert found.send is None
    near = plan(
        way("low", 1, window=thursday, document={"priority": 10}), way("high", 2, window=thursday, document={"priority": 90}), now=MONDAY + 2 * DAY
    )
    assert near.send
    assert near.send.letter == "high/a"


@pytest.mark.parametrize(("policy", "expected"), [({}, "low/a"), ({"pace": {"most": "1 per month"}}, "high/a"), ({"cap": 1}, "high/a")])
def test_a_gap_apart_both_go_the_earlier_first_unless_one_place_is_left(policy: dict[str, Any], expected: str) -> None:
    """Tuesday ten and Wednesday ten, 24 hours apart, the later one more important: an order is needed only for a last place."""
    tuesday = [{"days": ["tue"], "from": "10:00", "until": "10:05"}]
    wednesday = [{"days": ["wed"], "from": "10:00", "until": "10:05"}]
    low, high = way("low", 1, window=tuesday, joined=MONDAY - DAY), way("high", 2, window=wednesday, document={"priority": 100})
    found = plan(low, high, now=MONDAY + DAY, policy=policy)
    assert found.send
    assert found.send.letter == expected


def test_a_letter_that_waited_14_days_goes_before_all_but_the_own_hour_and_greetings() -> None:
    patient = way("patient", 1, document={"priority": 1})
    greeting = way("cards", 2, joined=MONDAY, kind="greeting", day="03-02", document={"priority": 1})
    own = way("hello", 3, joined=MONDAY, window="now", document={"priority": 1})._replace(now_until=MONDAY + HOUR)
    most_important = way("high", 4, joined=MONDAY, document={"priority": 100})
    order = []
    ways = [patient, greeting, own, most_important]
    while ways:
        found = plan(*ways)
        assert found.send
        order.append(found.send.letter.split("/")[0])
        ways = [w for w in ways if w.enrolment_id != found.send.enrolment_id]
    assert order == ["hello", "cards", "patient", "high"]

"""Whose turn it is within one way: greetings and their dates, what the library may repay with, the groups of thirds."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import LibraryLetter, Policy, Sequence
from nurture.domain.letters import Windows
from nurture.domain.planning import plan_person
from nurture.domain.plans import Past, Person, Plan, Shelf, Way
from nurture.domain.turns import next_yearly
from nurture.domain.words import Kind

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def letter(key: str, kind: str = "useful", **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "subject": "s", "body": "b"} | more


def way(*letters: dict[str, Any], history: tuple[Past, ...] = (), **more: Any) -> Way:
    document = Sequence.model_validate({"sequence": "school", "letters": list(letters)} | more)
    return Way(1, document, 1, MONDAY - 30 * DAY, history=history)


def past(key: str, days_ago: int, kind: Kind = Kind.USEFUL) -> Past:
    at = MONDAY - days_ago * DAY
    return Past(f"school/{key}", kind, "sent", at.date(), at)


def plan(*ways: Way, shelf: Shelf | None = None, now: datetime = MONDAY, **person: Any) -> Plan:
    return plan_person(Person(1, ZoneInfo("Europe/Berlin"), **person), ways, shelf or Shelf(), Policy(), now)


@pytest.mark.parametrize(
    ("written", "fields", "today", "expected"),
    [
        ("12-31", {}, date(2026, 12, 31), date(2026, 12, 31)),
        ("12-31", {}, date(2027, 1, 1), date(2027, 12, 31)),
        ("02-29", {}, date(2026, 1, 1), date(2026, 2, 28)),
        ("02-29", {}, date(2026, 3, 1), date(2027, 2, 28)),
        ("02-29", {}, date(2027, 3, 1), date(2028, 2, 29)),
        ("birthday", {"birthday": "1980-05-17"}, date(2026, 5, 18), date(2027, 5, 17)),
        ("birthday", {"birthday": "05-17"}, date(2026, 5, 17), date(2026, 5, 17)),
        ("birthday", {"birthday": "1980-02-30"}, date(2026, 1, 1), None),
        ("birthday", {"birthday": "in May"}, date(2026, 1, 1), None),
        ("birthday", {}, date(2026, 1, 1), None),
    ],
)
def test_the_next_date_of_a_greeting(written: str, fields: dict[str, object], today: date, expected: date | None) -> None:
    assert next_yearly(written, fields, today) == expected


def test_a_greeting_without_a_day_stands_in_its_order() -> None:
    found = plan(way(letter("welcome", "greeting"), letter("a")))
    assert found.send
    assert (found.send.letter, found.send.occasion, found.send.rule) == ("school/welcome", "1", "order")


@pytest.mark.parametrize(("day", "expected"), [("03-04", date(2027, 3, 4)), ("03-05", date(2026, 3, 5))])
def test_a_condition_is_asked_two_days_before_its_greeting(day: str, expected: date) -> None:
    found = plan(way(letter("cake", "greeting", day=day, only_if={"tag": "friend"})))
    assert found.waits[0].until
    assert found.waits[0].until.date() == expected


def test_two_greetings_of_one_way_keep_their_own_dates() -> None:
    cards = (letter("spring", "greeting", day="03-03"), letter("summer", "greeting", day="06-21"))
    found = plan(way(*cards, history=(past("spring", -1, Kind.GREETING),)))
    assert {w.letter: w.until and w.until.date() for w in found.waits} == {
        "school/spring": date(2027, 3, 3),
        "school/summer": date(2026, 6, 21),
    }


@pytest.mark.parametrize(("holds", "expected"), [(frozenset({"first/first"}), "first/first"), (frozenset[str](), "second/second")])
def test_the_library_asks_the_condition_of_its_letters(holds: frozenset[str], expected: str) -> None:
    written = [letter("first", only_if={"tag": "x"}), letter("second"), letter("none", "news")]
    books = [LibraryLetter.model_validate({"letter": w.pop("id")} | w) for w in written]
    shelf = Shelf(tuple((f"{b.id}/{b.id}", b, Windows()) for b in books), holds=holds)
    found = plan(way(letter("offer", "sales"), mix="1:1"), shelf=shelf)
    assert found.send
    assert found.send.letter == expected


def test_thirds_take_from_the_group_that_was_sent_least() -> None:
    document = (letter("u", "useful"), letter("n", "about"), letter("g", "greeting"))
    sent = (past("x", 20), past("y", 10), past("h", 5, Kind.GREETING))
    found = plan(way(*document, history=sent, mix="thirds"))
    letters = {w.letter for w in found.waits} | ({found.send.letter} if found.send else set())
    assert letters == {"school/n"}


def test_a_letter_that_is_sent_is_not_expected_from_another_way() -> None:
    offers = way(letter("offer", "sales"), mix="3:1", repay="wait")
    other = way(letter("a"), letter("n", "news"), history=(past("a", 4),), repay="wait")
    slow = other._replace(enrolment_id=2, source=other.source.model_copy(update={"name": "slow"}))
    gone = slow._replace(history=(past("a", 4)._replace(letter="slow/a"),))
    assert plan(offers, gone).stale == ((1, MONDAY),)
    assert plan(offers, gone._replace(history=())).stale == ()


@pytest.mark.parametrize(("repay", "stale"), [("library", False), ("wait", True)])
def test_what_the_library_sends_for_another_way_is_coming_too(repay: str, stale: bool) -> None:
    book = LibraryLetter.model_validate({"letter": "faq", "kind": "useful", "subject": "s", "body": "b"})
    held = way(letter("offer", "sales"), mix="3:1", repay="wait")
    second = way(letter("other", "sales"), mix="3:1", repay=repay)
    other = second._replace(enrolment_id=2, source=second.source.model_copy(update={"name": "second"}))
    found = plan(held, other, shelf=Shelf((("faq/faq", book, Windows()),)))
    assert ((1, MONDAY) in found.stale) is stale


def test_the_clock_of_a_held_letter_stands_still_in_a_pause() -> None:
    """Ten of its 21 days had run when the person paused for thirty; eleven are left afterwards."""
    held = way(letter("offer", "sales"), repay="wait")._replace(stale_since=MONDAY - 10 * DAY)
    back = MONDAY + 30 * DAY
    paused = plan_person(Person(7, ZoneInfo("UTC"), paused_until=back), (held,), Shelf(), Policy(), MONDAY)
    assert paused.stale == ((1, MONDAY + 20 * DAY),)
    stopped = held._replace(stale_since=MONDAY + 20 * DAY)
    again = plan_person(Person(7, ZoneInfo("UTC"), paused_until=back), (stopped,), Shelf(), Policy(), MONDAY + 5 * DAY)
    assert again.stale == (), "put forward once"
    after = plan_person(Person(7, ZoneInfo("UTC")), (stopped,), Shelf(), Policy(), back + 10 * DAY)
    assert after.skips == ()
    over = plan_person(Person(7, ZoneInfo("UTC")), (stopped,), Shelf(), Policy(), back + 11 * DAY)
    assert [s.outcome for s in over.skips] == ["stale"]

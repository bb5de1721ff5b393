"""Planning one person: the next letter, its moment, its reason. Times are those of a reader in Berlin unless said."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nurture.domain.documents import LibraryLetter, Policy, Sequence
from nurture.domain.letters import Windows
from nurture.domain.mixes import Ratio
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Past, Person, Shelf, Way
from nurture.domain.standing import Entry, Mark
from nurture.domain.words import Frequency, Kind, Kinds, State

MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
POLICY = Policy()


def letter(key: str, kind: str = "useful", **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "subject": "s", "body": "b"} | more


def sequence(*letters: dict[str, Any], name: str = "school", **more: Any) -> Sequence:
    return Sequence.model_validate({"sequence": name, "letters": list(letters)} | more)


def way(document: Sequence, number: int = 1, *past: Past, **more: Any) -> Way:
    return Way(number, document, 1, MONDAY - timedelta(days=30), history=past, **more)


def person(*entries: Entry, useful: int = 0, others: int | None = None, **more: Any) -> Person:
    return Person(1, ZoneInfo("Europe/Berlin"), entries, useful, useful if others is None else others, **more)


def got(days_ago: float, kind: Kind = Kind.USEFUL, marks: Mark = Mark(0)) -> Entry:
    at = MONDAY - timedelta(days=days_ago)
    return Entry(int(days_ago * 100), at, at.date(), kind, marks)


def past(key: str, days_ago: int, kind: Kind = Kind.USEFUL, outcome: str = "sent") -> Past:
    at = MONDAY - timedelta(days=days_ago)
    return Past(f"school/{key}", kind, outcome, at.date(), at)


def test_the_first_letter_goes_in_its_window_with_its_reason() -> None:
    found = plan_person(person(), (way(sequence(letter("a"))),), Shelf(), POLICY, MONDAY)
    assert found.send
    assert (found.send.letter, found.send.occasion) == ("school/a", "1")
    local = found.send.due_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (local.date(), local.hour in (10, 11)) == (date(2026, 3, 2), True)
    assert found.send.reason == "letter 1 of school; goes in its window (Mon-Tue 10:00-12:00) on Mon 02 Mar 2026"


def test_beyond_36_hours_nothing_is_written_but_the_look_is_set() -> None:
    found = plan_person(person(useful=3), (way(sequence(letter("offer", "sales"))),), Shelf(), POLICY, MONDAY)
    assert found.send is None
    assert found.waits[0].until
    assert found.look_at == found.waits[0].until - timedelta(hours=36)
    assert "Wed 04 Mar 2026" in found.waits[0].reason


def test_an_unearned_sales_letter_is_held_and_tells_why() -> None:
    found = plan_person(person(useful=1), (way(sequence(letter("offer", "sales"), repay="wait", mix="3:1")),), Shelf(), POLICY, MONDAY)
    assert found.send is None
    assert found.waits[0].reason == "sales held by 3:1: 2 useful letters due first"
    assert found.stale == ((1, MONDAY),)


def test_a_held_sales_letter_grows_stale_and_the_sequence_goes_on() -> None:
    document = sequence(letter("offer", "sales"), letter("bye", "sales"), repay="wait", mix="3:1")
    found = plan_person(person(), (way(document, stale_since=MONDAY - timedelta(days=21)),), Shelf(), POLICY, MONDAY)
    assert [(s.letter, s.outcome) for s in found.skips] == [("school/offer", "stale"), ("school/bye", "stale")]
    assert found.done[0].reason == "every letter is sent or skipped"


def test_the_library_repays_one_letter_the_person_never_had() -> None:
    books = [LibraryLetter.model_validate({"letter": k, "kind": "useful", "subject": "s", "body": "b"}) for k in ("faq", "tools")]
    shelf = Shelf(tuple((f"{b.id}/{b.id}", b, Windows()) for b in books), had=frozenset({"faq/faq"}))
    found = plan_person(person(useful=2), (way(sequence(letter("offer", "sales"), mix="3:1")),), shelf, POLICY, MONDAY)
    assert found.send
    assert (found.send.letter, found.send.occasion) == ("tools/tools", "once")
    assert found.send.reason.startswith("repays for offer: sales held by 3:1: 1 useful letter due first")


def test_every_promise_counts_also_those_of_other_sequences() -> None:
    offers = way(sequence(letter("offer", "sales"), mix="1:1", repay="wait"))
    other = way(sequence(letter("n", "news"), name="strict", mix="3:1"), 2)
    assert plan_person(person(useful=1), (offers,), Shelf(), POLICY, MONDAY + timedelta(days=2)).send
    found = plan_person(person(useful=1), (offers, other), Shelf(), POLICY, MONDAY)
    assert any("held by 3:1" in w.reason for w in found.waits)


def test_a_sequence_that_stands_still_goes_on_binding() -> None:
    offers = way(sequence(letter("offer", "sales"), mix="1:1", repay="wait"))
    assert plan_person(person(useful=2), (offers,), Shelf(), POLICY, MONDAY + timedelta(days=2)).send
    assert plan_person(person(useful=2, bound=(Ratio(3),)), (offers,), Shelf(), POLICY, MONDAY + timedelta(days=2)).send is None


def test_a_row_never_counts_against_itself() -> None:
    document = sequence(letter("offer", "sales"), mix="3:1", repay="wait")
    doubtful = Entry(9, MONDAY - timedelta(hours=30), date(2026, 3, 1), Kind.SALES, Mark.UNCERTAIN)
    before = [got(days) for days in (30, 20, 10)]
    held = plan_person(person(*before, doubtful, useful=0), (way(document),), Shelf(), POLICY, MONDAY + timedelta(days=2))
    assert held.send is None
    own = plan_person(person(*before, doubtful, useful=0, doubts={"school/offer": 9}), (way(document),), Shelf(), POLICY, MONDAY + timedelta(days=2))
    assert own.send
    assert own.send.letter == "school/offer"
    other = sequence(letter("other", "sales"), name="second", mix="3:1", repay="wait")
    assert plan_person(person(*before, doubtful, useful=0, doubts={"school/offer": 9}), (way(other),), Shelf(), POLICY, MONDAY + timedelta(days=2)).send is None


def test_only_useful_readers_skip_the_rest_and_go_on() -> None:
    document = sequence(letter("n", "news"), letter("offer", "sales"), letter("b"))
    found = plan_person(person(kinds=Kinds.USEFUL), (way(document),), Shelf(), POLICY, MONDAY)
    assert [(s.letter, s.outcome) for s in found.skips] == [("school/n", "declined"), ("school/offer", "declined")]
    assert found.send
    assert found.send.letter == "school/b"


def test_a_left_topic_is_skipped() -> None:
    found = plan_person(person(declined_topics=frozenset({"roofs"})), (way(sequence(letter("a"), topic="roofs")),), Shelf(), POLICY, MONDAY)
    assert found.skips[0].reason == "the topic roofs was left"


def test_only_if_is_asked_when_its_turn_comes() -> None:
    document = sequence(letter("a", only_if={"tag": "x"}), letter("b", only_if={"tag": "y"}))
    found = plan_person(person(), (way(document),), Shelf(holds=frozenset({"school/b"})), POLICY, MONDAY)
    assert [s.letter for s in found.skips] == ["school/a"]
    assert found.send
    assert found.send.letter == "school/b"


def test_the_gap_moves_the_letter_within_or_past_its_window() -> None:
    document = sequence(letter("a"))
    yesterday_noon = Entry(1, MONDAY - timedelta(hours=16), date(2026, 3, 1), Kind.USEFUL)
    found = plan_person(person(yesterday_noon), (way(document),), Shelf(), POLICY, MONDAY)
    assert found.send
    assert found.send.due_at == MONDAY + timedelta(hours=26) or found.send.due_at >= MONDAY + timedelta(hours=4)
    assert found.send.due_at.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 3, 3)


def test_three_letters_on_seven_dates_are_the_cap_and_less_often_is_one() -> None:
    document = sequence(letter("a", window="any"))
    three = (got(5), got(4), got(3))
    capped = plan_person(person(*three), (way(document),), Shelf(), POLICY, MONDAY)
    assert capped.send is None
    assert capped.waits[0].rule == "cap"
    assert capped.waits[0].until
    assert capped.waits[0].until.date() == date(2026, 3, 4)
    less = plan_person(person(got(3), frequency=Frequency.LESS), (way(document),), Shelf(), POLICY, MONDAY)
    assert less.waits[0].until
    assert less.waits[0].until.date() == date(2026, 3, 6)


def test_cadence_is_a_ceiling_for_the_calendar_week() -> None:
    document = sequence(letter("a"), letter("b"), letter("c", window="any"), cadence="2 per week")
    friday = MONDAY + timedelta(days=4)
    ways = (way(document, 1, Past("school/a", Kind.USEFUL, "sent", date(2026, 3, 2), MONDAY), Past("school/b", Kind.USEFUL, "sent", date(2026, 3, 4), MONDAY)),)
    found = plan_person(person(), ways, Shelf(), POLICY, friday)
    assert found.send is None
    assert (found.waits[0].rule, found.waits[0].until and found.waits[0].until.astimezone(UTC).date()) == ("cadence", date(2026, 3, 9))


def test_after_counts_dates_and_replaces_the_cadence() -> None:
    document = sequence(letter("a"), letter("b", window="any", after="7d"), cadence="1 per week")
    found = plan_person(person(), (way(document, 1, past("a", 6)),), Shelf(), POLICY, MONDAY)
    assert found.send
    assert found.send.due_at.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 3, 3)


def test_now_goes_at_once_in_the_persons_own_hour_also_at_night() -> None:
    night = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    document = sequence(letter("hello", window="now"))
    own = plan_person(person(), (way(document, now_until=night + timedelta(hours=1)),), Shelf(), POLICY, night)
    assert own.send
    assert own.send.due_at == night
    late = plan_person(person(), (way(document, now_until=night),), Shelf(), POLICY, night)
    assert late.send
    assert late.send.due_at.astimezone(ZoneInfo("Europe/Berlin")).hour == 8


def row(key: str, state: State = State.PENDING, due: datetime = MONDAY + timedelta(hours=30)) -> OpenRow:
    return OpenRow(77, key, "1", state, due, due + timedelta(hours=1), 1)


def test_an_open_row_is_kept_outranked_or_waited_for() -> None:
    slow = way(sequence(letter("a", window=[{"days": ["tue"], "from": "10:00", "until": "12:00"}])))
    quick = way(sequence(letter("b"), name="quick", priority=60), 2)
    assert plan_person(person(), (slow,), Shelf(), POLICY, MONDAY, row("school/a", due=TUESDAY)).keep
    moved = plan_person(person(), (slow,), Shelf(), POLICY, MONDAY, row("school/a", due=TUESDAY + timedelta(hours=5)))
    assert moved.send
    assert (moved.outrank, moved.send.letter, moved.send.due_at.date()) == (77, "school/a", TUESDAY.date())
    beaten = plan_person(person(), (slow, quick), Shelf(), POLICY, MONDAY, row("school/a", due=TUESDAY))
    assert (beaten.outrank, beaten.send and beaten.send.letter) == (77, "quick/b")
    for busy in (State.CLAIMED, State.SENDING, State.UNKNOWN):
        assert plan_person(person(), (slow, quick), Shelf(), POLICY, MONDAY, row("school/a", busy)).send is None
    gone = plan_person(person(), (quick,), Shelf(), POLICY, MONDAY, row("school/a"))
    assert (gone.cancel, gone.outrank) == (None, 77)  # a sequence that pauses or changes may want it again


def test_who_asks_for_less_often_has_the_waiting_letter_timed_anew() -> None:
    document = sequence(letter("a"), letter("b", window="any"))
    ways, waiting = (way(document, 1, past("a", 1)),), row("school/b")
    assert plan_person(person(got(1)), ways, Shelf(), POLICY, MONDAY, waiting).keep
    found = plan_person(person(got(1), frequency=Frequency.LESS), ways, Shelf(), POLICY, MONDAY, waiting)
    assert not found.keep
    assert found.outrank == 77
    assert found.send is None
    assert found.waits[0].rule == "cap"


def test_priority_decides_only_between_letters_that_shut_each_other_out() -> None:
    window = [{"days": ["mon"], "from": "10:00", "until": "12:00"}]
    low = way(sequence(letter("a", window=window), name="low", priority=10))
    high = way(sequence(letter("b", window=window), name="high", priority=90), 2)
    low, high = low._replace(enrolled_at=MONDAY - timedelta(days=3)), high._replace(enrolled_at=MONDAY - timedelta(days=1))
    found = plan_person(person(), (low, high), Shelf(), POLICY, MONDAY)
    assert found.send
    assert found.send.letter == "high/b"
    patient = plan_person(person(), (low._replace(enrolled_at=MONDAY - timedelta(days=30)), high), Shelf(), POLICY, MONDAY)
    assert patient.send
    assert patient.send.letter == "low/a"


def test_a_conversion_ends_the_way_and_frees_its_row() -> None:
    found = plan_person(person(), (way(sequence(letter("a")), exit="purchase"),), Shelf(), POLICY, MONDAY, row("school/a"))
    assert (found.done[0].reason, found.cancel) == ("left by purchase", 77)


def test_a_pause_of_the_person_is_waited_out() -> None:
    until = MONDAY + timedelta(days=10)
    found = plan_person(person(paused_until=until), (way(sequence(letter("a"))),), Shelf(), POLICY, MONDAY)
    assert found.waits[0].until
    assert found.waits[0].until > until
    assert found.waits[0].rule == "paused"


@pytest.mark.parametrize(("today", "expected"), [(MONDAY, date(2026, 3, 3)), (MONDAY + timedelta(days=2), date(2027, 3, 3))])
def test_greetings_go_on_their_day_outside_the_mix(today: datetime, expected: date) -> None:
    document = sequence(letter("cake", "greeting", day="birthday"))
    found = plan_person(person(fields={"birthday": "1980-03-03"}), (way(document),), Shelf(), POLICY, today)
    assert not found.done
    when = found.send.due_at if found.send else next(w.until for w in found.waits if w.letter)
    assert when
    assert when.astimezone(ZoneInfo("Europe/Berlin")).date() == expected


def test_a_gap_of_nothing_shuts_nobody_out() -> None:
    free = Policy.model_validate({"gap": "0s"})
    found = plan_person(person(), (way(sequence(letter("a"))),), Shelf(), free, MONDAY)
    assert found.send
    assert found.send.letter == "school/a"


def test_a_held_sales_letter_is_looked_at_again_when_the_pause_ends() -> None:
    until = MONDAY + timedelta(days=10)
    found = plan_person(person(paused_until=until), (way(sequence(letter("offer", "sales"), repay="wait")),), Shelf(), POLICY, MONDAY)
    assert (found.waits[0].until, found.look_at, found.stale) == (until, until, ())


@pytest.mark.parametrize(("after", "stale"), [("30d", True), ("40d", False)])
def test_a_useful_letter_is_coming_only_where_it_may_leave_in_time(after: str, stale: bool) -> None:
    offers = way(sequence(letter("offer", "sales"), repay="wait"))
    other = way(sequence(letter("a", after=after), name="slow", repay="wait"), 2)
    found = plan_person(person(), (offers, other._replace(enrolled_at=MONDAY - timedelta(days=15))), Shelf(), POLICY, MONDAY)
    assert bool(found.stale) is not stale
    assert found.look_at
    held = next(w for w in found.waits if w.rule == "mix")
    assert held.until
    assert held.until - MONDAY <= timedelta(days=21)


def test_nothing_waits_for_a_useful_letter_the_person_had_already() -> None:
    offers = way(sequence(letter("offer", "sales"), repay="wait"))
    other = way(sequence(letter("n", "news", after="90d"), letter("a", evergreen=True), name="slow", repay="wait"), 2)
    found = plan_person(person(), (offers, other), Shelf(had=frozenset({"slow/a"})), POLICY, MONDAY)
    assert found.stale == ((1, MONDAY),)


def test_a_letter_without_any_window_is_looked_at_again_daily() -> None:
    found = plan_person(person(), (way(sequence(letter("a", after="500d"))),), Shelf(), POLICY, MONDAY)
    assert found.waits[0].rule == "window"
    assert found.look_at == MONDAY + timedelta(days=1)


def test_a_greeting_whose_day_is_over_is_planned_for_the_next_year() -> None:
    document = sequence(letter("cake", "greeting", day="03-02"))
    evening = MONDAY + timedelta(hours=12)
    found = plan_person(person(), (way(document),), Shelf(), POLICY, evening)
    midnight = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert (found.send, found.look_at, found.waits[0].rule) == (None, midnight, "greeting")
    tomorrow = plan_person(person(), (way(document),), Shelf(), POLICY, midnight)
    assert tomorrow.waits[0].until
    assert tomorrow.waits[0].until.date() == date(2027, 3, 2)


def test_a_greeting_that_has_gone_is_expected_next_year() -> None:
    document = sequence(letter("cake", "greeting", day="03-02"))
    found = plan_person(person(), (way(document, 1, past("cake", 0, Kind.GREETING)),), Shelf(), POLICY, MONDAY)
    assert found.waits[0].until
    assert found.waits[0].until.date() == date(2027, 3, 2)


def test_the_condition_of_a_greeting_is_asked_when_its_day_is_near() -> None:
    document = sequence(letter("cake", "greeting", day="03-20", only_if={"tag": "friend"}))
    early = plan_person(person(), (way(document),), Shelf(), POLICY, MONDAY)
    assert early.look_at
    assert early.look_at.date() == date(2026, 3, 19)
    near = plan_person(person(), (way(document),), Shelf(), POLICY, early.look_at)
    assert near.waits[0].until
    assert near.waits[0].until.date() == date(2027, 3, 20)
    friend = plan_person(person(), (way(document),), Shelf(holds=frozenset({"school/cake"})), POLICY, early.look_at)
    assert friend.send


@pytest.mark.parametrize("more", [{"after": "3d"}, {"kind": "greeting", "day": "03-20"}])
def test_the_persons_own_hour_lifts_quiet_hours_and_nothing_else(more: dict[str, Any]) -> None:
    document = sequence(letter("hello", **{"window": "now"} | more))
    mine = way(document, now_until=MONDAY + timedelta(hours=1))._replace(enrolled_at=MONDAY)
    found = plan_person(person(), (mine,), Shelf(), POLICY, MONDAY)
    assert found.send is None
    holiday = Policy.model_validate({"blackout": ["2026-03-02"]})
    welcome = mine._replace(source=sequence(letter("hello", window="now")))
    closed = plan_person(person(), (welcome,), Shelf(), holiday, MONDAY)
    assert closed.send
    assert closed.send.due_at.date() == date(2026, 3, 3)


def test_what_the_library_repaid_is_not_of_the_cadence() -> None:
    mine = way(sequence(letter("a", window="any"), cadence="1 per week"), 1, past("b", 0)._replace(letter="faq/faq"))
    assert plan_person(person(), (mine,), Shelf(), POLICY, MONDAY + timedelta(hours=3)).send
    again = mine._replace(history=(past("b", 0),))
    assert plan_person(person(), (again,), Shelf(), POLICY, MONDAY + timedelta(hours=3)).waits[0].rule == "cadence"


def test_a_letter_proven_late_stands_where_it_was_handed_off() -> None:
    document = sequence(letter("a"), letter("b"), letter("c", window="any", after="7d"))
    late = plan_person(person(), (way(document, 1, past("b", 3), past("a", 10)),), Shelf(), POLICY, MONDAY)
    assert late.waits[0].until
    assert late.waits[0].until.date() == date(2026, 3, 6)


def test_one_place_left_under_the_cap_goes_to_the_more_important() -> None:
    hour = lambda day: [{"days": [day], "from": "10:00", "until": "12:00"}]  # noqa: E731
    low = way(sequence(letter("a", window=hour("mon")), name="low", priority=10))
    high = way(sequence(letter("b", window=hour("tue")), name="high", priority=90), 2)
    fresh = tuple(w._replace(enrolled_at=MONDAY - timedelta(days=3)) for w in (low, high))
    full = (got(4), got(3))
    roomy = plan_person(person(*full), fresh, Shelf(), Policy.model_validate({"cap": 4}), MONDAY)
    tight = plan_person(person(*full), fresh, Shelf(), POLICY, MONDAY)
    assert [p.send and p.send.letter for p in (roomy, tight)] == ["low/a", "high/b"]


def test_a_greeting_of_a_topic_that_was_left_is_not_sent() -> None:
    document = sequence(letter("cake", "greeting", day="03-02", topic="wishes"))
    found = plan_person(person(declined_topics=frozenset({"wishes"})), (way(document),), Shelf(), POLICY, MONDAY)
    assert (found.send, found.waits[0].rule) == (None, "greeting")


def test_a_library_letter_that_cannot_leave_in_time_repays_nothing() -> None:
    book = LibraryLetter.model_validate({"letter": "faq", "kind": "useful", "subject": "s", "body": "b", "after": "60d"})
    offers = way(sequence(letter("offer", "sales"), mix="3:1"))
    found = plan_person(person(), (offers,), Shelf((("faq/faq", book, Windows()),)), POLICY, MONDAY)
    assert (found.waits[0].letter, found.stale) == ("school/offer", ((1, MONDAY),))


def test_a_rule_that_ended_before_the_window_opens_is_not_named() -> None:
    """What decided is the window; the `after` and the pause were over long before."""
    friday = [{"days": ["fri"], "from": "10:00", "until": "12:00"}]
    document = sequence(letter("a"), letter("b", window=friday, after="2h"))
    ways = (way(document, 1, past("a", 0)),)
    found = plan_person(person(paused_until=MONDAY + timedelta(hours=3)), ways, Shelf(), POLICY, MONDAY)
    assert found.waits[0].rule == "window"
    saturday = plan_person(person(paused_until=MONDAY + timedelta(days=5)), ways, Shelf(), POLICY, MONDAY)
    assert saturday.waits[0].rule == "paused"

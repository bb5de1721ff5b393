"""Campaigns are planned by the same rules as sequences: the workspace's mix, the hour of the schedule, the patience of `until`."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.capacity import Load, minute_of
from nurture.domain.documents import Campaign, Policy, Sequence
from nurture.domain.occasions import Occasion
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Past, Person, Plan, Shelf, Way
from nurture.domain.standing import Entry
from nurture.domain.words import Kind, Kinds, State

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Policy()
ME = Person(7, ZoneInfo("UTC"))


def campaign(kind: str = "news", **more: Any) -> Campaign:
    letter = {"id": "one", "kind": kind, "subject": "s", "body": "b"} | more.pop("letter", {})
    return Campaign.model_validate({"campaign": "spring", "segment": "all", "letter": letter} | more)


def way(document: Campaign, nominal: date = date(2026, 3, 3), at: time | None = None, number: int = 1, **more: Any) -> Way:
    return Way(40 + number, document, number, MONDAY, occasion=Occasion(nominal, at), **more)


def sequence(*kinds: str, **more: Any) -> Way:
    letters = [{"id": f"l{n}", "kind": k, "subject": "s", "body": "b"} for n, k in enumerate(kinds)]
    return Way(1, Sequence.model_validate({"sequence": "school", "letters": letters} | more), 1, MONDAY - 30 * DAY)


def had(*kinds: Kind, last: datetime = MONDAY - 8 * DAY) -> Person:
    entries = tuple(Entry(n, last, last.date(), kind) for n, kind in enumerate(kinds, 1))
    useful = sum(k is Kind.USEFUL for k in kinds)
    return ME._replace(entries=entries, useful_since_sales=useful, others_since_sales=len(kinds))


def plan(*ways: Way, person: Person = ME, now: datetime = MONDAY, row: OpenRow | None = None, policy: Policy = POLICY) -> Plan:
    return plan_person(person, ways, Shelf(), policy, now, row)


def test_a_weekly_occasion_goes_in_the_first_window_of_its_kind_from_its_date_on() -> None:
    send = plan(way(campaign()), now=MONDAY).send
    assert send is not None
    assert (send.letter, send.occasion, send.lane) == ("spring/one", "2026-03-03", "campaign:spring")
    assert datetime(2026, 3, 3, 10, tzinfo=UTC) <= send.due_at < datetime(2026, 3, 3, 12, tzinfo=UTC)
    later = plan(way(campaign(), nominal=date(2026, 3, 6)), now=MONDAY)
    assert later.send is None
    assert later.waits[0].until is not None
    assert later.waits[0].until.date() == date(2026, 3, 10), "Friday opens it, news leaves on Tuesday"


def test_an_hour_of_the_schedule_is_the_window_and_unspread() -> None:
    named = way(campaign(), nominal=date(2026, 3, 2), at=time(20))
    send = plan(named).send
    assert send is not None
    assert (send.due_at, send.closes_at) == (datetime(2026, 3, 2, 20, tzinfo=UTC), datetime(2026, 3, 2, 22, tzinfo=UTC))
    assert send.reason.endswith("; goes when its schedule says (20:00) on Mon 02 Mar 2026")
    in_time = plan(named, now=datetime(2026, 3, 2, 21, tzinfo=UTC)).send
    assert in_time is not None
    assert in_time.due_at == datetime(2026, 3, 2, 21, tzinfo=UTC)
    missed = plan(named, now=datetime(2026, 3, 2, 21, 59, 55, tzinfo=UTC)).send
    assert missed is not None
    assert missed.due_at.date() == date(2026, 3, 3), "in the next window of its kind"


def test_a_letter_that_an_edit_gave_another_id_goes_once_on_an_occasion() -> None:
    renamed = campaign(letter={"id": "two"})
    mine = Past("spring/one", Kind.NEWS, "sent", date(2026, 3, 3), MONDAY)
    done = plan(way(renamed, history=(mine,)), now=MONDAY + DAY)
    assert (done.send, [d.rule for d in done.done]) == (None, ["done"])
    repaid = plan(way(renamed, history=(mine._replace(letter="faq/faq"),)), now=MONDAY)
    assert repaid.send, "what the library repaid on this way is not the occasion's letter"
    waiting = OpenRow(9, "spring/one", "2026-03-03", State.PENDING, MONDAY + DAY, MONDAY + DAY, 41)
    assert plan(way(renamed), row=waiting).outrank == 9, "what waits gives its place to the letter of the new id"


def test_a_row_at_the_named_hour_is_kept() -> None:
    named = way(campaign(), nominal=date(2026, 3, 2), at=time(20))
    due = datetime(2026, 3, 2, 20, tzinfo=UTC)
    row = OpenRow(9, "spring/one", "2026-03-02", State.PENDING, due, due + timedelta(hours=2), named.enrolment_id)
    assert plan(named, row=row).keep


def test_a_sales_campaign_is_held_by_the_workspace_s_mix_beside_a_sequence_that_promises_less() -> None:
    school = sequence("useful", "useful", "useful", mix="1:1")
    person = had(Kind.USEFUL)
    held = plan(way(campaign("sales")), school, person=person)
    wait = next(w for w in held.waits if w.enrolment_id == 41)
    assert (wait.rule, wait.reason) == ("mix", "sales held by 3:1: 2 useful letters due first")
    earned = plan(way(campaign("sales"), nominal=date(2026, 3, 4)), person=had(*[Kind.USEFUL] * 3), now=MONDAY + DAY)
    assert earned.send is not None
    assert earned.send.due_at.date() == date(2026, 3, 4)


def test_a_held_campaign_waits_seven_days_and_then_is_stale_whatever_is_coming() -> None:
    school = sequence("useful", "useful", cadence="1 per month")
    patient = plan(way(campaign("sales")), school, now=MONDAY)
    wait = next(w for w in patient.waits if w.enrolment_id == 41)
    assert wait.until is not None
    assert wait.until <= datetime(2026, 3, 10, tzinfo=UTC)
    over = plan(way(campaign("sales")), school, now=datetime(2026, 3, 10, 0, 0, tzinfo=UTC))
    assert [(s.letter, s.outcome) for s in over.skips] == [("spring/one", "stale")]
    assert [d.enrolment_id for d in over.done] == [41]


def test_a_pause_does_not_count_against_its_patience() -> None:
    away = had(Kind.SALES)._replace(paused_until=MONDAY + 30 * DAY)
    waiting = plan(way(campaign("sales")), person=away, now=MONDAY + 20 * DAY)
    assert waiting.skips == ()
    back = plan(way(campaign("sales")), person=away, now=MONDAY + 31 * DAY)
    assert back.skips == ()
    assert plan(way(campaign("sales")), person=away, now=MONDAY + 37 * DAY).skips[0].outcome == "stale"


def test_a_campaign_that_other_letters_keep_back_for_too_long_is_given_up() -> None:
    days = [date(2026, 3, 2) + n * DAY for n in range(3)]
    full = ME._replace(entries=tuple(Entry(n, datetime(d.year, d.month, d.day, 11, tzinfo=UTC), d, Kind.USEFUL) for n, d in enumerate(days)))
    given_up = plan(way(campaign("news", until="3d")), person=full, now=datetime(2026, 3, 4, 12, tzinfo=UTC))
    assert [(s.outcome, s.rule) for s in given_up.skips] == [("stale", "stale")]
    assert "cap" in given_up.skips[0].reason
    patient = plan(way(campaign("news", until="14d")), person=full, now=datetime(2026, 3, 4, 12, tzinfo=UTC))
    assert patient.skips == ()


def test_a_daily_hour_in_the_west_is_not_superseded_before_it_comes() -> None:
    """Wednesday opens at UTC+14, on Tuesday at 10 UTC: eight hours before it is Tuesday 10:00 in Los Angeles."""
    me = ME._replace(zone=ZoneInfo("America/Los_Angeles"))
    tuesday, wednesday = way(campaign(), at=time(10)), way(campaign(), nominal=date(2026, 3, 4), at=time(10), number=2)
    send = plan(tuesday, wednesday, person=me, now=datetime(2026, 3, 3, 10, 5, tzinfo=UTC)).send
    assert send is not None
    assert (send.occasion, send.due_at) == ("2026-03-03", datetime(2026, 3, 3, 18, tzinfo=UTC))
    missed = plan(tuesday, wednesday, person=me, now=datetime(2026, 3, 3, 20, tzinfo=UTC))
    assert [(s.enrolment_id, s.outcome) for s in missed.skips] == [(41, "superseded")]
    assert missed.send is not None
    assert missed.send.occasion == "2026-03-04"


def test_the_next_occasion_supersedes_what_has_not_left() -> None:
    old, new = way(campaign(), nominal=date(2026, 2, 24)), way(campaign(), nominal=date(2026, 3, 3), number=2)
    row = OpenRow(9, "spring/one", "2026-02-24", State.PENDING, MONDAY, None, old.enrolment_id)
    decided = plan(old, new, row=row)
    assert [(s.enrolment_id, s.outcome) for s in decided.skips] == [(41, "superseded")]
    assert decided.cancel == 9
    assert decided.send is not None
    assert decided.send.occasion == "2026-03-03"
    assert plan(old, new, row=row._replace(state=State.SENDING)).skips == (), "what is on its way is waited for"


def test_a_letter_that_has_left_is_not_told_as_superseded() -> None:
    sent = Past("spring/one", Kind.NEWS, "sent", date(2026, 2, 24), MONDAY - 6 * DAY)
    old, new = way(campaign(), nominal=date(2026, 2, 24), history=(sent,)), way(campaign(), nominal=date(2026, 3, 3), number=2)
    decided = plan(old, new)
    assert decided.skips == ()
    assert [d.enrolment_id for d in decided.done] == [41]
    assert decided.send is not None
    assert decided.send.occasion == "2026-03-03"


def test_a_named_hour_that_the_relay_cannot_take_gives_way_to_the_windows_of_its_kind() -> None:
    named = way(campaign(), nominal=date(2026, 3, 2), at=time(20))
    minutes = [minute_of(datetime(2026, 3, 2, 20, tzinfo=UTC) + timedelta(minutes=n)) for n in range(120)]
    one_free = Load(1, Counter(minutes[:30]))
    first = plan_person(ME, (named,), Shelf(), POLICY, MONDAY, None, one_free).send
    assert first is not None
    assert first.due_at == datetime(2026, 3, 2, 20, 30, tzinfo=UTC)
    full = plan_person(ME, (named,), Shelf(), POLICY, MONDAY, None, Load(1, Counter(minutes)))
    assert full.send is not None
    assert full.send.due_at.date() == date(2026, 3, 3)


def test_only_useful_skips_a_news_campaign_and_a_left_topic_too() -> None:
    assert plan(way(campaign()), person=ME._replace(kinds=Kinds.USEFUL)).skips[0].outcome == "declined"
    gone = ME._replace(declined_topics=frozenset({"roofs"}))
    assert plan(way(campaign(topic="roofs")), person=gone).skips[0].reason == "the topic roofs was left"


def test_a_campaign_goes_before_a_sequence_where_they_shut_each_other_out() -> None:
    school = sequence("news")._replace(enrolled_at=MONDAY - 5 * DAY)
    decided = plan(way(campaign()), school)
    assert decided.send is not None
    assert decided.send.lane == "campaign:spring"


def test_a_useful_campaign_is_coming_for_a_held_offer() -> None:
    held = sequence("sales", repay="wait", stale_after="21d")
    decided = plan(held, way(campaign("useful"), nominal=date(2026, 3, 9)))
    wait = next(w for w in decided.waits if w.enrolment_id == 1)
    assert (wait.rule, decided.stale) == ("mix", ()), "its clock stands while something useful is coming"


def test_a_campaign_about_to_open_keeps_its_place() -> None:
    """One letter a week: Monday's letter of the sequence would take the week that Tuesday's campaign is to have."""
    weekly = Policy.model_validate({"cap": 1})
    school = sequence("useful", windows={"short": [{"days": ["mon"], "from": "14:00", "until": "15:00"}]})._replace(enrolled_at=MONDAY - 3 * DAY)
    to_come = way(campaign(), nominal=date(2026, 3, 3))._replace(enrolled_at=MONDAY + timedelta(hours=1))
    held = plan_person(ME, (school,), Shelf(coming=(to_come,)), weekly, MONDAY)
    assert held.send is None
    assert held.look_at == to_come.enrolled_at
    assert "spring/one goes first" in held.waits[0].reason
    opened = plan_person(ME, (school, to_come), Shelf(), weekly, to_come.enrolled_at)
    assert opened.send is not None
    assert opened.send.letter == "spring/one"
    alone = plan_person(ME, (school,), Shelf(), weekly, MONDAY)
    assert alone.send is not None

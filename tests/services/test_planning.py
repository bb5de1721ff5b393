"""Planning on real databases: rows, reasons, one at a time, two planners at once, taking back what was cancelled for a while."""

import asyncio
from collections import Counter
from datetime import timedelta

from sqlalchemy import event, select, update

from nurture.domain.delivery import message_id
from nurture.services.enrolling import enrol, enrol_matching
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.store.agenda import next_look
from nurture.store.database import Database, connect
from nurture.store.outbox import cancel_open
from nurture.store.standings import look_now
from nurture.store.tables import Enrolment, Subscriber
from nurture.store.workspace import halt, resume
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, install, letter, rows_of

SCHOOL = {
    "sequence": "school", "audience": {"tag": "roof"}, "mix": "3:1", "cadence": "2 per week", "exit_on": ["purchase"],
    "letters": [letter("one"), letter("two", size="long"), letter("three"), letter("offer", "sales")],
}  # fmt: skip
HOUR = timedelta(hours=1)


async def decisions(db: Database) -> list[dict[str, object] | None]:
    async with db.read() as tx:
        return list((await tx.execute(select(Enrolment.decision).order_by(Enrolment.id))).scalars())


async def test_those_who_come_to_match_are_enrolled_and_planned_with_a_reason(db: Database) -> None:
    await install(db, SCHOOL, {"policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "timezone": "Europe/Berlin"})
    await add_people(db, "a@example.com", tags=("roof",))
    await add_people(db, "b@example.com", tags=("floor",))
    assert await enrol_matching(db, NOW) == 1
    assert await enrol_matching(db, NOW) == 0
    await plan(db, NOW)
    [(state, occasion, kind, due, reason, made)] = await rows_of(db, "state", "occasion", "kind", "due_at", "reason", "message_id")
    assert (state, occasion, kind) == ("pending", "1", "useful")
    assert NOW <= due < NOW + 2 * HOUR
    assert reason == "letter 1 of school; goes in its window (Mon-Tue 10:00-12:00) on Mon 02 Mar 2026"
    assert made == message_id(b"installation-id!", "school/one", 1, "1", "example.com")
    assert await decisions(db) == [None], "the letter's row says it"
    async with db.read() as tx:
        assert await next_look(tx) is None


async def test_a_letter_accepted_and_folded_makes_room_for_the_next(db: Database) -> None:
    ids = await install(db, SCHOOL)
    people = await add_people(db, "a@example.com")
    await enrol(db, "school", people, NOW, "hand")
    now = NOW
    for _ in range(40):
        await fold(db, now)
        await plan(db, now)
        open_now = [r for r in await rows_of(db, "state", "due_at") if r[0] == "pending"]
        assert len(open_now) <= 1
        if open_now and open_now[0][1] <= now:
            await end_row(db, now)
        now += 12 * HOUR
    rows = await rows_of(db, "kind", "local_day", "state")
    assert [r[0] for r in rows] == ["useful", "useful", "useful", "sales"]
    assert [(r[1] - NOW.date()).days for r in rows] == [1, 4, 7, 9] or [(r[1] - NOW.date()).days for r in rows] == [0, 4, 7, 9]
    async with db.read() as tx:
        assert (await tx.execute(select(Enrolment.state, Enrolment.end_reason))).all() == [("done", "every letter is sent or skipped")]
    assert ids["school"]


async def test_a_purchase_ends_the_way_and_takes_back_the_row(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com")
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, NOW)
    await add_event(db, people[0], "converted", NOW + HOUR, name="purchase")
    await fold(db, NOW + HOUR)
    await plan(db, NOW + HOUR)
    assert await rows_of(db, "state", "outcome") == [("cancelled", "not_wanted")]
    async with db.read() as tx:
        assert (await tx.execute(select(Enrolment.state, Enrolment.end_reason))).all() == [("exited", "left by purchase")]


async def test_a_row_cancelled_by_a_pause_is_taken_back_with_a_higher_fence(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com")
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, NOW)
    async with db.write() as tx:
        await cancel_open(tx, "paused", NOW, subscriber_id=people[0])
    await fold(db, NOW)
    await plan(db, NOW + HOUR / 2)
    assert await rows_of(db, "state", "fence", "outcome") == [("pending", 1, None)]


async def test_a_better_letter_outranks_a_waiting_one_and_it_comes_back_later(db: Database) -> None:
    monday = [{"days": ["mon"], "from": "10:00", "until": "12:00"}]
    await install(
        db,
        {"sequence": "low", "letters": [letter("a", window=[{"days": ["tue"], "from": "8:00", "until": "9:00"}])]},
        {"sequence": "high", "priority": 90, "letters": [letter("b", window=monday)]},
    )
    people = await add_people(db, "a@example.com", timezone="UTC")
    await enrol(db, "low", people, NOW, "hand")
    await plan(db, NOW)
    await enrol(db, "high", people, NOW, "hand")
    await plan(db, NOW)
    assert sorted(await rows_of(db, "state", "outcome")) == [("cancelled", "outranked"), ("pending", None)]
    await end_row(db, NOW + HOUR)
    await fold(db, NOW + HOUR)
    later = NOW + timedelta(days=7)
    await plan(db, NOW + HOUR)
    async with db.write() as tx:
        await look_now(tx, people, later)
    await plan(db, later)
    assert ("pending", None) in await rows_of(db, "state", "outcome")


async def test_two_planners_at_once_write_one_open_row_each(db: Database, db_url: str) -> None:
    names = [f"p{n}@example.com" for n in range(300)]
    await install(db, SCHOOL, SCHOOL | {"sequence": "second", "priority": 60})
    people = await add_people(db, *names)
    await enrol(db, "school", people, NOW, "hand")
    await enrol(db, "second", people, NOW, "hand")
    others = [connect(db_url) for _ in range(3)]
    try:
        planned = await asyncio.gather(*(plan(d, NOW, chunk=20) for d in [db, *others]))
    finally:
        for other in others:
            await other.close()
    rows = await rows_of(db, "subscriber_id", "letter_id", "occasion")
    assert len(rows) == 300
    assert max(Counter(r[0] for r in rows).values()) == 1
    assert sum(p.people for p in planned) == 300


async def test_people_with_news_not_folded_yet_are_not_planned(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com")
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, NOW)
    await end_row(db, NOW + HOUR)
    async with db.write() as tx:
        await look_now(tx, people, NOW + HOUR)
    assert (await plan(db, NOW + HOUR)).people == 0
    await fold(db, NOW + HOUR)
    assert (await plan(db, NOW + HOUR)).people == 1


async def test_nothing_is_planned_for_those_who_left_or_while_halted(db: Database) -> None:
    await install(db, SCHOOL)
    gone = await add_people(db, "gone@example.com", status="unsubscribed")
    here = await add_people(db, "here@example.com")
    await enrol(db, "school", gone + here, NOW, "hand")
    async with db.write() as tx:
        await halt(tx, "a restored backup")
    await plan(db, NOW)
    assert await rows_of(db, "id") == []
    async with db.write() as tx:
        await resume(tx)
    await plan(db, NOW)
    assert [r[0] for r in await rows_of(db, "subscriber_id")] == here


async def test_re_entry_numbers_the_occasions(db: Database) -> None:
    await install(db, SCHOOL | {"letters": [letter("one", window="any")], "re_entry": "after 10d"})
    people = await add_people(db, "a@example.com", tags=("roof",))
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, NOW)
    await end_row(db, NOW)
    await fold(db, NOW)
    await plan(db, NOW)
    assert await enrol(db, "school", people, NOW + timedelta(days=9), "hand") == []
    later = NOW + timedelta(days=11)
    assert await enrol(db, "school", people, later, "hand") == people
    await plan(db, later)
    assert [r[0] for r in await rows_of(db, "occasion")] == ["1", "2"]


async def test_who_leaves_and_matches_again_is_enrolled_once_where_re_entry_is_never(db: Database) -> None:
    await install(db, SCHOOL | {"audience": {"field": "country", "is": "DE"}})
    people = await add_people(db, "a@example.com", country="DE")
    assert await enrol_matching(db, NOW) == 1
    for country, expected in (("FR", 0), ("DE", 0)):
        async with db.write() as tx:
            await tx.execute(update(Subscriber).where(Subscriber.id == people[0]).values(country=country))
        assert await enrol_matching(db, NOW) == expected


async def test_a_letter_whose_row_ended_for_good_does_not_block_its_way(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com")
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, NOW)
    async with db.write() as tx:
        await cancel_open(tx, "by hand", NOW, subscriber_id=people[0])
    await fold(db, NOW)
    await plan(db, NOW)
    await plan(db, NOW + HOUR)
    friday = NOW + timedelta(days=3)
    async with db.write() as tx:
        await look_now(tx, people, friday)
    await plan(db, friday)
    assert await rows_of(db, "state", "kind") == [("cancelled", "useful"), ("pending", "useful")]
    assert len({r[0] for r in await rows_of(db, "letter_id")}) == 2


async def test_an_edited_order_gives_the_place_and_takes_it_back(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, "a@example.com")
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, NOW)
    await install(db, SCHOOL | {"letters": [letter("zero"), *SCHOOL["letters"]]})
    async with db.write() as tx:
        await look_now(tx, people, NOW)
    await plan(db, NOW)
    assert await rows_of(db, "state", "outcome") == [("cancelled", "outranked"), ("pending", None)]
    await install(db, SCHOOL)
    async with db.write() as tx:
        await look_now(tx, people, NOW)
    await fold(db, NOW)
    await plan(db, NOW)
    assert await rows_of(db, "state", "outcome") == [("pending", None), ("cancelled", "outranked")]


async def test_the_quick_sweep_asks_only_those_who_changed(db: Database) -> None:
    await install(db, SCHOOL)
    await add_people(db, "old@example.com", tags=("roof",), now=NOW - timedelta(days=3))
    await add_people(db, "new@example.com", tags=("roof",))
    assert await enrol_matching(db, NOW, changed_since=NOW - HOUR) == 1
    assert await enrol_matching(db, NOW) == 1


async def test_a_greeting_whose_row_ended_for_good_is_not_asked_for_again_that_year(db: Database) -> None:
    await install(db, {"sequence": "wishes", "letters": [letter("cake", "greeting", day="03-03")]})
    people = await add_people(db, "a@example.com")
    await enrol(db, "wishes", people, NOW, "hand")
    await plan(db, NOW)
    async with db.write() as tx:
        await cancel_open(tx, "by hand", NOW, subscriber_id=people[0])
    await fold(db, NOW)
    for _ in range(3):
        await plan(db, NOW)
    async with db.read() as tx:
        [history] = (await tx.execute(select(Enrolment.history))).scalars()
        assert [(h["outcome"], h["day"]) for h in history] == [("ended", "2026-03-03")]
        look = await next_look(tx)
    assert look
    assert look.year == 2027


async def test_the_own_hour_runs_from_the_joining_not_from_the_sweep(db: Database) -> None:
    await install(db, SCHOOL)
    await add_people(db, "a@example.com", tags=("roof",), now=NOW - HOUR / 2)
    await add_people(db, "b@example.com", tags=("roof",), now=NOW - 2 * HOUR)
    assert await enrol_matching(db, NOW) == 2
    async with db.read() as tx:
        assert list((await tx.execute(select(Enrolment.now_until).order_by(Enrolment.id))).scalars()) == [NOW + HOUR / 2, None]


async def test_a_chunk_takes_as_many_statements_however_many_people_it_holds(db: Database) -> None:
    await install(db, SCHOOL, {"letter": "faq", "kind": "useful", "subject": "s", "body": "b"})
    people = await add_people(db, *(f"p{n}@example.com" for n in range(220)))
    counted = []
    asked: list[str] = []
    event.listen(db.engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    for some in (people[:5], people[5:20], people[20:]):  # the first reads the documents
        await enrol(db, "school", some, NOW, "hand")
        asked.clear()
        assert (await plan(db, NOW, chunk=500)).people == len(some)
        counted.append(len(asked))
    assert counted[1] == counted[2] <= 20, asked
    assert not any("UPDATE enrolments" in statement for statement in asked), "of a letter that goes its own row tells"

"""Sequences that live: entry by segment, event and date, entering again by what is new, goals and exits."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from nurture.definitions.loading import load_text
from nurture.services.defining import apply
from nurture.services.ending import end_arrived
from nurture.services.enrolling import enrol, enrol_matching
from nurture.services.planning import plan
from nurture.services.steering import list_documents
from nurture.shipped import shipped
from nurture.store.audiences import changed_people
from nurture.store.database import Database
from nurture.store.subscribers import add_tags, drop_tags, touch
from nurture.store.tables import Enrolment, Subscriber
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter, rows_of
from tests.support.rules import ways

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ONE = [letter("one", window="any")]


async def entered(db: Database) -> int:
    async with db.read() as tx:
        return len((await tx.execute(select(Enrolment.id))).all())


async def ended(db: Database, now) -> None:
    """All ways are done."""
    async with db.write() as tx:
        await tx.execute(update(Enrolment).where(Enrolment.state == "active").values(state="done", ended_at=now))


async def test_an_event_brings_a_person_in_and_only_a_new_one_brings_them_in_again(db: Database) -> None:
    priced = {"all": [{"tag": "roof"}, {"did": "visited", "name": "pricing", "within": "2d"}]}
    await install(db, {"sequence": "priced", "audience": priced, "re_entry": "always", "letters": ONE})
    (person,) = await add_people(db, "a@example.com", tags=("roof",))
    assert await enrol_matching(db, NOW) == 0
    await add_event(db, person, "visited", NOW, name="pricing", evidence="human")
    assert await enrol_matching(db, NOW + SECOND) == 1
    await ended(db, NOW + 60 * SECOND)
    assert await enrol_matching(db, NOW + 120 * SECOND) == 0  # the same visit still matches
    async with db.write() as tx:
        await drop_tags(tx, {person: ["roof"]})
    assert await enrol_matching(db, NOW + 180 * SECOND) == 0
    async with db.write() as tx:
        await add_tags(tx, {person: ["roof"]})
        await touch(tx, [person], NOW + 200 * SECOND)
    assert await enrol_matching(db, NOW + 200 * SECOND, changed_since=NOW + 190 * SECOND) == 0  # matching anew, but by the old visit
    assert await enrol_matching(db, NOW + 240 * SECOND) == 0
    await add_event(db, person, "visited", NOW + DAY, name="pricing", evidence="human")
    assert await enrol_matching(db, NOW + DAY + SECOND) == 1
    assert await enrol_matching(db, NOW + DAY + 2 * SECOND) == 0
    assert await entered(db) == 2


async def test_without_re_entry_an_event_brings_a_person_in_once(db: Database) -> None:
    await install(db, {"sequence": "once", "audience": {"did": "visited", "within": "2d"}, "letters": ONE})
    (person,) = await add_people(db, "a@example.com")
    for day in (0, 10):
        await add_event(db, person, "visited", NOW + day * DAY)
        await enrol_matching(db, NOW + day * DAY)
        await ended(db, NOW + day * DAY + SECOND)
        await enrol_matching(db, NOW + (day + 5) * DAY)
    assert await entered(db) == 1


async def test_any_of_a_tag_and_an_event_counts_the_event_only_when_it_is_new(db: Database) -> None:
    audience = {"any": [{"tag": "roof"}, {"did": "visited"}]}
    await install(db, {"sequence": "any", "audience": audience, "re_entry": "always", "letters": ONE})
    (person,) = await add_people(db, "a@example.com", tags=("roof",))
    assert await enrol_matching(db, NOW) == 1
    await ended(db, NOW + SECOND)
    for minute in range(3):
        assert await enrol_matching(db, NOW + minute * 60 * SECOND) == 0  # the tag is no news
    await add_event(db, person, "visited", NOW + DAY)
    assert await enrol_matching(db, NOW + DAY + SECOND) == 1
    await ended(db, NOW + DAY + 2 * SECOND)
    assert await enrol_matching(db, NOW + 2 * DAY) == 0


async def test_a_yearly_date_brings_a_person_in_once_a_year(db: Database) -> None:
    await install(db, {"sequence": "renewal", "audience": {"date": "renewal", "within": "30d"}, "re_entry": "always", "letters": ONE})
    (person,) = await add_people(db, "a@example.com", fields={"renewal": "2020-04-10"}, now=NOW - 400 * DAY)
    taken = []
    for day in range(0, 420, 5):  # from 2 March 2026; the day is 10 April
        now = NOW + day * DAY
        if await enrol_matching(db, now):
            taken.append(now.date().isoformat())
        if day % 10 == 0:
            await ended(db, now)
        if day in (20, 25):  # a mistake in the field, mended: the same date counts once
            async with db.write() as tx:
                await tx.execute(update(Subscriber).where(Subscriber.id == person).values(fields={"renewal": "2020-09-10" if day == 20 else "2020-04-10"}))
    assert taken == ["2026-03-12", "2027-03-12"]


async def test_an_audience_by_segment_and_an_edit_of_the_segment_takes_nobody_by_surprise(db: Database) -> None:
    async def write(text: str, hours: int) -> None:
        loaded = load_text(text)
        assert not loaded.errors
        await apply(db, loaded.documents, NOW + timedelta(hours=hours), templates=shipped("templates"))

    await install(db)
    school = "sequence: school\naudience: {segment: readers}\nletters: [{id: one, kind: useful, subject: s, body: b}]\n"
    segment = "segment: readers\nwhere: {all: [{segment: roofers}, {not: {tag: gone}}]}\n---\nsegment: roofers\nwhere: {tag: %s}\n"
    await write(segment % "roof" + "---\n" + school, 0)
    roof, wall = await add_people(db, "r@example.com", "w@example.com", now=NOW + timedelta(hours=1))
    async with db.write() as tx:
        await add_tags(tx, {roof: ["roof"], wall: ["wall"]})
    assert await enrol_matching(db, NOW + timedelta(hours=1)) == 1
    await write(segment % "wall", 2)
    assert await enrol_matching(db, NOW + timedelta(hours=2)) == 0  # who matches by the edit is passed over, as after any edit
    (later,) = await add_people(db, "l@example.com", tags=("wall",), now=NOW + timedelta(hours=3))
    assert await enrol_matching(db, NOW + timedelta(hours=3)) == 1
    assert await end_arrived(db, NOW + timedelta(hours=4)) == 0  # who left the segment goes on
    assert [await ways(db, p) for p in (roof, later)] == [[("audience", "active", None)]] * 2
    assert await ways(db, wall) == []


async def test_a_goal_ends_the_way_takes_back_the_letter_and_is_counted(db: Database) -> None:
    await install(db, {"sequence": "s", "goal": "lead", "exit_on": ["purchase"], "exit_if": {"tag": "bored"}, "letters": ONE}, {"sequence": "t", "letters": ONE})
    people = await add_people(db, *(f"{n}@example.com" for n in "abcde"))
    await add_event(db, people[0], "converted", NOW - DAY, name="lead")  # before the way began: it does not count
    await enrol(db, "s", people, NOW, "hand")
    await enrol(db, "t", people[:1], NOW, "hand")
    await plan(db, NOW)
    assert await end_arrived(db, NOW) == 0
    await add_event(db, people[1], "converted", NOW + SECOND, name="lead")
    await add_event(db, people[2], "converted", NOW + SECOND, name="purchase")
    async with db.write() as tx:
        await add_tags(tx, {people[3]: ["bored"]})
        await touch(tx, [people[3]], NOW + SECOND)
    assert await end_arrived(db, NOW + 2 * SECOND, among=[people[1]], changed_since=NOW + SECOND) == 2
    assert await end_arrived(db, NOW + 2 * SECOND) == 1
    assert [await ways(db, p) for p in people[1:]] == [
        [("hand", "goal", "reached the goal")], [("hand", "exited", "left by purchase")], [("hand", "exited", "left by `exit_if`")],
        [("hand", "active", None)],
    ]  # fmt: skip
    gone = [(state, why) for person, state, why in await rows_of(db, "subscriber_id", "state", "outcome") if person in people[1:4]]
    assert gone == [("cancelled", "not_wanted")] * 3
    s, t = await list_documents(db, "sequence")
    assert (s.entered, s.under_way, s.goal, s.exited, s.done) == (5, 2, 1, 2, 0)
    assert (t.entered, t.under_way) == (1, 1)


async def test_a_goal_by_condition_counts_events_from_the_enrolment_on(db: Database) -> None:
    await install(db, {"sequence": "s", "goal": {"did": "clicked", "at_least": 2}, "letters": ONE})
    (person,) = await add_people(db, "a@example.com")
    await add_event(db, person, "clicked", NOW - DAY)
    await enrol(db, "s", [person], NOW, "hand")
    await add_event(db, person, "clicked", NOW + SECOND)
    assert await end_arrived(db, NOW + 2 * SECOND) == 0
    await add_event(db, person, "clicked", NOW + 3 * SECOND)
    assert await end_arrived(db, NOW + 4 * SECOND) == 1


async def test_where_nothing_changed_no_way_is_read_and_else_only_those_of_whom_it_is(sqlite_db: Database) -> None:
    await install(sqlite_db, {"sequence": "s", "goal": {"tag": "buyer"}, "letters": [letter("one")]})
    people = await add_people(sqlite_db, *(f"{n}@example.com" for n in "abc"), tags=("buyer",))
    await enrol(sqlite_db, "s", people, NOW, "hand")
    asked: list[tuple[str, object]] = []

    @event.listens_for(sqlite_db.engine.sync_engine, "before_cursor_execute")
    def note(_conn, _cursor, statement, values, *_rest) -> None:
        if statement.startswith("SELECT") and "enrolments AS way" in statement:
            asked.append((statement, values))

    assert await end_arrived(sqlite_db, NOW + SECOND, [], NOW + SECOND) == 0
    assert asked == []
    async with sqlite_db.write() as tx:
        await touch(tx, people[:1], NOW + SECOND)
    assert await end_arrived(sqlite_db, NOW + SECOND, [], NOW + SECOND) == 1
    ((statement, values),) = asked
    async with sqlite_db.read() as tx:
        plan = " ".join(row[3] for row in await tx.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, values))
    assert "SCAN" not in plan, plan


async def test_people_who_changed_come_by_id_and_a_few_at_a_time(db: Database) -> None:
    people = await add_people(db, *(f"p{n}@example.com" for n in range(6)))
    async with db.write() as tx:
        await touch(tx, people, NOW)
        await touch(tx, [people[0]], NOW + SECOND)
        await touch(tx, [people[3]], NOW - DAY)
    left = [p for p in people if p != people[3]]
    assert [ids async for ids in changed_people(db, NOW, 2)] == [left[:2], left[2:4], left[4:]]
    assert [ids async for ids in changed_people(db, NOW, 5)] == [left]
    assert [ids async for ids in changed_people(db, NOW + SECOND, 2)] == [people[:1]]


async def test_whoever_changed_is_asked_about_though_they_come_in_several_parts(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed_people, "__defaults__", (2,))
    await install(db, {"sequence": "roofs", "audience": {"tag": "roof"}, "exit_if": {"tag": "gone"}, "letters": ONE})
    people = await add_people(db, *(f"p{n}@example.com" for n in range(5)))
    async with db.write() as tx:
        await add_tags(tx, {p: ["roof"] for p in people})
        await touch(tx, people, NOW)
    assert await enrol_matching(db, NOW, changed_since=NOW) == 5
    async with db.write() as tx:
        await add_tags(tx, {p: ["gone"] for p in people[1:]})
        await touch(tx, people[2:], NOW + DAY)
    assert await end_arrived(db, NOW + DAY, [people[1]], NOW + DAY) == 4

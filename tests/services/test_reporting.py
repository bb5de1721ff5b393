"""The report over rows written by hand: each figure is counted here by other means."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, insert, update

from nurture.domain.words import Engagement, Status, ZoneSource
from nurture.services.reporting import report
from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.support.history import CLASSES, delivery, fill, local, prepare
from tests.support.people import NOW, add_people

DELIVERIES, SUBSCRIBERS = METADATA.tables["deliveries"], METADATA.tables["subscribers"]


async def test_an_empty_workspace_reports_zeros(db: Database) -> None:
    found = await report(db, NOW)
    assert found.composition.people == 0
    assert [b.share for b in found.benchmark] == [0.0, 0.0, 0.0]
    assert found.mix.checked == 0
    assert found.mix.kept
    assert found.windows.kinds == {}
    assert not any(d.planned or d.expected for d in found.coming.days)


async def test_composition_counts_subscribed_people_and_sets_the_others_beside(db: Database) -> None:
    ids = await fill(db, people=26)
    async with db.write() as tx:
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id.in_(ids[:2])).values(status="unsubscribed"))
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == ids[2]).values(status="bounced"))
    found = (await report(db, NOW)).composition
    classes = [CLASSES[n % len(CLASSES)] for n in range(3, 26)]
    assert found.now == {e: classes.count(e.value) for e in Engagement}
    assert (found.statuses[Status.UNSUBSCRIBED], found.statuses[Status.BOUNCED], found.people) == (2, 1, 23)
    assert len(found.weeks) == 10
    assert found.weeks[0].people[Engagement.NEW] == 26


async def test_the_benchmark_leaves_new_and_unobservable_out(db: Database) -> None:
    await fill(db, people=13)
    found = (await report(db, NOW)).benchmark
    assert [(b.engagement.value, b.people, b.usual) for b in found] == [("passive", 8, 0.80), ("active", 2, 0.17), ("fan", 1, 0.03)]
    assert [round(b.share, 3) for b in found] == [0.727, 0.182, 0.091]


async def test_the_delivered_mix_is_counted_by_sequence_and_for_all(db: Database) -> None:
    await fill(db, people=10, weeks=10)
    found = (await report(db, NOW)).mix
    assert found.workspace.promise == "3:1"
    assert found.workspace.days_90 == {"useful": 150, "news": 0, "about": 0, "sales": 50}
    assert found.workspace.days_28 == {"useful": 50, "news": 0, "about": 0, "sales": 20}
    (lane,) = found.lanes
    assert (lane.lane, lane.title, lane.days_90) == ("sequence:roof-school", "Choose a roof once in your life", found.workspace.days_90)
    assert (found.checked, found.unearned) == (50, ())


async def test_a_sales_letter_that_was_not_earned_is_found(db: Database) -> None:
    letters, _, lane = await prepare(db)
    ids = await add_people(db, "a@example.com", "b@example.com", "c@example.com")
    rows = []
    for person, useful in zip(ids, (3, 2, 3), strict=True):
        for number in range(useful):
            at = NOW - timedelta(days=20 - number)
            rows.append(delivery(person, letters["questions"], lane, "useful", "UTC", at, occasion=str(number)))
        rows.append(delivery(person, letters["offer"], lane, "sales", "UTC", NOW - timedelta(days=10)))
    rows[-2]["dup_risk"] = 1  # c's third useful letter may not have arrived: it earns nothing
    async with db.write() as tx:
        await tx.execute(insert(DELIVERIES), rows)
    found = (await report(db, NOW)).mix
    assert (found.checked, len(found.unearned), found.kept) == (3, 2, False)
    assert (await report(db, NOW, audited=1)).mix.checked == 1


async def test_a_letter_outside_its_hours_is_counted_by_the_readers_own_clock(db: Database) -> None:
    letters, _, lane = await prepare(db)
    (person,) = await add_people(db, "a@example.com", timezone="Asia/Kolkata")
    monday, tuesday = (NOW - timedelta(days=7)).date(), (NOW - timedelta(days=6)).date()
    friday = monday + timedelta(days=4)
    inside = local(monday, 10, 0, "Asia/Kolkata")
    rows = [
        delivery(person, letters["questions"], lane, "useful", "Asia/Kolkata", inside, occasion="1"),
        delivery(person, letters["questions"], lane, "useful", "Asia/Kolkata", local(tuesday, 12, 0, "Asia/Kolkata"), occasion="2"),
        delivery(person, letters["questions"], lane, "useful", "Asia/Kolkata", local(friday, 10, 0, "Asia/Kolkata"), occasion="3"),
        delivery(person, letters["thirty-years"], lane, "useful", "Asia/Kolkata", local(friday, 11, 59, "Asia/Kolkata"), occasion="4"),
    ]
    async with db.write() as tx:
        await tx.execute(insert(DELIVERIES), rows)
    found = (await report(db, NOW)).windows
    assert (found.kinds["useful"].letters, found.kinds["useful"].inside) == (4, 2)
    assert {hour: n for hour, n in enumerate(found.hours["useful"]) if n} == {10: 2, 11: 1, 12: 1}
    newest = (await report(db, NOW, timed=2)).windows
    assert (newest.kinds["useful"].letters, newest.kinds["useful"].inside) == (2, 1)


async def test_zones_show_how_many_stand_on_a_guess_or_the_default(db: Database) -> None:
    await fill(db, people=14)
    zones = (await report(db, NOW)).windows.zones
    assert zones == {ZoneSource.IMPORT: 12, ZoneSource.DEFAULT: 2}


async def test_coming_letters_stand_on_the_readers_local_date(db: Database) -> None:
    letters, _, lane = await prepare(db)
    tokyo = await add_people(db, "t@example.com", timezone="Asia/Tokyo")
    york = await add_people(db, "y@example.com", timezone="America/New_York")
    wanted = {"state": "pending", "accepted_at": None, "handed_at": None, "local_day": None}
    due = NOW.replace(hour=20)  # Tuesday in Tokyo, still Monday in New York
    async with db.write() as tx:
        rows = [delivery(p, letters["questions"], lane, "useful", "UTC", due, **wanted) | {"zone": None} for p in (*tokyo, *york)]
        await tx.execute(insert(DELIVERIES), rows)
    days = {d.day: d.planned.get("useful", 0) for d in (await report(db, NOW)).coming.days}
    assert (days[NOW.date()], days[NOW.date() + timedelta(days=1)]) == (1, 1)


async def test_waiting_ways_are_expected_on_the_planners_date(db: Database) -> None:
    await fill(db, people=15)
    coming = (await report(db, NOW)).coming
    expected = {d.day: d.expected for d in coming.days if d.expected}
    assert expected == {NOW.date() + timedelta(days=2): {"sales": 15}}
    assert coming.held == 15


@pytest.mark.parametrize("people", [5, 60])
async def test_the_number_of_questions_does_not_grow_with_the_list(sqlite_db: Database, people: int) -> None:
    await fill(sqlite_db, people=people, weeks=2)
    asked: list[str] = []
    event.listen(sqlite_db.engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    await report(sqlite_db, NOW)
    assert len([q for q in asked if q.startswith("SELECT")]) == 16, "\n".join(asked)


async def test_every_question_of_the_report_sorts_in_a_file(sqlite_db: Database) -> None:
    """Where SQLite sorts and groups while it is asked, and no question of it is asked elsewhere (store/database.py, `survey`)."""
    await fill(sqlite_db, people=5)
    sorts_in: list[int] = []

    def look(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            beside = connection.connection.cursor()
            beside.execute("PRAGMA temp_store")
            sorts_in.append(beside.fetchone()[0])
            beside.close()

    event.listen(sqlite_db.engine.sync_engine, "before_cursor_execute", look)
    await report(sqlite_db, NOW)
    assert sorts_in
    assert set(sorts_in) == {1}

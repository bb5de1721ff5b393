"""Events by months: on PostgreSQL each has a table of its own, made ahead; on both databases a uid is stored once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from nurture.store.database import Database, connect
from nurture.store.dialect_parts import AHEAD, make_months, month_part, parts_of
from nurture.store.events import add_events, add_hits, hits_of
from nurture.store.facts import take_events, unfolded_events
from nurture.store.schema import HERE, compare, migrate
from tests.support.people import add_people
from tests.support.programme import add_event

JANUARY = datetime(2041, 1, 10, 9, 0, tzinfo=UTC)  # no month that a real clock makes a table for
DAY = timedelta(days=1)
MIGRATION = next((HERE / "migrations/versions").glob("*_months_of_events.py"))


async def homes(db: Database) -> dict[str, str]:
    """uid -> the table it lies in."""
    async with db.read() as tx:
        return {row[0]: row[1] for row in await tx.exec_driver_sql("SELECT uid, tableoid::regclass::text FROM events")}


def told(uid: str, at: datetime, person: int = 1) -> dict[str, Any]:
    return {"uid": uid, "subscriber_id": person, "type": "converted", "at": at, "settles_at": at, "evidence": "human"}


@pytest.mark.postgres
async def test_months_stand_ready_ahead_and_each_takes_its_own(postgres_db: Database) -> None:
    db = postgres_db
    async with db.write() as tx:
        assert await make_months(tx, JANUARY) == ["events_2041_01", "events_2041_02", "events_2041_03", "events_2041_04"]
        assert await make_months(tx, JANUARY) == []
        assert await make_months(tx, JANUARY + 31 * DAY) == ["events_2041_05"]
        moments = {"old": datetime(2001, 5, 5, tzinfo=UTC), "first": datetime(2041, 1, 1, tzinfo=UTC), "next": datetime(2041, 2, 1, tzinfo=UTC)}
        await add_events(tx, [told(uid, at) for uid, at in moments.items()] + [told("late", datetime(2041, 1, 31, 23, 59, 59, tzinfo=UTC))])
    assert await homes(db) == {"old": "events_before", "first": "events_2041_01", "late": "events_2041_01", "next": "events_2041_02"}
    async with db.read() as tx:
        assert await tx.run_sync(compare) == []


@pytest.mark.postgres
async def test_what_came_before_its_month_was_made_moves_into_it(postgres_db: Database) -> None:
    db = postgres_db
    async with db.write() as tx:
        await add_events(tx, [told("early", JANUARY), told("far", JANUARY + 400 * DAY)])
    assert set((await homes(db)).values()) == {"events_rest"}
    async with db.write() as tx:
        await make_months(tx, JANUARY)
    assert await homes(db) == {"early": "events_2041_01", "far": "events_rest"}


@pytest.mark.postgres
async def test_two_workers_make_months_once(postgres_db: Database) -> None:
    async def one() -> list[str]:
        async with postgres_db.write() as tx:
            return await make_months(tx, JANUARY)

    made = await asyncio.gather(one(), one(), one())
    assert sorted(map(len, made)) == [0, 0, AHEAD + 1]


async def test_one_table_on_sqlite_has_the_months_of_its_events(sqlite_db: Database) -> None:
    async with sqlite_db.write() as tx:
        assert await make_months(tx, JANUARY) == []
        assert await parts_of(tx) == []
        await add_events(tx, [told("a", JANUARY), told("b", JANUARY + 60 * DAY)])
        assert [part.name for part in await parts_of(tx)] == ["events_2041_01", "events_2041_02", "events_2041_03"]


def test_a_month_ends_where_the_next_begins() -> None:
    december = month_part(datetime(2041, 12, 31, 23, 30, tzinfo=UTC))
    assert (december.name, december.since, december.until) == ("events_2041_12", datetime(2041, 12, 1, tzinfo=UTC), datetime(2042, 1, 1, tzinfo=UTC))


async def test_an_event_told_again_with_another_moment_is_stored_once(db: Database) -> None:
    async with db.write() as tx:
        await make_months(tx, JANUARY)
        assert await add_events(tx, [told("order-7", JANUARY), told("order-7", JANUARY + DAY)]) == {"order-7"}
    async with db.write() as tx:
        assert await add_events(tx, [told("order-7", JANUARY + 40 * DAY), told("order-8", JANUARY)]) == {"order-8"}
    async with db.read() as tx:
        found = await tx.exec_driver_sql("SELECT uid, count(*) FROM events GROUP BY uid ORDER BY uid")
        assert [tuple(row) for row in found] == [("order-7", 1), ("order-8", 1)]


@pytest.mark.postgres
async def test_of_two_who_tell_the_same_at_once_one_is_stored(postgres_db: Database) -> None:
    async with postgres_db.write() as tx:
        await make_months(tx, JANUARY)
    async with postgres_db.write() as first, postgres_db.write() as second:
        assert await add_events(first, [told("order-7", JANUARY)]) == {"order-7"}
        waiting = asyncio.create_task(add_events(second, [told("order-7", JANUARY + 40 * DAY)]))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await first.commit()
        assert await waiting == set()


async def test_a_replayed_hit_is_stored_once(db: Database) -> None:
    for _ in range(2):
        async with db.write() as tx:
            await add_hits(tx, [told("hit", JANUARY)])
    async with db.read() as tx:
        assert (await tx.exec_driver_sql("SELECT count(*) FROM events")).scalar_one() == 1


@pytest.mark.postgres
async def test_folding_and_judging_ask_only_the_months_concerned(postgres_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db = postgres_db
    [person] = await add_people(db, "anna@example.com")
    async with db.write() as tx:
        await make_months(tx, JANUARY)
    await add_event(db, person, "clicked", JANUARY, delivery_id=5)

    asked: list[tuple[Any, Any]] = []
    async with db.write() as tx:
        await take_events(tx, await unfolded_events(tx, JANUARY, 10))
        execute = type(tx).execute

        async def note(self: Any, statement: Any, *rest: Any) -> Any:
            compiled = statement.compile(dialect=tx.dialect, compile_kwargs={"literal_binds": True})
            asked.append((str(compiled), rest))
            return await execute(self, statement, *rest)

        monkeypatch.setattr(type(tx), "execute", note)
        assert len((await hits_of(tx, [5], JANUARY - DAY))[5]) == 1
        monkeypatch.undo()
        plan = "\n".join(row[0] for row in await tx.exec_driver_sql("EXPLAIN " + asked[0][0]))
    assert "events_2041_01" in plan
    assert "events_before" not in plan


@pytest.mark.postgres
async def test_an_installation_that_has_events_keeps_them(postgres: str) -> None:
    name = f"t{uuid4().hex}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    await server.close()
    db = connect(f"{postgres.rsplit('/', 1)[0]}/{name}")
    try:
        await migrate(db, f"{int(MIGRATION.stem[:4]) - 1:04}")
        now = datetime.now(UTC)
        insert = "INSERT INTO events (uid, subscriber_id, type, at, settles_at, evidence, reason, rule_version, folded, reacted) VALUES "
        values = ", ".join(f"('e{n}', 1, 'clicked', '{(now - n * DAY).isoformat()}', now(), 'human', '', 1, {n % 2}, 0)" for n in range(400))
        async with db.write() as tx:
            await tx.exec_driver_sql(insert + values)
        await migrate(db)
        assert set((await homes(db)).values()) == {"events_before"}
        async with db.write() as tx:
            assert await tx.run_sync(compare) == []
            assert len(await make_months(tx, now)) == AHEAD, "this month is in the part that was there"
            assert await add_events(tx, [told("e7", now), told("new", now)]) == {"new"}
            newest = (await tx.exec_driver_sql("SELECT id FROM events WHERE uid = 'new'")).scalar_one()
            assert newest == 401
            indexes = {row[0] for row in await tx.exec_driver_sql("SELECT indexdef FROM pg_indexes WHERE tablename = 'events'")}
            assert any("UNIQUE" in line and "(uid, at)" in line for line in indexes)
            assert sum("WHERE (folded = 0)" in line for line in indexes) == 1
    finally:
        await db.close()

"""Statements over whole batches: what they write is what any other statement would have written, durable, whole or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import AsyncAdaptedQueuePool

from nurture.domain.words import State
from nurture.store.claims import Claimed, _intent, claim, claim_alone, hand_over
from nurture.store.database import Database, connect
from nurture.store.lone import PostgresLone, _ByKeys
from nurture.store.mark import Mark
from nurture.store.outbox import plan_rows
from nurture.store.results import _ACCEPTED, Result, _by_answer, record, record_accepted, release
from nurture.store.tables import METADATA
from nurture.store.workspace import load_workspace
from tests.store.test_claims import a_worker, claimed_one, intent
from tests.support.outbox_rows import IDENTITY, add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people

ODD = "Привет 'you' \"there\" \\ 🎉 [1]{}"


async def claimed_many(db: Database, people: int) -> tuple[int, list[Claimed]]:
    """A worker's id and its rows."""
    ids = await add_people(db, *[f"p{n}@example.com" for n in range(people)])
    letter, worker = await add_letter(db), await a_worker(db)
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p) for p in ids])
        return worker.id, await claim(tx, letter["lane_id"], worker.id, 512, NOW)


async def test_values_come_back_as_they_were_given(db: Database) -> None:
    worker, row = await claimed_one(db)
    moment = datetime(2026, 3, 2, 23, 59, 59, 7, timezone(timedelta(hours=-5)))
    assert await hand_over(db, [intent(row)], worker.id, moment - timedelta(days=1)) == {row.id}
    async with db.write() as tx:
        await record(tx, [Result(row.id, row.fence, State.DEFERRED, moment, 451, None, ODD, "mx", None, moment, False)])
    (after,) = await the_rows(db)
    assert (after.due_at, after.handed_at) == (moment.astimezone(UTC), moment.astimezone(UTC) - timedelta(days=1))
    assert (after.answer, after.code, after.enhanced, after.outcome, after.attempts) == (ODD, 451, None, None, 0)
    assert after.local_day.isoformat() == "2026-03-02"


async def test_a_claim_reads_what_the_row_holds(db: Database) -> None:
    given = {"data": {"total": 12.5, "words": ODD}}
    (anna,) = await add_people(db, "anna@example.com")
    letter, worker = await add_letter(db), await a_worker(db)
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, anna, closes=None)])
    await set_row(db, (await the_rows(db))[0].id, payload=given, first_try_at=NOW - timedelta(hours=1, microseconds=3), attempts=2)
    async with db.write() as tx:
        (row,) = await claim(tx, letter["lane_id"], worker.id, 512, NOW)
    assert (row.payload, row.first_try_at, row.closes_at, row.attempts) == (given, NOW - timedelta(hours=1, microseconds=3), None, 2)
    assert row.first_try_at is not None
    assert row.first_try_at.utcoffset() == timedelta(0)


async def test_a_claim_of_its_own_takes_what_any_claim_takes(db: Database) -> None:
    people = await add_people(db, *[f"p{n}@example.com" for n in range(4)])
    letter, worker = await add_letter(db), await a_worker(db)
    given = {"data": {"words": ODD}}
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p, due=NOW - timedelta(minutes=n)) for n, p in enumerate(people[:3])])
        await plan_rows(tx, [planned(letter, people[3], due=NOW + timedelta(hours=1))])
    stored = await the_rows(db)
    await set_row(db, stored[0].id, payload=given, first_try_at=NOW - timedelta(hours=1, microseconds=3), attempts=2)
    first = await claim_alone(db, letter["lane_id"], worker.id, 2, NOW)
    second = await claim_alone(db, letter["lane_id"], worker.id, 512, NOW)
    assert first is not None
    assert second is not None
    assert ([row.id for row in first[0]], [row.id for row in second[0]]) == ([stored[2].id, stored[1].id], [stored[0].id])
    assert (first[1], second[1]) == (Mark(IDENTITY, 1), Mark(IDENTITY, 2))
    assert await claim_alone(db, letter["lane_id"], worker.id, 512, NOW) is None
    async with db.read() as tx:
        assert (await load_workspace(tx)).claims == 2, "a claim of nothing is not counted"
    assert [(r.state, r.fence, r.worker_id, r.claimed_at) for r in await the_rows(db)] == [("claimed", 1, worker.id, NOW)] * 3 + [("pending", 0, None, None)]
    async with db.write() as tx:
        await release(tx, [(row.id, row.fence) for row in first[0] + second[0]])
        again = await claim(tx, letter["lane_id"], worker.id, 512, NOW)
    assert [row._replace(fence=1) for row in again] == first[0] + second[0]


async def test_a_claim_of_its_own_is_whole_or_not_at_all(db: Database) -> None:
    (anna,) = await add_people(db, "anna@example.com")
    letter, worker = await add_letter(db), await a_worker(db)
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, anna)])
        await tx.exec_driver_sql("ALTER TABLE workspace RENAME COLUMN claims TO other")  # so the claim cannot be numbered
    with pytest.raises(DBAPIError):
        await claim_alone(db, letter["lane_id"], worker.id, 512, NOW)
    assert [(r.state, r.fence) for r in await the_rows(db)] == [("pending", 0)]


async def test_accepted_by_several_relays_at_once(db: Database) -> None:
    worker, rows = await claimed_many(db, 4)
    await hand_over(db, [intent(row) for row in rows], worker, NOW)
    said = [(250, "2.0.0", "mx1", True), (250, None, "mx2", True), (251, "2.0.0", "mx1", False), (250, "2.0.0", "mx1", True)]
    ends = [Result(row.id, row.fence, State.ACCEPTED, NOW + timedelta(seconds=n), code, enhanced, f"{ODD} {n}", relay, counts_attempt=counts)
            for n, (row, (code, enhanced, relay, counts)) in enumerate(zip(rows, said, strict=True))]  # fmt: skip
    await record_accepted(db, _by_answer(ends))
    after = await the_rows(db)
    assert [(r.state, r.code, r.enhanced, r.relay, r.attempts) for r in after] == [("accepted", c, e, by, int(counts)) for c, e, by, counts in said]
    assert [(r.answer, r.accepted_at) for r in after] == [(f"{ODD} {n}", NOW + timedelta(seconds=n)) for n in range(4)]


async def test_a_batch_with_one_who_left_goes_without_them(db: Database) -> None:
    worker, rows = await claimed_many(db, 5)
    subscribers = METADATA.tables["subscribers"]
    async with db.write() as tx:
        gone = subscribers.update().where(subscribers.c.id == rows[2].subscriber_id).values(status="unsubscribed")
        await tx.execute(gone)
    leaving = await hand_over(db, [intent(row) for row in rows], worker, NOW)
    assert leaving == {row.id for row in rows} - {rows[2].id}
    assert [r.state for r in await the_rows(db)] == ["sending", "sending", "claimed", "sending", "sending"]
    assert await hand_over(db, [intent(row) for row in rows], worker, NOW) == leaving, "asking again hands nothing over twice"


async def test_each_topic_of_a_batch_is_asked(db: Database) -> None:
    worker, rows = await claimed_many(db, 3)
    await add_topic(db, rows[0].subscriber_id)
    both = [intent(rows[0], "roofs"), intent(rows[1], "roofs"), intent(rows[2], "stoves")]
    assert await hand_over(db, both, worker, NOW) == {rows[1].id, rows[2].id}


async def add_topic(db: Database, person: int) -> None:
    subscribers = METADATA.tables["subscribers"]
    async with db.write() as tx:
        await tx.execute(subscribers.update().where(subscribers.c.id == person).values(topics={"roofs": False}))


async def test_an_empty_batch_asks_nothing(db: Database) -> None:
    await record_accepted(db, {})
    assert await hand_over(db, [], 1, NOW) == set()


async def test_every_connection_flushes_its_commits(sqlite_db: Database) -> None:
    """`synchronous` 2 is FULL. Asked in a statement of each kind, so that it is the very connection that commits intents and results."""
    await a_worker(sqlite_db)
    asked = "UPDATE workers SET epoch = (SELECT s.synchronous || ' ' || j.journal_mode FROM pragma_synchronous AS s, pragma_journal_mode AS j)"
    workers = METADATA.tables["workers"]
    for way in ("alone", "write"):
        if way == "alone":
            assert await sqlite_db.alone(asked, ()) == 1
        else:
            async with sqlite_db.write() as tx:
                await tx.exec_driver_sql(asked)
        async with sqlite_db.read() as tx:
            assert (await tx.execute(workers.select())).one().epoch == "2 wal", way


@pytest.mark.postgres
async def test_a_server_that_promises_less_is_asked_to_wait_for_its_disk(postgres_db: Database) -> None:
    async with postgres_db.write() as tx:
        name = (await tx.exec_driver_sql("SELECT current_database()")).scalar_one()
        await tx.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    again = connect(postgres_db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    await a_worker(again)
    assert await again.alone("UPDATE workers SET epoch = current_setting('synchronous_commit')", ()) == 1
    async with again.write() as tx:
        assert (await tx.execute(METADATA.tables["workers"].select())).one().epoch == "on"
        assert (await tx.exec_driver_sql("SHOW synchronous_commit")).scalar_one() == "on"
    await again.close()


async def test_a_statement_alone_is_undone_whole_when_it_fails(db: Database) -> None:
    await a_worker(db)
    await a_worker(db)
    with pytest.raises(IntegrityError):
        await db.alone("UPDATE workers SET seen = 9 + id, id = 1", ())
    assert await db.alone("UPDATE workers SET seen = seen + 1", ()) == 2
    workers = METADATA.tables["workers"]
    async with db.read() as tx:
        assert [row.seen for row in await tx.execute(workers.select())] == [1, 1]


async def test_a_statement_alone_waits_for_another_process(sqlite_db: Database) -> None:
    """SQLite has one writer: a second one waits for its lock instead of failing."""
    await a_worker(sqlite_db)
    other = connect(str(sqlite_db.engine.url).replace("+aiosqlite", ""))
    async with other.write() as tx:
        await tx.exec_driver_sql("UPDATE workers SET seen = 5")
        waiting = asyncio.create_task(sqlite_db.alone("UPDATE workers SET seen = seen + 1", ()))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting == 1
    await other.close()
    workers = METADATA.tables["workers"]
    async with sqlite_db.read() as tx:
        assert (await tx.execute(workers.select())).one().seen == 6


@pytest.mark.postgres
async def test_a_line_that_was_lost_while_nothing_was_said_is_opened_again(postgres_db: Database) -> None:
    db = postgres_db
    await a_worker(db)
    assert await db.alone("UPDATE workers SET seen = 7", ()) == 1
    async with db.write() as tx:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert (await tx.exec_driver_sql(others)).all()
    assert await db.alone("UPDATE workers SET seen = 8", ()) == 1


async def test_the_sending_path_reaches_known_rows_by_their_keys(postgres_db: Database) -> None:
    """Although nobody has counted the rows: the planner would rather read all of them."""
    worker, rows = await claimed_many(postgres_db, 2_000)
    rows = rows[:128]
    lone = postgres_db.lone
    assert isinstance(lone, PostgresLone)
    assert await hand_over(postgres_db, [intent(row) for row in rows], worker, NOW) == {row.id for row in rows}
    given: dict[str, Any] = {"worker": worker, "moment": NOW, "least": NOW}
    asked = [
        _intent(None)._bound(postgres_db.engine.dialect, [intent(row)[:4] for row in rows], given),
        _ACCEPTED._bound(postgres_db.engine.dialect, [(row.id, NOW, "") for row in rows], {"said": 250, "class": None, "by": "", "tries": 1}),
    ]
    for statement, values in asked:
        plan = "\n".join(line for (line,) in await lone.ask("EXPLAIN " + statement, values))
        assert "Index Scan using pk_deliveries on deliveries" in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "ix_deliveries_leased" not in plan, plan


async def test_a_kept_connection_that_cannot_be_set_up_is_let_go(postgres_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error that its callers wait out, as when the server goes away at that moment; the next try opens another."""
    lone = postgres_db.lone
    assert isinstance(lone, PostgresLone)
    with monkeypatch.context() as patch:
        patch.setitem(_ByKeys._SETTINGS, "no_such_setting", "off")
        with pytest.raises(DBAPIError):
            await lone.run("SELECT 1", ())
    pool = postgres_db.engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    assert pool.checkedout() == 0
    ((plan_cache, scan),) = await lone.ask("SELECT current_setting('plan_cache_mode'), current_setting('enable_seqscan')", ())
    assert (plan_cache, scan) == ("force_generic_plan", "off")

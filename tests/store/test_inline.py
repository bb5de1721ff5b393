"""SQLite with fewer hops: BEGIN travels with the first statement, and everything else is as if it had been said at once."""

import asyncio
import contextlib

import pytest
from sqlalchemy import insert, select

from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.support.people import NOW, add_people

_people = METADATA.tables["subscribers"]
_jobs = METADATA.tables["jobs"]


async def test_a_view_stays_as_its_first_statement_saw_it(sqlite_db: Database) -> None:
    await add_people(sqlite_db, "anna@example.com")
    async with sqlite_db.read() as tx:
        first = (await tx.execute(select(_people.c.email))).scalars().all()
        await add_people(sqlite_db, "bert@example.com")
        assert (await tx.execute(select(_people.c.email))).scalars().all() == first == ["anna@example.com"]
    async with sqlite_db.read() as tx:
        assert len((await tx.execute(select(_people.c.email))).all()) == 2


async def test_a_view_that_asked_nothing_leaves_nothing_open(sqlite_db: Database) -> None:
    async with sqlite_db.read():
        pass
    async with sqlite_db.read() as tx:
        driver = (await tx.get_raw_connection()).driver_connection
        assert not driver._conn.in_transaction
        await tx.execute(select(_people.c.id))
        assert driver._conn.in_transaction
    assert not driver._conn.in_transaction


async def test_rows_that_go_in_together_are_undone_together(sqlite_db: Database) -> None:
    async with sqlite_db.engine.connect() as connection:
        await connection.execute(insert(_jobs), [{"job": word, "period": "a", "started_at": NOW} for word in ("one", "two")])
        await connection.rollback()
        assert (await connection.execute(select(_jobs.c.job))).all() == []


async def test_a_look_ends_where_it_stands_and_a_change_in_its_thread_once(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is undone may be much."""
    hops: list[str] = []
    async with sqlite_db.read() as tx:
        driver = (await tx.get_raw_connection()).driver_connection
        hop = driver._execute
        monkeypatch.setattr(driver, "_execute", lambda work, *given: hops.append(work.__name__) or hop(work, *given))
        await tx.execute(select(_people.c.id))
        assert driver._conn.in_transaction
    assert hops == ["_run"]
    assert not driver._conn.in_transaction
    for kept in (False, True):
        hops.clear()
        with contextlib.suppress(ZeroDivisionError):
            async with sqlite_db.write() as tx:
                assert (await tx.get_raw_connection()).driver_connection is driver
                await tx.execute(insert(_jobs), {"job": "one", "period": str(kept), "started_at": NOW})
                assert kept or 1 / 0
        assert hops == ["_run", "_run", "commit" if kept else "rollback"]
        assert not driver._conn.in_transaction
    async with sqlite_db.read() as tx:
        assert (await tx.execute(select(_jobs.c.period))).scalars().all() == ["True"]


async def test_a_statement_that_is_called_off_keeps_nobody_waiting(sqlite_db: Database) -> None:
    """Its thread is still at work on what nobody asks for any more."""
    long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000) SELECT count(*) FROM n"

    async def look() -> None:
        async with sqlite_db.read() as tx:
            await tx.execute(select(_people.c.id))
            await tx.exec_driver_sql(long)

    loop = asyncio.get_running_loop()
    looking = asyncio.create_task(look())
    await asyncio.sleep(0.1)
    looking.cancel()
    longest, ends = 0.0, loop.time() + 0.3
    while (now := loop.time()) < ends:
        await asyncio.sleep(0.005)
        longest = max(longest, loop.time() - now)
    assert longest < 0.2
    with pytest.raises(asyncio.CancelledError):
        await looking

"""SQLite with fewer hops: BEGIN travels with the first statement, and everything else is as if it had been said at once."""

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

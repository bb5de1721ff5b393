"""The database goes away, comes back, is locked, is full: what cannot be recorded is not sent, and nothing is lost or repeated."""

import asyncio
import contextlib
import resource
import sqlite3

import asyncpg
import pytest

from tests.support.household import Household
from tests.support.servers import crash_postgres

on_postgres = pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
on_sqlite = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)


@on_postgres
async def test_connections_that_are_terminated_again_and_again(house: Household) -> None:
    house.sink.script("dot", delay=0.01)
    await house.fill(people=300, lanes=4)
    worker = house.worker()
    connection = await asyncpg.connect(house.url)
    for n in range(1, 9):
        await house.until(lambda n=n: len(house.sink.at_dot) >= 30 * n)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await connection.close()
    await house.until(house.finished)
    await house.stop(worker)
    assert await house.audit(kills=0) == {}


@on_postgres
async def test_a_server_that_crashes_and_comes_back(house: Household) -> None:
    """Away for longer than a lease may be silent: nobody could renew it, so nobody lost it."""
    house.sink.script("dot", delay=0.1)
    await house.fill(people=120)
    workers = [house.worker(), house.worker()]
    await house.until(lambda: len(house.sink.at_dot) >= 20)
    await crash_postgres(house.url, away=2)
    await house.until(house.finished)
    await house.stop(*workers)
    assert await house.audit(kills=0) == {}
    assert not house.reaped(), house.told()


@on_sqlite
async def test_a_database_that_another_process_locks_for_seconds(house: Household) -> None:
    house.sink.script("dot", delay=0.05)
    await house.fill(people=120)
    workers = [house.worker(), house.worker()]
    await house.until(lambda: len(house.sink.at_dot) >= 10)
    other = sqlite3.connect(house.folder / "nurture.db", isolation_level=None)
    other.execute("PRAGMA busy_timeout=5000")
    other.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(1)
    stands = len(house.sink.at_dot)
    await asyncio.sleep(1.5)
    assert len(house.sink.at_dot) == stands, "what cannot be recorded is not sent"
    other.execute("COMMIT")
    other.close()
    await house.until(house.finished, 20)
    await house.stop(*workers)
    assert await house.audit(kills=0) == {}
    assert not house.reaped(), house.told()


@on_sqlite
async def test_a_full_disk_stops_sending_until_there_is_room(house: Household) -> None:
    """The worker's own limit on the size of files stands for a disk without room: it needs no rights, and every write fails alike."""
    house.sink.script("dot", delay=0.05)
    await house.fill(people=120)
    worker = house.worker()
    await house.until(lambda: len(house.sink.at_dot) >= 10)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    await asyncio.sleep(1)
    stands = len(house.sink.at_dot)
    await asyncio.sleep(1)
    assert len(house.sink.at_dot) == stands, "what cannot be recorded is not sent"
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert worker.code() is None, house.told()
    await house.until(house.finished, 30)
    await house.stop(worker)
    assert await house.audit(kills=0) == {}
    with contextlib.closing(sqlite3.connect(house.folder / "nurture.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

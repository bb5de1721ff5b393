"""What stands around the database: Redis, the clock, a restored backup, a folder that cannot be written."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
import redis

from nurture.bootstrap import App, open_app, utc_now
from nurture.settings import load_settings
from nurture.worker import accept_past, run_worker
from tests.support.household import Household
from tests.support.servers import RedisServer

on_sqlite = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@on_postgres
@pytest.mark.redis
async def test_redis_killed_flushed_started_anew_and_stunned(house: Household, redis_server: RedisServer) -> None:
    house.more["NURTURE_REDIS_URL"] = redis_server.url
    house.sink.script("dot", delay=0.03)
    await house.fill(people=100, letters=3, lanes=4)  # there is something to plan in every moment
    workers = [house.worker(), house.worker()]
    await house.until(lambda: len(house.sink.at_dot) >= 20)
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        client.flushall()
    await house.until(lambda: len(house.sink.at_dot) >= 40)
    redis_server.kill()
    await house.until(lambda: len(house.sink.at_dot) >= 65)
    redis_server.start()
    await house.until(lambda: len(house.sink.at_dot) >= 90)
    assert redis_server.process
    redis_server.process.send_signal(signal.SIGSTOP)  # connections stand open, and nothing is answered
    try:
        await house.until(house.finished, 40)
        await house.stop(*workers)
    finally:
        redis_server.process.send_signal(signal.SIGCONT)
    assert await house.audit(kills=0) == {}


class Steps:
    """The real time, and what somebody did to the clock."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.off


async def step_the_clock(app: App, house: Household, clock: Steps) -> None:
    await house.until(lambda: len(house.sink.at_dot) >= 5)
    clock.off = timedelta(seconds=30)
    await house.until(lambda: len(house.sink.at_dot) >= 15)
    assert not await house.halted(), "a step of half a minute is no jump"
    for step in (timedelta(days=1), timedelta(hours=-1)):
        clock.off = step
        await house.until(house.halted)
        await house.until(house.nothing_in_hand)
        stands = len(house.sink.at_dot)
        await asyncio.sleep(1)
        assert len(house.sink.at_dot) == stands
        assert "clock of this machine jumped" in (await house.halted() or "")
        clock.off = timedelta(0)
        assert await accept_past(app)
        await house.until(lambda stands=stands: len(house.sink.at_dot) >= stands + 10)
        assert not await house.halted(), "it was set right"
    await house.until(house.finished)


@on_sqlite
async def test_a_clock_that_steps_stops_everything_until_it_is_set_right(house: Household) -> None:
    clock, stop = Steps(), asyncio.Event()
    house.sink.script("dot", delay=0.1)
    await house.fill(people=120)
    async with open_app(load_settings(house.settings), clock) as app:
        working = asyncio.create_task(run_worker(app, stop))
        try:
            await step_the_clock(app, house, clock)
        finally:
            stop.set()
            await working
    assert await house.audit(kills=0) == {}
    assert not [row.id for row in await house.rows() if row.dup_risk]


@on_sqlite
async def test_a_restored_backup_sends_nothing_until_somebody_says_so(house: Household) -> None:
    house.sink.script("dot", delay=0.03)
    await house.fill(people=60)
    worker = house.worker()
    await house.until(lambda: len(house.sink.at_dot) >= 10)
    backup = house.folder / "backup.db"
    with closing(sqlite3.connect(house.folder / "nurture.db")) as live, closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    await house.until(house.finished)
    await house.stop(worker)
    await house.db.close()
    backup.replace(house.folder / "nurture.db")

    stands = len(house.sink.at_dot)
    again = house.worker()
    await house.until(house.halted)
    await asyncio.sleep(1.5)
    assert len(house.sink.at_dot) == stands
    assert "restored backup" in (await house.halted() or "")
    assert house.worker(arguments=["resume"]).wait() == 0
    await house.until(house.finished)
    await house.stop(again)
    assert set(house.sink.people) == {f"p{n}@example.com" for n in range(60)}
    assert all(len(ids) == 1 for ids in house.sink.ids_of().values()), "the copies carry the Message-ID of the first"


@on_sqlite
async def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(house: Household) -> None:
    await house.fill(people=3)
    await house.db.close()
    refused = house.worker(read_only=str(house.folder))
    assert refused.wait() == 1, house.told()
    told = house.log.read_text().splitlines()
    assert len(told) == 1, told
    assert str(house.folder) in told[0]
    assert not house.sink.at_dot

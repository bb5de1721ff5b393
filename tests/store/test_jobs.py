"""Runs of periodic jobs, on both databases."""

import asyncio
from datetime import datetime, timedelta

from nurture.store import jobs
from nurture.store.database import Database, connect
from tests.support.people import NOW


async def test_one_worker_runs_a_job_once_in_a_period(db: Database, db_url: str) -> None:
    others = [connect(db_url) for _ in range(4)]

    async def ask(mine: Database) -> bool:
        async with mine.write() as tx:
            return await jobs.claim(tx, "classify", "2026-W10", NOW)

    assert sum(await asyncio.gather(*[ask(o) for o in others])) == 1
    for other in others:
        await other.close()
    async with db.write() as tx:
        assert await jobs.claim(tx, "classify", "2026-W11", NOW)
        assert await jobs.claim(tx, "fold", "2026-W10", NOW)
        assert not await jobs.claim(tx, "classify", "2026-W10", NOW)


async def test_a_run_that_died_is_done_again_and_one_that_ended_is_not(db: Database) -> None:
    soon, late = NOW + jobs.ABANDONED, NOW + jobs.ABANDONED + timedelta(seconds=1)
    async with db.write() as tx:
        await jobs.claim(tx, "classify", "w", NOW)
        assert not await jobs.claim(tx, "classify", "w", soon)
        assert await jobs.claim(tx, "classify", "w", late)
        await jobs.finish(tx, "classify", "w", late, {"new": 3})
        assert not await jobs.claim(tx, "classify", "w", late + timedelta(days=9))
        await jobs.claim(tx, "fold", "w", NOW)
        await jobs.release(tx, "fold", "w")
        assert await jobs.claim(tx, "fold", "w", NOW)


async def test_a_turn_comes_once_in_each_span_to_whoever_asks_first(db: Database, db_url: str) -> None:
    others = [connect(db_url) for _ in range(4)]
    span = timedelta(minutes=5)

    async def ask(mine: Database, now: datetime) -> bool:
        async with mine.write() as tx:
            return await jobs.turn(tx, "ask all", now, span)

    for now in (NOW, NOW + span, NOW + 3 * span, NOW - 9 * span):
        assert sum(await asyncio.gather(*[ask(o, now) for o in others])) == 1, now
    assert not await ask(db, NOW - 9 * span + span / 2)
    for other in others:
        await other.close()

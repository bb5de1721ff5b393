"""Keep what must be kept and forget the rest: months of events made ahead, old details emptied, old hits of machines dropped.

Every step is a short transaction that may be broken off and done again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.store import idempotency, jobs, retention, webhooks
from nurture.store.database import Database
from nurture.store.dialect_parts import START, Forgetting, Part, PartBusy, Place, forget, make_months

REST = 0.002  # seconds between two transactions, so that other writers get their turn


@dataclass(frozen=True, slots=True)
class Kept:
    """How long each thing is kept; None: for ever. `details`: addresses and agents of hits; `hits`: those that no person made, or nobody
    can tell; `words`: of service letters; `ways`: through occasions of campaigns, after their end.
    """

    details: timedelta | None
    hits: timedelta | None
    words: timedelta | None
    ways: timedelta | None = None


async def keep(db: Database, now: datetime, kept: Kept, go_on: Callable[[], bool] = lambda: True) -> list[str]:
    """One round; returns the parts of events and the campaigns that were gone through. A part that others use for long is left to the
    next round.
    """
    try:
        async with db.write() as tx:
            await make_months(tx, now)
    except PartBusy:
        return []
    await _words(db, now, kept)
    done: list[str] = []
    for job, span, what in (
        (retention.DROPPED, kept.hits, retention.HITS_OF_NOBODY), (retention.EMPTIED, kept.details, retention.ADDRESSES),
    ):  # fmt: skip
        if span is None:
            continue
        async with db.read() as tx:
            due = await retention.parts_due(tx, job, now - span)
        done += [f"{job}: {part.name}" for part in due if go_on() and await _go_through(db, now, job, part, what)]
    return done + (await _clear_ways(db, now, now - kept.ways, go_on) if kept.ways is not None else [])


async def _clear_ways(db: Database, now: datetime, before: datetime, go_on: Callable[[], bool]) -> list[str]:
    """All ways that ended before the moment, campaign by campaign; each by the one worker that gets it."""
    async with db.read() as tx:
        due = await retention.occasions_due(tx, before)
    done = []
    for period, campaign in due.items():
        async with db.write() as tx:
            mine = go_on() and await jobs.claim(tx, retention.CLEARED, period, now)
        if not mine:
            continue
        place: int | None = 0
        while place is not None and go_on():
            async with db.write() as tx:
                place = await retention.clear_ways(tx, campaign, before, place)
            await asyncio.sleep(REST)
        async with db.write() as tx:
            await (jobs.finish(tx, retention.CLEARED, period, now) if place is None else jobs.release(tx, retention.CLEARED, period))
        done += [f"{retention.CLEARED}: {period}"] if place is None else []
    return done


async def _go_through(db: Database, now: datetime, job: str, part: Part, what: Forgetting) -> bool:
    """By the one worker that gets the part; False where another has it, or somebody reads it for too long."""
    async with db.write() as tx:
        if not await jobs.claim(tx, job, part.name, now):
            return False
    place: Place | None = START
    try:
        while place is not None:
            async with db.write() as tx:
                place = await forget(tx, part, what, place)
                if place is None:
                    await jobs.finish(tx, job, part.name, now)
            await asyncio.sleep(REST)
    except BaseException as error:
        async with db.write() as tx:
            await jobs.release(tx, job, part.name)
        if isinstance(error, PartBusy):
            return False
        raise
    return True


async def _words(db: Database, now: datetime, kept: Kept) -> None:
    async with db.write() as tx:
        await idempotency.purge(tx, now)
        await retention.purge_traces(tx, now)
    while True:
        async with db.write() as tx:
            gone = await webhooks.purge(tx, now) == webhooks.AT_ONCE
            if kept.words is not None:
                gone |= await retention.empty_words(tx, now - kept.words) == retention.AT_ONCE
        if not gone:
            return
        await asyncio.sleep(REST)

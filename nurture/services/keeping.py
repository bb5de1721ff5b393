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
    can tell; `words`: of service letters.
    """

    details: timedelta | None
    hits: timedelta | None
    words: timedelta | None


async def keep(db: Database, now: datetime, kept: Kept, go_on: Callable[[], bool] = lambda: True) -> list[str]:
    """One round; returns the parts of events that were gone through. A part that others use for long is left to the next round."""
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

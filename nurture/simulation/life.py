"""Time passing over a database: the services of production, driven from one due moment to the next on a virtual clock.

Letters that are due within one span are claimed together, as a worker would claim a batch; the sink takes each at the moment it was due.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.services.classifying import classify_weekly, rise
from nurture.services.enrolling import enrol_matching
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.returns import Returns
from nurture.store.chronicle import Due, Taken, due_next, taken
from nurture.store.database import Database
from nurture.store.standings import next_look

CLOSING = timedelta(seconds=15)  # an intent needs ten seconds of its window
LOOKS = timedelta(hours=6)  # looks lie 36 hours ahead of their letters, so they may be gathered
RETRY = timedelta(minutes=15)  # when a letter that was due did not leave
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass
class Life:
    """One run of time over `db`. `send` sends what is due through `sink`; `heard` is told of the letters that were accepted.

    `span`: how long letters may be gathered into one batch.
    """

    db: Database
    clock: Clock
    sink: Sink
    returns: Returns
    send: Callable[[], Awaitable[object]]
    heard: Callable[[Sequence[Taken]], None]
    span: timedelta = timedelta(hours=2)
    _tried: frozenset[int] = frozenset()

    async def week(self, end: datetime) -> None:
        """Live until `end`, then judge everybody: the weekly run."""
        await self.until(end)
        await classify_weekly(self.db, end)

    async def until(self, end: datetime) -> None:
        """Live until `end`; the clock then stands there."""
        day = self.clock.now
        while True:
            due = await self._due()
            moment = min(await self._next(due), day + DAY)
            if moment >= end:
                break
            await self._tick(due, moment)
            if moment >= day + DAY:
                day = await self._night(moment)
        self.clock.now = end
        await self._catch_up(end)

    async def begin(self) -> None:
        """Plan the first letters."""
        await enrol_matching(self.db, self.clock.now)
        await plan(self.db, self.clock.now)

    async def _due(self) -> list[Due]:
        async with self.db.read() as tx:
            return await due_next(tx, self.span)

    async def _next(self, due: list[Due]) -> datetime:
        """The end of the next batch, or the next look when that comes first."""
        async with self.db.read() as tx:
            look = await next_look(tx)
        fresh = [row for row in due if row.id not in self._tried]
        stuck = self.clock.now + RETRY if len(fresh) < len(due) else None
        moments = [m for m in (batch_end(fresh, self.span), stuck, look and max(look, self.clock.now) + LOOKS) if m]
        return max(self.clock.now, min(moments, default=self.clock.now + DAY))

    async def _tick(self, due: list[Due], moment: datetime) -> None:
        self.clock.now = moment
        if await self.returns.arrive(self.db, moment):
            await fold(self.db, moment)
            await plan(self.db, moment)  # who bought may be out of a sequence before the next letter
        if due and due[0].due_at <= moment:
            self.sink.moments = {row.id: row.due_at for row in due if row.due_at <= moment}
            self._tried = frozenset(self.sink.moments)
            await self.send()
            await self._hear()
            await fold(self.db, moment)
        await plan(self.db, moment)

    async def _hear(self) -> None:
        async with self.db.read() as tx:
            letters = await taken(tx, self.sink.accepted)
        self.sink.accepted.clear()
        self.returns.hear(letters)
        self.heard(letters)

    async def _night(self, moment: datetime) -> datetime:
        """Once a day: who rose by yesterday's signs, who came to match an audience."""
        await self._catch_up(moment)
        if await enrol_matching(self.db, moment):
            await plan(self.db, moment)
        return moment

    async def _catch_up(self, now: datetime) -> None:
        await self.returns.arrive(self.db, now)
        await fold(self.db, now)
        await rise(self.db, now, now - 2 * DAY)
        await plan(self.db, now)


def batch_end(due: Sequence[Due], span: timedelta) -> datetime | None:
    """The due moment of the last letter that can wait for no other's window to close: all up to it are sent together."""
    if not due:
        return None
    limit = due[0].due_at + span
    end = due[0].due_at
    for row in due:
        if row.due_at > limit:
            break
        end = row.due_at
        if row.closes_at is not None:
            limit = min(limit, max(end, row.closes_at - CLOSING))
    return end

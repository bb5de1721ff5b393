"""Time passing over a database: the services of production, driven from one due moment to the next on a virtual clock.

Letters that are due within one span are claimed together, as a worker would claim a batch; the sink takes each at the moment it was due.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from nurture.domain.drawing import SAMPLE, Item
from nurture.services.campaigning import close_occasions, open_occasions
from nurture.services.campaigning.drawing import Sources, draw_due
from nurture.services.campaigning.judging import decide_tests
from nurture.services.classifying import classify_weekly, rise_since
from nurture.services.cleaning import clean
from nurture.services.ending import end_arrived
from nurture.services.enrolling import enrol_matching
from nurture.services.folding import fold
from nurture.services.learning import learn_hours
from nurture.services.planning import plan
from nurture.services.reacting import react
from nurture.shipped import shipped
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.movers import Move, move_people
from nurture.simulation.returns import Returns
from nurture.store.agenda import next_look
from nurture.store.chronicle import Due, Taken, due_next, opens_next, taken
from nurture.store.database import Database

CLOSING = timedelta(seconds=15)  # an intent needs ten seconds of its window
CLEANED_EVERY = timedelta(hours=4)  # while a cleanup runs
RETRY = timedelta(minutes=15)  # when a letter that was due did not leave
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
_looks = count()


async def _invented_items(url: str) -> Sequence[Item]:
    """Something new at every look: what a feed will say nobody knows, that it says something is what is simulated."""
    look = next(_looks)
    return [item.model_copy(update={"key": f"{url} {look} {item.key}"}) for item in SAMPLE]


SOURCES = Sources(shipped("templates"), _invented_items)


@dataclass
class Life:
    """One run of time over `db`. `send` sends what is due through `sink`; `heard` is told of the letters that were accepted.

    `span`: how long letters may be gathered into one batch; `patience`: how long folding and planning may wait. Both are well under the
    gap between two letters of one person, so that nobody's next letter is planned too late. `coming`: who will move, the first one last;
    `moved`: who did, each told at midnight UTC. `cleaning`: a cleanup was started, which is led on every four hours.
    """

    db: Database
    clock: Clock
    sink: Sink
    returns: Returns
    send: Callable[[], Awaitable[object]]
    heard: Callable[[Sequence[Taken]], None]
    span: timedelta
    patience: timedelta
    coming: list[Move] = field(default_factory=list)
    moved: list[Move] = field(default_factory=list)
    cleaning: bool = False
    _tried: frozenset[int] = frozenset()
    _planned: datetime | None = None
    _news: bool = False
    _swept: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._swept = self.clock.now

    async def week(self, end: datetime) -> None:
        """Live until `end`, then judge everybody: the weekly run."""
        await self.until(end)
        await classify_weekly(self.db, end)
        await learn_hours(self.db, end)

    async def until(self, end: datetime) -> None:
        """Live until `end`; the clock then stands there."""
        night = self.clock.now + DAY
        while True:
            due = await self._due()
            desk = await self._desk()
            opening = await self._opening()
            sweep = self._swept + CLEANED_EVERY if self.cleaning else None
            moment = min(m for m in (self._departure(due), desk, opening, sweep, night) if m)
            if moment >= end:
                break
            self.clock.now = moment
            await self._depart(due)
            if opening and moment >= opening:
                await self.begin()
            if (desk and moment >= desk) or (sweep and moment >= sweep):
                await self._catch_up()
            if moment >= night:
                night = moment + DAY
                await self._night()
        self.clock.now = end
        await self._night()

    async def begin(self) -> None:
        """Let rules act, end the ways that have reached their goal, take in who came to match an audience and the people of campaigns whose
        day has come, and plan their letters.
        """
        await react(self.db, self.clock.now)
        await end_arrived(self.db, self.clock.now)
        await enrol_matching(self.db, self.clock.now)
        await draw_due(self.db, SOURCES, self.clock.now)
        await decide_tests(self.db, self.clock.now)
        await open_occasions(self.db, self.clock.now)
        await self._clean()
        await plan(self.db, self.clock.now)

    async def _clean(self) -> None:
        if self.cleaning:
            await clean(self.db, self.clock.now, every=timedelta(0))
            self._swept = self.clock.now

    async def _opening(self) -> datetime | None:
        """When the next occasion of a campaign begins."""
        async with self.db.read() as tx:
            opens = await opens_next(tx)
        return max(opens, self.clock.now) if opens else None

    async def _due(self) -> list[Due]:
        async with self.db.read() as tx:
            return await due_next(tx, self.span)

    def _departure(self, due: Sequence[Due]) -> datetime | None:
        """When the next batch is complete. Letters that were due and did not leave are tried again later."""
        fresh = [row for row in due if row.id not in self._tried]
        again = self.clock.now + RETRY if len(fresh) < len(due) else None
        found = [m for m in (batch_end(fresh, self.span), again) if m]
        return max(self.clock.now, min(found)) if found else None

    async def _desk(self) -> datetime | None:
        """When folding and planning are next worth their while."""
        async with self.db.read() as tx:
            look = await next_look(tx)
        wanted = [m for m in (look, self.returns.first(), self.clock.now if self._news else None) if m]
        earliest = self._planned + self.patience if self._planned else self.clock.now
        return max(min(wanted), earliest, self.clock.now) if wanted else None

    async def _depart(self, due: Sequence[Due]) -> None:
        """Send what is due. Who has just bought or left gets nothing that the purchase or the leaving forbids."""
        now = self.clock.now
        if await self.returns.acts(self.db, now):
            await self._catch_up()
        if not due or due[0].due_at > now:
            return
        self.sink.moments = {row.id: row.due_at for row in due if row.due_at <= now}
        self._tried = frozenset(self.sink.moments)
        await self.send()
        async with self.db.read() as tx:
            letters = await taken(tx, self.sink.accepted)
        self.sink.accepted.clear()
        self.returns.hear(letters)
        self.heard(letters)
        self._news = True

    async def _catch_up(self) -> None:
        """Bring everything that came back into the standings, and plan whom it concerns."""
        now = self.clock.now
        await self.returns.hits(self.db, now)
        await self.returns.acts(self.db, now)
        signs: set[int] = set()
        await fold(self.db, now, signs=signs)
        await react(self.db, now)
        await end_arrived(self.db, now, signs)
        await self._clean()
        await plan(self.db, now)
        self._planned, self._news = now, False

    async def _night(self) -> None:
        """Once a day: who moved, who rose by yesterday's signs, who came to match an audience."""
        await self._move()
        await self._catch_up()
        await rise_since(self.db, self.clock.now, self.clock.now - 2 * DAY)
        await self.begin()
        await close_occasions(self.db, self.clock.now)

    async def _move(self) -> None:
        """Letters that were due before somebody moved go first: their dates are fixed in the zone of that moment."""
        now, today = self.clock.now, []
        while self.coming and self.coming[-1].at <= now:
            today.append(replace(self.coming.pop(), at=now))
        if today:
            await self._depart(await self._due())
            await move_people(self.db, today, now)
            self.moved += today


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

"""The jobs of a worker beside sending: each is an idempotent sweep that claims its work in the database."""

import asyncio
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from nurture.bootstrap import App
from nurture.campaigndesk import sources_of
from nurture.replydigest import send_reply_digest
from nurture.services.calling import call_due
from nurture.services.campaigning import close_occasions, open_occasions
from nurture.services.campaigning.drawing import draw_due
from nurture.services.campaigning.judging import decide_tests
from nurture.services.classifying import classify_weekly, rise, rise_since
from nurture.services.cleaning import clean
from nurture.services.ending import end_arrived
from nurture.services.enrolling import enrol_matching
from nurture.services.folding import fold
from nurture.services.keeping import Kept, keep
from nurture.services.learning import learn_hours
from nurture.services.planning import plan
from nurture.services.publishing import publish
from nurture.services.reacting import react
from nurture.services.reaping import Watcher, reap
from nurture.services.sending import Desk, sweep_stopped_lanes
from nurture.store import jobs
from nurture.weekly import send_digest, tidy_once, week_of
from nurture.worker.clock import ClockWatch, clock_holds

SWEEPS_OF_A_CLEANUP = 3  # it is led on in each so manieth sweep: every 15 s
SIGNS_SINCE = timedelta(days=2)  # how far back a fresh worker looks for signs that raise somebody
ASK_ALL_EVERY = timedelta(minutes=5)
CHANGED_WITHIN = timedelta(minutes=2)
log = structlog.get_logger("nurture.worker")


class Rings(Protocol):
    """What a job needs of the bell: to call another."""

    async def ring(self, name: str) -> None: ...


@dataclass(slots=True)
class Work:
    """The jobs of one worker process."""

    app: App
    stop: asyncio.Event
    bell: Rings
    watcher: Watcher
    clock: ClockWatch
    signs_since: datetime | None  # judge once more whoever gave a sign since
    ask_all_at: datetime | None = None

    async def asks_all(self, now: datetime) -> bool:
        """Whether this sweep goes through the whole list, for conditions about events and time: every few minutes one worker's does."""
        if self.ask_all_at is not None and now < self.ask_all_at:
            return False
        async with self.app.db.write() as tx:
            mine = await jobs.turn(tx, "ask all", now, ASK_ALL_EVERY)
        self.ask_all_at = now + (ASK_ALL_EVERY if mine else ASK_ALL_EVERY / 5)
        return mine

    async def react(self, now: datetime, signs: set[int], whole: bool) -> None:
        """Rules first, then the ends of ways, those of people with news in every sweep and all of them with the whole list."""
        reacted = await react(self.app.db, now)
        ended = await (end_arrived(self.app.db, now) if whole else end_arrived(self.app.db, now, signs, now - CHANGED_WITHIN))
        if reacted.acted or reacted.undone or ended:
            log.info("reacted", ended=ended, **asdict(reacted))
        if reacted.told or reacted.acted or reacted.undone:
            await self.bell.ring("call")

    async def call(self) -> None:
        """Webhooks that are due, until none is."""
        settings = self.app.settings
        called = await call_due(self.app.db, self.app.keys, self.app.clock, loopback=settings.webhooks_to_loopback, go_on=self.goes_on)
        if called:
            log.info("webhooks", **called)

    def goes_on(self) -> bool:
        return not self.stop.is_set()

    async def draw(self) -> None:
        """What occasions wait for: letters from a folder or a feed, and winners; apart from planning, which never waits for the net."""
        if not await clock_holds(self.app, self.clock):
            return
        for sentence in await draw_due(self.app.db, sources_of(self.app), self.app.clock()):
            log.info("drawn", said=sentence)
            await self.bell.ring("plan")
        for sentence in await decide_tests(self.app.db, self.app.clock()):
            log.info("decided", said=sentence)
            await self.bell.ring("plan")

    async def plan(self) -> None:
        """Always in this order: what came back is folded before anybody is planned."""
        if not await clock_holds(self.app, self.clock):
            return
        db, now = self.app.db, self.app.clock()
        signs: set[int] = set()
        folded = await fold(db, now, signs=signs)
        moved = await rise(db, now, signs)
        if folded is None:
            return  # the worker that folds plans too; who joins it here would only pass over all whose news waits
        since, self.signs_since = self.signs_since, None
        if since:  # a run before this one may have ended between the two
            moved += await rise_since(db, now, since)
        whole = await self.asks_all(now)
        await self.react(now, signs, whole)
        enrolled = await enrol_matching(db, now, changed_since=None if whole else now - CHANGED_WITHIN) + await open_occasions(db, now)
        cleaned = await clean(db, now, every=self.app.settings.sweep * SWEEPS_OF_A_CLEANUP)
        if cleaned.news:
            log.info("cleaned", **asdict(cleaned))
        planned = await plan(db, now, rate=self.app.settings.smtp_rate, warm_up=self.app.settings.warm_up)
        if moved or enrolled or planned.people:
            log.info("planned", moved=moved, enrolled=enrolled, people=planned.people, **planned.counts)
        if planned.people:
            await self.bell.ring("send")

    async def reap(self) -> None:
        if not await clock_holds(self.app, self.clock):
            return
        settings = self.app.settings
        done = await reap(
            self.app.db, self.watcher, self.app.clock(), time.monotonic, grace=settings.unknown_grace, policy=settings.unknown_policy
        )
        words = {word: count for word, count in asdict(done).items() if count}
        if words:
            log.warning("reaped", **words)
        if done.workers:  # it may have died between folding and judging
            self.signs_since = self.app.clock() - SIGNS_SINCE

    async def classify(self) -> None:
        """Once in a calendar week, by whichever worker comes first."""
        if not await clock_holds(self.app, self.clock):
            return
        now = self.app.clock()
        period = week_of(now)
        async with self.app.db.write() as tx:
            mine = await jobs.claim(tx, "classify", period, now)
        if not mine:
            return
        try:
            counts = await classify_weekly(self.app.db, now)
            await learn_hours(self.app.db, now)
        except BaseException:
            async with self.app.db.write() as tx:
                await jobs.release(tx, "classify", period)
            raise
        found = {str(word): count for word, count in counts.items()}
        async with self.app.db.write() as tx:
            await jobs.finish(tx, "classify", period, self.app.clock(), found)
        log.info("classified", week=period, **found)

    async def weekly(self) -> None:
        """Classes first, since what is proposed and told goes by them."""
        await self.classify()
        if not await clock_holds(self.app, self.clock):
            return
        tidied = await tidy_once(self.app)
        if tidied:
            log.info("tidied", purged=tidied.purged, unreachable=tidied.unreachable, proposals=tidied.opened)
        if letters := await send_digest(self.app):
            log.info("digest", letters=letters)

    async def tidy(self) -> None:
        if not await clock_holds(self.app, self.clock):
            return
        now = self.app.clock()
        await sweep_stopped_lanes(self.app.db, Desk(), now, self.app.settings.warm_up)
        await close_occasions(self.app.db, now)
        if published := await publish(self.app.db, now, self.app.settings.base_url):
            log.info("published", pages=published)
        await send_reply_digest(self.app)
        settings = self.app.settings
        kept = Kept(settings.keep_details, settings.keep_hits, settings.keep_words, settings.keep_ways)
        if done := await keep(self.app.db, now, kept, self.goes_on):
            log.info("forgotten", parts=done)

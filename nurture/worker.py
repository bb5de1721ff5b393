"""The worker: strings the services together as jobs under a bell. No rule lives here; every job is an idempotent sweep."""

import asyncio
import contextlib
import gc
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from nurture.bootstrap import App
from nurture.mail.relay import SmtpRelay
from nurture.mailroom import Mailroom
from nurture.services.calling import call_due
from nurture.services.campaigning import close_occasions, open_occasions
from nurture.services.classifying import classify_weekly, rise, rise_since
from nurture.services.cleaning import clean
from nurture.services.ending import end_arrived
from nurture.services.enrolling import enrol_matching
from nurture.services.folding import fold
from nurture.services.keeping import Kept, keep
from nurture.services.learning import learn_hours
from nurture.services.planning import plan
from nurture.services.reacting import react
from nurture.services.reaping import Watcher, reap
from nurture.services.sending import Desk, SendingRules, send_due, sweep_stopped_lanes
from nurture.store import jobs
from nurture.store.claims import last_hand_off
from nurture.store.mark import Mark, behind, read_mark, write_mark
from nurture.store.results import release_worker
from nurture.store.throttles import open_throttles
from nurture.store.workers import WorkerLease, beat, end, enlist, newest_start
from nurture.store.workspace import halt, load_workspace

SERVICE_IN_FLIGHT = 16  # of NURTURE_IN_FLIGHT, kept for service letters
CLOCK_OFF = timedelta(minutes=2)
TIDY_SECONDS = 60.0
POST_SECONDS = 60.0
CLASSIFY_SECONDS = 3600.0
SWEEPS_OF_A_CLEANUP = 3  # it is led on in each so manieth sweep: every 15 s
SIGNS_SINCE = timedelta(days=2)  # how far back a fresh worker looks for signs that raise somebody
ASK_ALL_EVERY = timedelta(minutes=5)
CHANGED_WITHIN = timedelta(minutes=2)
log = structlog.get_logger("nurture.worker")


class Bell(Protocol):
    """The embedded one or the one over Redis; one contract suite holds both."""

    def every(self, name: str, seconds: float, action: Callable[[], Awaitable[object]]) -> None: ...
    async def ring(self, name: str) -> None: ...
    async def wait(self, stop: asyncio.Event) -> None: ...
    async def close(self) -> None: ...


@dataclass(slots=True)
class Hand:
    """One lease with the desk that goes with it. It may write to the wire while its renewal is younger than two thirds of the silence."""

    app: App
    lanes: Literal["service", "others"]
    stop: asyncio.Event
    clock: "ClockWatch"
    desk: Desk = field(default_factory=Desk)
    lease: WorkerLease | None = None
    renewed: float = 0.0

    def holds(self) -> bool:
        limit = self.app.settings.lease_silence.total_seconds() * 2 / 3
        return self.lease is not None and steady_clock() - self.renewed < limit

    def may_go_on(self) -> bool:
        return not self.stop.is_set() and self.holds() and not self.clock.off(self.app.clock(), steady_clock())

    async def enlisted(self) -> WorkerLease:
        if self.lease is None:
            asked = steady_clock()
            async with self.app.db.write() as tx:
                self.lease = await enlist(tx, secrets.token_hex(8), self.app.clock())
            self.renewed = asked
        return self.lease

    async def beat(self) -> None:
        """Renew. A lease that somebody ended is gone; the next sweep enlists anew."""
        if self.lease is None:
            return
        asked = steady_clock()
        async with self.app.db.write() as tx:
            alive = await beat(tx, self.lease.id)
        if alive:
            self.renewed = asked
        else:
            log.warning("the lease was lost; this worker enlists anew", worker=self.lease.id)
            self.lease = None

    async def retire(self) -> None:
        """Orderly: what is claimed goes back, the lease ends."""
        if self.lease is not None:
            async with self.app.db.write() as tx:
                returned = await release_worker(tx, self.lease.id)
                await end(tx, self.lease.id, self.app.clock())
            log.info("worker stopped", worker=self.lease.id, returned=returned)

    def rules(self) -> SendingRules:
        settings, service = self.app.settings, self.lanes == "service"
        relay = self.app.relay if isinstance(self.app.relay, SmtpRelay) else None
        reserved = min(SERVICE_IN_FLIGHT, max(1, settings.in_flight // 2))
        return SendingRules(
            base_url=settings.base_url, captures=self.app.captures, rate=settings.smtp_rate,
            domain_rates=settings.domain_rates, warm_up=settings.warm_up, unknown_grace=settings.unknown_grace,
            in_flight=reserved if service else max(1, settings.in_flight - reserved),
            connections=1 if service else max(1, settings.smtp_connections - 1),
            mark_folder=settings.data_dir, lanes=self.lanes, signer=self.app.dkim.signer,
            idempotency_header=settings.smtp_idempotency_header,
            relays=relay.names if relay else (), avoid=relay.avoid if relay else lambda _names: None,
            bounce_domain=settings.bounce_domain,
        )  # fmt: skip

    async def send(self) -> None:
        if not self.stop.is_set() and await clock_holds(self.app, self.clock):
            sent = await send_due(
                self.app.db, self.app.relay, await self.enlisted(), self.rules(), self.app.keys, self.app.clock, self.desk, self.may_go_on,
                self.holds,
            )  # fmt: skip
            if sent.counts.total():
                log.info("sent", lanes=self.lanes, **{word: count for word, count in sent.counts.items() if count})


@dataclass(slots=True)
class ClockWatch:
    """Holds the wall clock against one that only goes forward; a jump stops everything, since windows and gaps would be wrong.

    Told once: after `nurture resume` the new time counts. A clock that comes back to where it was has been set right, which is no jump:
    whoever sets it and resumes at once would be halted again.
    """

    wall: datetime
    steady: float
    told: timedelta = timedelta(0)

    def _strayed(self, wall: datetime, steady: float) -> timedelta:
        return (wall - self.wall) - timedelta(seconds=steady - self.steady)

    def off(self, wall: datetime, steady: float) -> bool:
        """It has jumped, and nobody was told yet. Asked before every claim: by a wrong clock windows are missed and letters expire."""
        strayed = self._strayed(wall, steady)
        return abs(strayed) >= CLOCK_OFF and abs(strayed - self.told) >= CLOCK_OFF

    def jumped(self, wall: datetime, steady: float) -> str | None:
        off = self._strayed(wall, steady)
        if abs(off) < CLOCK_OFF:
            self.told = timedelta(0)
        if not self.off(wall, steady):
            return None
        self.told = off
        return f"the clock of this machine jumped by {int(off.total_seconds())} s; set it right, then run `nurture resume`"


async def clock_holds(app: App, watch: ClockWatch) -> bool:
    """Asked before anything is done by the time of day: False when the clock has jumped, until it is set right or somebody resumes."""
    jump = watch.jumped(app.clock(), steady_clock())
    if jump is None:
        if not watch.told:
            return True
        async with app.db.read() as tx:
            return (await load_workspace(tx)).halted is None
    async with app.db.write() as tx:
        await halt(tx, jump)
    log.error("halted", reason=jump)
    return False


def steady_clock() -> float:
    """Seconds that go on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(slots=True)
class Work:
    """The jobs of one worker process."""

    app: App
    stop: asyncio.Event
    bell: Bell
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
        year, week, _ = now.isocalendar()
        period = f"{year}-W{week:02}"
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

    async def tidy(self) -> None:
        if not await clock_holds(self.app, self.clock):
            return
        now = self.app.clock()
        await sweep_stopped_lanes(self.app.db, Desk(), now, self.app.settings.warm_up)
        await close_occasions(self.app.db, now)
        settings = self.app.settings
        kept = Kept(settings.keep_details, settings.keep_hits, settings.keep_words)
        if done := await keep(self.app.db, now, kept, self.goes_on):
            log.info("forgotten", parts=done)


async def check_start(app: App) -> str | None:
    """Halt before the first letter where the past looks wrong: a restored backup, times from the future. Returns the reason in force."""
    folder, now = app.settings.data_dir, app.clock()
    async with app.db.write() as tx:
        workspace = await load_workspace(tx)
        newest = await newest_start(tx)
        mark = read_mark(folder)
        stands = await last_hand_off(tx, mark.handed.row) if mark and mark.handed else None
        reason = behind(mark, workspace.identity, workspace.claims, stands)
        if reason is None and newest is not None and newest > now + CLOCK_OFF:
            reason = f"the database holds times from the future ({newest.isoformat()}); set this machine's clock, then run `nurture resume`"
        if reason:
            await halt(tx, reason)
        return workspace.halted or reason


async def accept_past(app: App) -> str | None:
    """`nurture resume`: go on from where the database stands, and try at once what rests. Returns what had halted it."""
    from nurture.store.workspace import resume  # noqa: PLC0415 - its name would shadow the job words above

    async with app.db.write() as tx:
        reason = await resume(tx)
        rested = [name.partition(":")[2] for name in await open_throttles(tx)]
        workspace = await load_workspace(tx)
    write_mark(app.settings.data_dir, Mark(workspace.identity, workspace.claims))
    return reason or (f"{', '.join(rested)} refused the sender" if rested else None)


async def run_worker(app: App, stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set; then what is on the wire finishes and the rest goes back to pending."""
    halted = await check_start(app)
    if halted:
        log.warning("nothing is planned or sent", reason=halted)
    settings, now = app.settings, app.clock()
    bell: Bell = app.bell
    clock = ClockWatch(now, steady_clock())
    hands = [Hand(app, "service", stop, clock), Hand(app, "others", stop, clock)]
    work = Work(app, stop, bell, Watcher(settings.lease_silence), clock, now - SIGNS_SINCE)
    sweep, sixth = settings.sweep.total_seconds(), settings.lease_silence.total_seconds() / 6
    mailroom = Mailroom(app)
    await mailroom.open()
    bell.every("plan", sweep, work.plan)
    bell.every("service", min(sweep, 1.0), hands[0].send)
    bell.every("send", sweep, hands[1].send)
    bell.every("call", sweep, work.call)
    bell.every("reap", sixth, work.reap)
    bell.every("classify", CLASSIFY_SECONDS, work.classify)
    bell.every("tidy", TIDY_SECONDS, work.tidy)
    bell.every("post", POST_SECONDS, mailroom.work)
    gc.freeze()  # what is loaded lives as long as the worker: looking through it again took a fifth of the time of planning
    beating = asyncio.create_task(_beat(hands, sixth), name="heartbeat")
    log.info("worker started", captures=app.captures)
    try:
        await bell.wait(stop)
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await mailroom.close()
        for hand in hands:
            await hand.retire()


async def _beat(hands: list[Hand], seconds: float) -> None:
    """Apart from the jobs, since it goes on until the last letter has its answer."""
    while True:
        await asyncio.sleep(seconds)
        for hand in hands:
            try:
                await hand.beat()
            except Exception:
                log.exception("the lease could not be renewed", lanes=hand.lanes)

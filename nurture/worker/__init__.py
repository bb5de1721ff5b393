"""The worker: strings the services together as jobs under a bell. No rule lives here; every job is an idempotent sweep."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from nurture.bootstrap import App
from nurture.mailroom import Mailroom
from nurture.services.reaping import Watcher
from nurture.worker.clock import ClockWatch, steady_clock
from nurture.worker.hand import Hand
from nurture.worker.starting import accept_past, check_start, spare_the_collector
from nurture.worker.work import SIGNS_SINCE, Work

__all__ = ["ClockWatch", "Hand", "Work", "accept_past", "check_start", "run_worker", "spare_the_collector", "steady_clock"]

TIDY_SECONDS = 60.0
DRAW_SECONDS = 30.0
POST_SECONDS = 60.0
CLASSIFY_SECONDS = 3600.0
log = structlog.get_logger("nurture.worker")


class Bell(Protocol):
    """The embedded one or the one over Redis; one contract suite holds both."""

    def every(self, name: str, seconds: float, action: Callable[[], Awaitable[object]]) -> None: ...
    async def ring(self, name: str) -> None: ...
    async def wait(self, stop: asyncio.Event) -> None: ...
    async def close(self) -> None: ...


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
    bell.every("draw", DRAW_SECONDS, work.draw)
    bell.every("reap", sixth, work.reap)
    bell.every("weekly", CLASSIFY_SECONDS, work.weekly)
    bell.every("tidy", TIDY_SECONDS, work.tidy)
    bell.every("post", POST_SECONDS, mailroom.work)
    spare_the_collector()
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

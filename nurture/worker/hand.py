"""A hand that sends: a lease, the desk that goes with it, and the rules it sends by."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Literal

import structlog

from nurture.bootstrap import App
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, send_due
from nurture.store.results import release_worker
from nurture.store.workers import WorkerLease, beat, end, enlist
from nurture.worker.clock import ClockWatch, clock_holds, steady_clock

SERVICE_IN_FLIGHT = 16  # of NURTURE_IN_FLIGHT, kept for service letters
log = structlog.get_logger("nurture.worker")


@dataclass(slots=True)
class Hand:
    """One lease with the desk that goes with it. It may write to the wire while its renewal is younger than two thirds of the silence."""

    app: App
    lanes: Literal["service", "others"]
    stop: asyncio.Event
    clock: ClockWatch
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
            in_use=relay.in_use if relay else lambda: "",
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

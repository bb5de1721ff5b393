"""Batch after batch: claimed, with what its letters need to be written; the next one is made ready while the last of this one leaves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from nurture.domain.readers import Reader
from nurture.domain.tokens import TokenKey
from nurture.services.sending.claiming import Turn, next_turn, take
from nurture.services.sending.desk import Desk, Prepared
from nurture.services.sending.rules import SendingRules, Sent
from nurture.services.sending.wire import STOP_CHECK, Wire
from nurture.services.sending.writing import Writer
from nurture.store.claims import Claimed
from nurture.store.database import Database
from nurture.store.readers import readers
from nurture.store.results import release
from nurture.store.workers import WorkerLease

DOMAIN_WAIT = 10.0  # seconds: a domain's turn that comes sooner is waited for within the sweep


@dataclass(frozen=True, slots=True)
class Batch:
    """People and letters are read once for the claim, so what a letter says of its reader may be as old as that; whether it may leave at
    all is asked anew at the intent.
    """

    turn: Turn
    rows: Sequence[Claimed]
    writer: Writer
    versions: Mapping[int, Prepared]
    people: Mapping[int, Reader]


@dataclass(slots=True)
class Feed:
    """`empty`: lanes that gave this sweep nothing, since other workers hold their rows. `ahead`: the next batch, being made ready."""

    db: Database
    lease: WorkerLease
    desk: Desk
    rules: SendingRules
    key: TokenKey
    clock: Callable[[], datetime]
    sent: Sent
    wire: Wire
    empty: set[int] = field(default_factory=set)
    ahead: "asyncio.Task[Batch | None] | None" = None

    async def claim(self, turn: Turn | None) -> Batch | None:
        """The batch of this turn, or of the next one that gives something; None when nothing is due, or nothing more may leave."""
        while turn is not None and self.wire.go_on() and not self.wire.away:
            writer = Writer.of(self.rules, turn.book, self.key, self.clock())
            rows = await take(self.db, turn, self.lease, self.desk, self.rules, self.clock(), self.sent)
            if rows:
                return await self._read(turn, rows, writer)
            if rows is None:
                self.empty.add(turn.lane.id)
            turn = await self._turn()
        return None

    async def _read(self, turn: Turn, rows: Sequence[Claimed], writer: Writer) -> Batch:
        async with self.db.read() as tx:
            versions = await self.desk.versions(tx, {row.version_id for row in rows})
            asking = [r.subscriber_id for r in rows if r.version_id not in versions or versions[r.version_id].asks_back]
            people = await readers(tx, [row.subscriber_id for row in rows], self.clock(), turn.book.policy, asking)
        return Batch(turn, rows, writer, versions, people)

    async def _turn(self) -> Turn | None:
        return await next_turn(self.db, self.desk, self.rules, self.clock(), self.empty)

    def look_ahead(self) -> None:
        """Make the next batch ready meanwhile; not where what is on the wire decides about the rest."""
        if self.ahead is None and not self.desk.pace.single:
            self.ahead = asyncio.create_task(self._next(), name="next batch")

    async def _next(self) -> Batch | None:
        return await self.claim(await self._turn())

    async def ready(self) -> Batch | None:
        """The batch that was made ready meanwhile."""
        task, self.ahead = self.ahead, None
        return await task if task else None

    async def next(self) -> Batch | None:
        """Whose turn it is once what is on the wire has ended, and a domain's next turn has come."""
        wire, gate = self.wire, self.desk.gate
        if self.desk.pace.single:
            await wire.room(0)  # what it is told decides about the rest
        turn = await self._turn()
        if turn is None and not wire.away:
            await wire.room(0)  # what comes back unwritten is due again
            turn = await self._turn()
        while turn is None and not wire.away and wire.go_on() and (wait := gate.waits) is not None and wait < DOMAIN_WAIT:
            await asyncio.sleep(min(wait, STOP_CHECK))
            turn = await self._turn()
        return await self.claim(turn)

    async def give_back(self, rows: Sequence[Claimed]) -> None:
        """Rows that were claimed and will not be handed over."""
        async with self.db.write() as tx:
            await release(tx, [(row.id, row.fence) for row in rows])
        self.sent.counts["returned"] += len(rows)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """An error ends the sweep: what was claimed ahead is left to the recovery of the next one."""
        if self.ahead:
            self.ahead.cancel()
            await asyncio.gather(self.ahead, return_exceptions=True)

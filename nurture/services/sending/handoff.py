"""Batches on their way to the wire, slice by slice: written, their intent committed, handed over. While one slice waits for its room or
its commit, the next one is written: the wire never waits for a pen.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from nurture.domain.words import Kind
from nurture.services.sending.claiming import Turn
from nurture.services.sending.desk import Desk
from nurture.services.sending.feed import Batch, Feed
from nurture.services.sending.wire import Wire
from nurture.services.sending.writing import Outgoing, Unwritable
from nurture.store.claims import Claimed, hand_over, leave_out
from nurture.store.lanes import pause_lane
from nurture.store.mark import Handed
from nurture.store.results import fail, release

AT_A_STRETCH = 0.0001  # seconds of writing; more, and a relay over few sessions has nothing to do before we look at its answers


@dataclass(slots=True)
class HandOff:
    """At most one slice is written beyond the one that is on its way. What was written and may not leave goes back as it was claimed."""

    feed: Feed
    _going: asyncio.Task[None] | None = None
    _ends: bool = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """An error ends the sweep: a commit under way is waited for, none is begun."""
        if self._going:
            self._ends = True
            if kind and not issubclass(kind, Exception):
                self._going.cancel()
            await asyncio.gather(self._going, return_exceptions=True)

    async def take(self, batch: Batch) -> None:
        """Write all of a batch. Its last slice may still be on its way when this returns."""
        feed, rules, rest = self.feed, self.feed.rules, batch.rows
        while rest:
            if not feed.wire.go_on() or feed.wire.away:
                await feed.give_back(rest)
                return
            size = feed.desk.pace.slice(rules.in_flight, rules.connections)
            slice_, rest = rest[:size], rest[size:]
            if len(rest) <= size:
                feed.look_ahead()
            writing = asyncio.create_task(written(batch, slice_, feed.clock(), feed.wire), name="writing")
            ready, faults = await writing
            sys.audit("nurture.written")
            await self.settle()
            self._going = asyncio.create_task(self._go(batch.turn, ready, faults), name="hand-off")

    async def next(self) -> Batch | None:
        """The batch that was made ready meanwhile; else the next one, once nothing is between pen and wire."""
        if self._going and self.feed.ahead:
            await asyncio.wait([self._going, self.feed.ahead], return_when=asyncio.FIRST_COMPLETED)
            if self._going.done():
                await self.settle()  # what went wrong is not kept back until a claim has its turn
        batch = await self.feed.ready()
        if batch is None:
            await self.settle()
            batch = await self.feed.next()
        return batch

    async def settle(self) -> None:
        """Return when nothing is between pen and wire. Raises what kept it from the wire."""
        going, self._going = self._going, None
        if going:
            await going

    async def _go(self, turn: Turn, ready: Sequence[Outgoing], faults: Sequence[Unwritable]) -> None:
        """Hand over as many at a time as the pace has room for now."""
        feed, wire, desk, rules = self.feed, self.feed.wire, self.feed.desk, self.feed.rules
        while ready or faults:
            size = desk.pace.slice(rules.in_flight, rules.connections)
            await wire.room(min(size, rules.in_flight - size) if rules.in_flight > size else 0)
            await wire.place()
            if self._ends or not wire.go_on() or wire.away:
                await feed.give_back([letter.row for letter in ready] + [fault.row for fault in faults])
                return
            going = await intend(feed, ready[:size], faults, turn, moment := feed.clock())
            ready, faults = ready[size:], ()
            wire.put(going)
            await self._note(going, moment)

    async def _note(self, going: Sequence[Outgoing], moment: datetime) -> None:
        """The hand-off of these letters into `ledger.mark`, so that a backup which knows the claim and not this is seen to be one."""
        desk, folder = self.feed.desk, self.feed.rules.mark_folder
        if folder and desk.mark and going:
            last = going[-1].intent
            desk.mark = replace(desk.mark, handed=Handed(last.id, last.fence, moment))
            await desk.write_mark(folder)


async def written(batch: Batch, rows: Sequence[Claimed], now: datetime, wire: Wire) -> tuple[list[Outgoing], list[Unwritable]]:
    """A tenth of a millisecond at a time: the relay is heard and answered in between."""
    ready: list[Outgoing] = []
    faults: list[Unwritable] = []
    began = time.perf_counter()
    for letter in batch.writer.write(rows, batch.turn.lane.name, batch.versions, batch.people, now):
        if isinstance(letter, Unwritable):
            faults.append(letter)
        else:
            ready.append(letter)
        if time.perf_counter() - began >= AT_A_STRETCH:
            await wire.lull()
            began = time.perf_counter()
    return ready, faults


async def intend(feed: Feed, ready: Sequence[Outgoing], faults: Sequence[Unwritable], turn: Turn, now: datetime) -> list[Outgoing]:
    """The durable commit that defines hand-off. Rows that may not leave and rows that cannot be written end in the next one."""
    db, desk, sent = feed.db, feed.desk, feed.sent
    back: list[Outgoing] = []
    if desk.gate.not_now and turn.lane.name != Kind.SERVICE.value:  # since these were claimed
        back = [letter for letter in ready if letter.envelope.recipient.rpartition("@")[2].lower() in desk.gate.not_now]
        held = {letter.row.id for letter in back}
        ready = [letter for letter in ready if letter.row.id not in held]
    sys.audit("nurture.intending")
    leaving = await hand_over(db, [letter.intent for letter in ready], feed.lease.id, now) if ready else set()
    sys.audit("nurture.intended")
    broken = _repeated(desk, turn, faults, bool(ready), feed.rules.render_errors)
    if faults or back or len(leaving) < len(ready):
        async with db.write() as tx:
            await release(tx, [(letter.row.id, letter.row.fence) for letter in back])
            became = await leave_out(tx, [letter.intent for letter in ready if letter.intent.id not in leaving], now)
            await fail(tx, [(f.row.id, f.row.fence, f.fault[:500]) for f in faults], "render", now)
            if broken:
                await pause_lane(tx, turn.lane.id, f"render: {broken}")
        became |= {letter.row.id: "pending" for letter in back}
        sent.counts.update("returned" if word == "pending" else "cancelled" for word in became.values())
    sent.counts["failed"] += len(faults)
    return [letter for letter in ready if letter.intent.id in leaving]


def _repeated(desk: Desk, turn: Turn, faults: Sequence[Unwritable], any_written: bool, limit: int) -> str | None:
    """The fault that several letters of a lane had, with none written in between."""
    if any_written:
        for key in [key for key in desk.errors if key[0] == turn.lane.id and key[1] != "refused"]:
            del desk.errors[key]
    for fault in faults:
        desk.errors[turn.lane.id, fault.fault] += 1
        if desk.errors[turn.lane.id, fault.fault] >= limit:
            return fault.fault
    return None

"""Send what is due: claim, write, hand over, wire, results. One sweep; safe to kill at any point, safe to run in many processes at once."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from nurture.domain.tokens import TokenKey
from nurture.domain.words import Kind
from nurture.services.sending.claiming import Turn, next_turn, sweep_stopped_lanes
from nurture.services.sending.desk import Desk
from nurture.services.sending.feed import Batch, Feed
from nurture.services.sending.recording import Clerk
from nurture.services.sending.rules import GoOn, Relay, SendingRules, Sent
from nurture.services.sending.wire import Wire
from nurture.services.sending.writing import Outgoing, Unwritable
from nurture.store.claims import Claimed, hand_over, leave_out
from nurture.store.database import Database
from nurture.store.lanes import pause_lane
from nurture.store.mark import Handed
from nurture.store.results import fail, release
from nurture.store.sweeps import in_hand, reap_rows
from nurture.store.workers import WorkerLease

__all__ = ["Desk", "Relay", "SendingRules", "Sent", "send_due", "sweep_stopped_lanes"]

WRITTEN_AT_ONCE = 8  # more, and the relay waits for us meanwhile


async def send_due(
    db: Database, relay: Relay, lease: WorkerLease, rules: SendingRules, keys: Sequence[TokenKey], clock: Callable[[], datetime],
    desk: Desk | None = None, go_on: GoOn = lambda: True, holds: GoOn = lambda: True,
) -> Sent:  # fmt: skip
    """Send all that is due now and return what became of it.

    One sweep of a lease at a time; `desk` keeps what is worth keeping between them. `go_on` False stops claims, intents and bodies: what is
    on the wire finishes, the rest goes back. `holds` False: the lease is in doubt, not even a letter half said is finished.
    `clock` may be a virtual one; then nothing here waits for real time but the relay.
    """
    desk = desk or Desk()
    sent = Sent()
    await _recover(db, lease, rules, clock())
    turn = await next_turn(db, desk, rules, clock()) if go_on() else None
    if turn is None:
        return sent

    def goes_on() -> bool:
        return go_on() and not desk.gate.closed

    async with Wire(relay, rules, desk.pace, clock, goes_on, Clerk(db, rules, desk, sent).record, holds) as wire:
        feed = Feed(db, lease, desk, rules, keys[0], clock, sent, wire)
        try:
            batch = await feed.claim(turn)
            while batch is not None:
                await _hand_over(feed, batch)
                batch = await feed.next()
        finally:
            await feed.drop()
    return sent


async def _hand_over(feed: Feed, batch: Batch) -> None:
    """Slice by slice: write, commit the intent, put on the wire; the next slice is written while this one leaves."""
    wire, desk, rules, rest = feed.wire, feed.desk, feed.rules, batch.rows
    while rest:
        size = desk.pace.slice(rules.in_flight, rules.connections)
        await wire.room(min(size, rules.in_flight - size) if rules.in_flight > size else 0)
        await wire.place()
        if not wire.go_on() or wire.away:
            await feed.give_back(rest)
            return
        slice_, rest = rest[:size], rest[size:]
        if len(rest) <= size:
            feed.look_ahead()
        ready, faults = await _written(batch, slice_, feed.clock())
        sys.audit("nurture.written")
        going = await _intend(feed, ready, faults, batch.turn, moment := feed.clock())
        wire.put(going)
        await _note(going, desk, rules, moment)


async def _note(going: list[Outgoing], desk: Desk, rules: SendingRules, moment: datetime) -> None:
    """The hand-off of these letters into `ledger.mark`, so that a backup which knows the claim and not this is seen to be one."""
    if rules.mark_folder and desk.mark and going:
        last = going[-1].intent
        desk.mark = replace(desk.mark, handed=Handed(last.id, last.fence, moment))
        await desk.write_mark(rules.mark_folder)


async def _written(batch: Batch, rows: Sequence[Claimed], now: datetime) -> tuple[list[Outgoing], list[Unwritable]]:
    """A few letters at a time: the relay's answers are read in between."""
    ready: list[Outgoing] = []
    faults: list[Unwritable] = []
    for n, written in enumerate(batch.writer.write(rows, batch.turn.lane.name, batch.versions, batch.people, now), 1):
        if isinstance(written, Unwritable):
            faults.append(written)
        else:
            ready.append(written)
        if n % WRITTEN_AT_ONCE == 0:
            await asyncio.sleep(0)
    return ready, faults


async def _intend(feed: Feed, ready: list[Outgoing], faults: list[Unwritable], turn: Turn, now: datetime) -> list[Outgoing]:
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


def _repeated(desk: Desk, turn: Turn, faults: list[Unwritable], any_written: bool, limit: int) -> str | None:
    """The fault that several letters of a lane had, with none written in between."""
    if any_written:
        for key in [key for key in desk.errors if key[0] == turn.lane.id and key[1] != "refused"]:
            del desk.errors[key]
    for fault in faults:
        desk.errors[turn.lane.id, fault.fault] += 1
        if desk.errors[turn.lane.id, fault.fault] >= limit:
            return fault.fault
    return None


async def _recover(db: Database, lease: WorkerLease, rules: SendingRules, now: datetime) -> None:
    """No sweep of this lease is under way, so what stands in its hands was lost by one that broke off: what was only claimed goes back,
    what was handed over and not recorded is unknown. Asked each time, since a commit whose answer was lost may come after the error.
    """
    async with db.read() as tx:
        if not await in_hand(tx, lease.id):
            return
    async with db.write() as tx:
        await reap_rows(tx, [lease.id], now, rules.unknown_grace)

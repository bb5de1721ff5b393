"""Send what is due: claim, write, hand over, wire, results. One sweep; safe to kill at any point, safe to run in many processes at once."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from nurture.domain.tokens import TokenKey
from nurture.services.sending.claiming import Turn, next_turn, sweep_stopped_lanes, take
from nurture.services.sending.desk import Desk
from nurture.services.sending.recording import Clerk
from nurture.services.sending.rules import GoOn, Relay, SendingRules, Sent
from nurture.services.sending.wire import Wire
from nurture.services.sending.writing import Outgoing, Unwritable, Writer
from nurture.store.claims import Claimed, intend, leave_out
from nurture.store.database import Database
from nurture.store.lanes import pause_lane
from nurture.store.mark import Handed, write_mark
from nurture.store.readers import readers
from nurture.store.results import fail, release
from nurture.store.sweeps import reap_rows
from nurture.store.workers import WorkerLease, leases

__all__ = ["Desk", "Relay", "SendingRules", "Sent", "send_due", "sweep_stopped_lanes"]

SHARE = {"all": 1.0, "service": 0.1, "others": 0.9}  # of the rate


async def send_due(
    db: Database, relay: Relay, lease: WorkerLease, rules: SendingRules, keys: Sequence[TokenKey], clock: Callable[[], datetime],
    desk: Desk | None = None, go_on: GoOn = lambda: True, holds: GoOn = lambda: True,
) -> Sent:  # fmt: skip
    """Send all that is due now and return what became of it.

    `desk` keeps what is worth keeping between sweeps (one for each lease). `go_on` False stops claims, intents and bodies: what is on the
    wire finishes, the rest goes back. `holds` False: the lease is in doubt, not even a letter half said is finished.
    `clock` may be a virtual one; then nothing here waits for real time but the relay.
    """
    desk = desk or Desk()
    sent = Sent()
    if desk.dirty:
        await _recover(db, lease, rules, clock())
        desk.dirty = False
    turn = await next_turn(db, desk, rules, clock()) if go_on() else None
    if turn is None:
        return sent
    try:
        await _share_rate(db, desk, rules)
        async with Wire(relay, rules, desk.pace, clock, go_on, Clerk(db, rules, desk, sent).record, holds) as wire:
            empty: set[int] = set()
            while turn is not None and go_on() and not wire.away:
                writer = Writer.of(rules, turn.book, keys[0], clock())
                rows = await take(db, turn, lease, desk, rules, clock(), sent)
                if rows is None:
                    empty.add(turn.lane.id)
                else:
                    await _hand_over(db, wire, turn, rows, writer, lease, desk, clock, sent)
                turn = await next_turn(db, desk, rules, clock(), empty)
                if turn is None and not wire.away:
                    await wire.room(0)  # what comes back unwritten is due again
                    turn = await next_turn(db, desk, rules, clock(), empty)
    except BaseException:
        desk.dirty = True
        raise
    return sent


async def _hand_over(
    db: Database, wire: Wire, turn: Turn, rows: Sequence[Claimed], writer: Writer, lease: WorkerLease, desk: Desk,
    clock: Callable[[], datetime], sent: Sent,
) -> None:  # fmt: skip
    """Slice by slice: write, commit the intent, put on the wire; the next slice is written while this one leaves."""
    rest = list(rows)
    while rest:
        size = desk.pace.slice(wire.rules.in_flight, wire.rules.connections)
        await wire.room(min(size, wire.rules.in_flight - size) if wire.rules.in_flight > size else 0)
        await wire.place()
        if not wire.go_on() or wire.away:
            async with db.write() as tx:
                await release(tx, [(row.id, row.fence) for row in rest])
            sent.counts["returned"] += len(rest)
            return
        slice_, rest = rest[:size], rest[size:]
        now = clock()
        async with db.read() as tx:
            versions = await desk.versions(tx, {row.version_id for row in slice_})
            asking = [r.subscriber_id for r in slice_ if r.version_id not in versions or versions[r.version_id].asks_back]
            people = await readers(tx, [row.subscriber_id for row in slice_], now, turn.book.policy, asking)
        ready, faults = writer.write(slice_, turn.lane.name, versions, people, now)
        sys.audit("nurture.written")
        going = await _intend(db, ready, faults, turn, lease, desk, wire.rules, moment := clock(), sent)
        wire.put(going)
        await _note(going, desk, wire.rules, moment)


async def _note(going: list[Outgoing], desk: Desk, rules: SendingRules, moment: datetime) -> None:
    """The hand-off of these letters into `ledger.mark`, so that a backup which knows the claim and not this is seen to be one."""
    if rules.mark_folder and desk.mark and going:
        last = going[-1].intent
        desk.mark = replace(desk.mark, handed=Handed(last.id, last.fence, moment))
        await asyncio.to_thread(write_mark, rules.mark_folder, desk.mark)


async def _intend(
    db: Database, ready: list[Outgoing], faults: list[Unwritable], turn: Turn, lease: WorkerLease, desk: Desk, rules: SendingRules,
    now: datetime, sent: Sent,
) -> list[Outgoing]:  # fmt: skip
    """The durable commit that defines hand-off; rows that may not leave and rows that cannot be written end in the same one."""
    async with db.write() as tx:
        leaving = await intend(tx, [letter.intent for letter in ready], lease.id, now)
        left_out = [letter.intent for letter in ready if letter.intent.id not in leaving]
        became = await leave_out(tx, left_out, now) if left_out else {}
        await fail(tx, [(f.row.id, f.row.fence, f.fault[:500]) for f in faults], "render", now)
        broken = _repeated(desk, turn, faults, bool(ready), rules.render_errors)
        if broken:
            await pause_lane(tx, turn.lane.id, f"render: {broken}")
        sys.audit("nurture.intending")
    sys.audit("nurture.intended")
    sent.counts["failed"] += len(faults)
    sent.counts.update("returned" if word == "pending" else "cancelled" for word in became.values())
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


async def _share_rate(db: Database, desk: Desk, rules: SendingRules) -> None:
    """The relay's rate belongs to all living workers together; one that keeps service letters apart has two leases."""
    if rules.rate is None:
        desk.pace.ceiling = None
        return
    async with db.read() as tx:
        living = len(await leases(tx))
    processes = max(1, living if rules.lanes == "all" else (living + 1) // 2)
    desk.pace.ceiling = rules.rate / processes * SHARE[rules.lanes]


async def _recover(db: Database, lease: WorkerLease, rules: SendingRules, now: datetime) -> None:
    """A sweep of ours broke off: what it had only claimed goes back, what it had handed over and not recorded is unknown."""
    async with db.write() as tx:
        await reap_rows(tx, [lease.id], now, rules.unknown_grace)

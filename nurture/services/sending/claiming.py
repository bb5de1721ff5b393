"""From the tables to a batch in hand: which lane, its claim, and what must not leave any more (its window closed, its 72 hours over)."""

import asyncio
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.answers import GIVE_UP_AFTER
from nurture.domain.documents import Policy
from nurture.domain.letterbook import LetterBook
from nurture.domain.warming import WarmUp
from nurture.domain.words import Kind
from nurture.services.sending.desk import Desk
from nurture.services.sending.gate import Gate
from nurture.services.sending.rules import SendingRules, Sent
from nurture.store.claims import WINDOW_LEFT, Claimed, DueLane, claim, claim_alone, count_claim, due_lanes, in_order
from nurture.store.database import Database
from nurture.store.lanes import pause_lane, paused_because, run_lanes
from nurture.store.mark import Mark
from nurture.store.results import fail
from nurture.store.subscribers import addresses
from nurture.store.sweeps import Moved, cancel, closed_where_nobody_claims, stranded, to_next_window
from nurture.store.throttles import ensure_throttles, one_claims_at_a_time, park, parked
from nurture.store.workers import WorkerLease

POLICY = "policy:"
TEST = "test"


@dataclass(frozen=True, slots=True)
class Turn:
    """`fresh`: rows are due that wait for no domain; `parked`: throttles of domains that have a turn and rows due here."""

    lane: DueLane
    book: LetterBook
    fresh: bool = True
    parked: tuple[int, ...] = ()


def missing_in(policy: Policy) -> str | None:
    """The line that the policy lacks before anything may leave over a real relay."""
    if policy.sender is None:
        return f"{POLICY} nothing leaves without a sender; write in the policy: sender: {{name: ..., address: ...}}"
    if not policy.postal_address:
        return f'{POLICY} nothing leaves without a postal address; write in the policy: postal_address: "..."'
    return None


async def next_turn(
    db: Database, desk: Desk, rules: SendingRules, now: datetime, empty: Collection[int] | None = None
) -> Turn | None:  # fmt: skip
    """The lane to claim from. Lanes that the policy keeps back are paused with the line to write, and run again once it is written.

    `empty`: lanes that gave this sweep nothing, since other workers hold their rows; None when the sweep begins.
    """
    gate = desk.gate
    async with db.read() as tx:
        book = await desk.shelf.read(tx)
        await gate.refresh(tx, rules, desk.pace, now, asyncio.get_running_loop().time())
        await gate.count_day(tx, rules.warm_up, book.zone(None), now)
        lanes = await due_lanes(tx, now)
        waiting = await parked(tx, now) if gate.ids else []
        lacking = None if rules.captures else missing_in(book.policy)
        kept_back = [] if lacking or empty is not None else await paused_because(tx, POLICY)
    stopped = [lane.id for lane in lanes if lane.name != TEST] if lacking else []
    missing = gate.missing(rules)
    if kept_back or stopped or missing:
        async with db.write() as tx:
            await ensure_throttles(tx, missing)
            await run_lanes(tx, kept_back)
            for lane_id in stopped:
                await pause_lane(tx, lane_id, lacking or "")
            lanes = await due_lanes(tx, now)
            await gate.refresh(tx, rules, desk.pace, now, asyncio.get_running_loop().time())
    if gate.closed:
        return None
    has_turn = [entry for entry in waiting if gate.room(entry[3], now) > 0]
    gate.waits = gate.wait_for(entry[3] for entry in waiting)
    fresh = {lane.id for lane in lanes}
    lanes += {lane: DueLane(lane, name, priority) for lane, name, priority, _ in has_turn if lane not in fresh}.values()
    lanes = in_order([lane for lane in lanes if lane.id not in (empty or ()) and _ours(lane, rules) and (gate.left != 0 or _service(lane))])
    lane = desk.turns.next(lanes)
    if lane is None:
        return None
    return Turn(lane, book, lane.id in fresh, tuple(entry[3] for entry in has_turn if entry[0] == lane.id))


def _service(lane: DueLane) -> bool:
    return lane.name == Kind.SERVICE.value


def _ours(lane: DueLane, rules: SendingRules) -> bool:
    return rules.lanes == "all" or _service(lane) == (rules.lanes == "service")


async def take(
    db: Database, turn: Turn, lease: WorkerLease, desk: Desk, rules: SendingRules, now: datetime, sent: Sent
) -> list[Claimed] | None:  # fmt: skip
    """Claim a batch, one commit; returns the rows that may still leave now, None when there was nothing to claim."""
    plain = turn.fresh and not turn.parked and desk.gate.left is None and (_service(turn.lane) or not desk.gate.slow_domains(now))
    way = claim_alone(db, turn.lane.id, lease.id, desk.pace.claim(), now) if plain else _claim(db, turn, lease, desk, rules, now)
    claimed = await way
    if claimed is None:
        return None
    rows, mark = claimed
    sys.audit("nurture.claimed")
    desk.mark = replace(mark, handed=desk.mark.handed) if desk.mark else mark  # not before the commit: others write it meanwhile
    if rules.mark_folder:
        await desk.write_mark(rules.mark_folder)
    gone = {row.id for row in rows if row.first_try_at and now - row.first_try_at >= GIVE_UP_AFTER}
    late = [row.id for row in rows if row.id not in gone and row.closes_at and row.closes_at < now + WINDOW_LEFT]
    if gone or late:
        async with db.write() as tx:
            await fail(tx, [(row.id, row.fence, "72 hours are over") for row in rows if row.id in gone], "expired", now)
            await move_late(tx, late, turn.book, now, sent)
    sent.counts.update({"failed": len(gone), "moved": 0, "missed": 0})  # words of every sweep; move_late has counted its own
    gone.update(late)
    return [row for row in rows if row.id not in gone] if gone else rows


async def _claim(
    db: Database, turn: Turn, lease: WorkerLease, desk: Desk, rules: SendingRules, now: datetime
) -> tuple[list[Claimed], Mark] | None:  # fmt: skip
    """Rows of the lane that wait for nobody, and of its domains that have a turn; those of slow domains go and wait for theirs."""
    gate, most, service = desk.gate, desk.pace.claim(), _service(turn.lane)
    async with db.write() as tx:
        if gate.left is not None and not service:
            await one_claims_at_a_time(tx)
            await gate.count_day(tx, rules.warm_up, turn.book.zone(None), now)
            most = min(most, gate.left if gate.left is not None else most)
        rows = await claim(tx, turn.lane.id, lease.id, most, now) if turn.fresh and most else []
        found = bool(rows)
        slow = set() if service or not rows else gate.slow_domains(now)
        if slow:
            rows = await _wait_their_turn(tx, rows, slow, gate, now)
        for throttle in turn.parked:
            room = min(gate.room(throttle, now), most - len(rows))
            some = await claim(tx, turn.lane.id, lease.id, room, now, throttle) if room > 0 else []
            gate.take(throttle, len(some))
            rows += some
        return (rows, await count_claim(tx)) if rows or found else None


async def _wait_their_turn(tx: AsyncConnection, rows: list[Claimed], slow: Collection[str], gate: Gate, now: datetime) -> list[Claimed]:
    """Rows to slow domains beyond what has a turn now are parked; the others are returned."""
    emails = await addresses(tx, [row.subscriber_id for row in rows])
    leaving: list[Claimed] = []
    waiting: list[tuple[int, int, int]] = []
    for row in rows:
        domain = emails.get(row.subscriber_id, "").rpartition("@")[2]
        if domain not in slow:
            leaving.append(row)
        elif gate.room(gate.ids[domain], now) > 0:
            gate.take(gate.ids[domain], 1)
            leaving.append(row)
        else:
            waiting.append((row.id, row.fence, gate.ids[domain]))
    await park(tx, waiting)
    return leaving


async def move_late(tx: AsyncConnection, ids: Sequence[int], book: LetterBook, now: datetime, sent: Sent) -> None:
    """Rows whose window has closed go to their next one, or give their place free when it is more than 36 hours off."""
    moved: list[Moved] = []
    missed: list[tuple[int, int, str]] = []
    for row in await stranded(tx, ids, now) if ids else ():
        place = book.next_window(row.kind, row.letter, row.subscriber_id, row.timezone, now, row.rhythm)
        if row.refusal or place is None:
            missed.append((row.id, row.fence, row.refusal or "missed"))
        else:
            moved.append(Moved(row.id, row.fence, *place))
    await to_next_window(tx, moved)
    await cancel(tx, missed, now)
    sent.counts.update(moved=len(moved), missed=len(missed))


async def sweep_stopped_lanes(db: Database, desk: Desk, now: datetime, warm_up: WarmUp | None = None) -> Sent:
    """Rows whose window has closed where no claim comes by: in paused lanes, behind a slow or resting domain, in all lanes when relays rest
    or the day's ceiling is reached. They keep their people's places.
    """
    sent, gate = Sent(), Gate()
    async with db.read() as tx:
        await gate.refresh(tx, SendingRules(""), desk.pace, now, 0.0)
        await gate.count_day(tx, warm_up, (await desk.shelf.read(tx)).zone(None), now)
    while True:
        async with db.write() as tx:
            ids = await closed_where_nobody_claims(tx, now, everywhere=gate.closed or gate.left == 0)
            await move_late(tx, ids, await desk.shelf.read(tx), now, sent)
        if not ids:
            return sent

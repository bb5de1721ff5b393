"""From the tables to a batch in hand: which lane, its claim, and what must not leave any more (its window closed, its 72 hours over)."""

import asyncio
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.answers import GIVE_UP_AFTER
from nurture.domain.documents import Policy
from nurture.domain.letterbook import LetterBook
from nurture.domain.words import Kind
from nurture.services.sending.desk import Desk
from nurture.services.sending.rules import SendingRules, Sent
from nurture.store.claims import WINDOW_LEFT, Claimed, DueLane, claim, count_claim, due_lanes
from nurture.store.database import Database
from nurture.store.lanes import pause_lane, paused_because, run_lanes
from nurture.store.mark import write_mark
from nurture.store.results import fail
from nurture.store.sweeps import Moved, cancel, closed_in_stopped_lanes, stranded, to_next_window
from nurture.store.workers import WorkerLease

POLICY = "policy:"
TEST = "test"


@dataclass(frozen=True, slots=True)
class Turn:
    lane: DueLane
    book: LetterBook


def missing_in(policy: Policy) -> str | None:
    """The line that the policy lacks before anything may leave over a real relay."""
    if policy.sender is None:
        return f"{POLICY} nothing leaves without a sender; write in the policy: sender: {{name: ..., address: ...}}"
    if not policy.postal_address:
        return f'{POLICY} nothing leaves without a postal address; write in the policy: postal_address: "..."'
    return None


async def next_turn(
    db: Database, desk: Desk, rules: SendingRules, now: datetime, empty: Collection[int] = ()
) -> Turn | None:  # fmt: skip
    """The lane to claim from. Lanes that the policy keeps back are paused with the line to write, and run again once it is written.

    `empty`: lanes that gave this sweep nothing, since other workers hold their rows.
    """
    async with db.read() as tx:
        book = await desk.shelf.read(tx)
        lanes = await due_lanes(tx, now)
        lacking = None if rules.captures else missing_in(book.policy)
        kept_back = [] if lacking else await paused_because(tx, POLICY)
    stopped = [lane.id for lane in lanes if lane.name != TEST] if lacking else []
    if kept_back or stopped:
        async with db.write() as tx:
            await run_lanes(tx, kept_back)
            for lane_id in stopped:
                await pause_lane(tx, lane_id, lacking or "")
            lanes = await due_lanes(tx, now)
    if rules.lanes != "all":
        lanes = [lane for lane in lanes if (lane.name == Kind.SERVICE.value) == (rules.lanes == "service")]
    lane = desk.turns.next([lane for lane in lanes if lane.id not in empty])
    return Turn(lane, book) if lane else None


async def take(
    db: Database, turn: Turn, lease: WorkerLease, desk: Desk, rules: SendingRules, now: datetime, sent: Sent
) -> list[Claimed] | None:  # fmt: skip
    """Claim a batch, one commit; returns the rows that may still leave now, None when there was nothing to claim."""
    async with db.write() as tx:
        rows = await claim(tx, turn.lane.id, lease.id, desk.pace.claim(), now)
        if not rows:
            return None
        expired = [row for row in rows if row.first_try_at and now - row.first_try_at >= GIVE_UP_AFTER]
        await fail(tx, [(row.id, row.fence, "72 hours are over") for row in expired], "expired", now)
        gone = {row.id for row in expired}
        late = [row.id for row in rows if row.id not in gone and row.closes_at and row.closes_at < now + WINDOW_LEFT]
        await move_late(tx, late, turn.book, now, sent)
        desk.mark = await count_claim(tx)
    sys.audit("nurture.claimed")
    sent.counts["failed"] += len(expired)
    if rules.mark_folder:
        await asyncio.to_thread(write_mark, rules.mark_folder, desk.mark)
    gone.update(late)
    return [row for row in rows if row.id not in gone]


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


async def sweep_stopped_lanes(db: Database, desk: Desk, now: datetime) -> Sent:
    """Rows of paused lanes whose window has closed: no claim comes by there, and they keep their people's places."""
    sent = Sent()
    while True:
        async with db.write() as tx:
            ids = await closed_in_stopped_lanes(tx, now)
            await move_late(tx, ids, await desk.shelf.read(tx), now, sent)
        if not ids:
            return sent

"""Send what is due: claim, write, hand over, wire, results. One sweep; safe to kill at any point, safe to run in many processes at once."""

from collections.abc import Callable, Sequence
from datetime import datetime

from nurture.domain.tokens import TokenKey
from nurture.services.sending.claiming import next_turn, sweep_stopped_lanes
from nurture.services.sending.desk import Desk
from nurture.services.sending.feed import Feed
from nurture.services.sending.handoff import HandOff
from nurture.services.sending.recording import Clerk
from nurture.services.sending.rules import GoOn, Relay, SendingRules, Sent
from nurture.services.sending.wire import Wire
from nurture.store.database import Database
from nurture.store.sweeps import in_hand, reap_rows
from nurture.store.workers import WorkerLease

__all__ = ["Desk", "Relay", "SendingRules", "Sent", "send_due", "sweep_stopped_lanes"]


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
        async with feed, HandOff(feed) as hand_off:
            batch = await feed.claim(turn)
            while batch is not None:
                await hand_off.take(batch)
                batch = await hand_off.next()
    return sent


async def _recover(db: Database, lease: WorkerLease, rules: SendingRules, now: datetime) -> None:
    """No sweep of this lease is under way, so what stands in its hands was lost by one that broke off: what was only claimed goes back,
    what was handed over and not recorded is unknown. Asked each time, since a commit whose answer was lost may come after the error.
    """
    async with db.read() as tx:
        if not await in_hand(tx, lease.id):
            return
    async with db.write() as tx:
        await reap_rows(tx, [lease.id], now, rules.unknown_grace)

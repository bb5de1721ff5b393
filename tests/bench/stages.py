"""What each stage of a letter's way costs in work of this process: the worker's own steps, one after the other instead of side by side."""

import gc
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from nurture.domain.tokens import TokenKey
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, Sent
from nurture.services.sending.claiming import next_turn
from nurture.services.sending.feed import Feed
from nurture.services.sending.handoff import intend, written
from nurture.services.sending.recording import Clerk
from nurture.services.sending.wire import Ended, Wire
from nurture.store.database import connect
from nurture.store.workers import enlist
from nurture.worker import spare_the_collector

SLICE = 128


def _now() -> datetime:
    return datetime.now(UTC)


class _Clock:
    """Work by stage: what was spent since the stage before ended."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.last = time.process_time()

    def ends(self, stage: str) -> None:
        now = time.process_time()
        self.spent[stage] += now - self.last
        self.last = now


async def work_by_stage(url: str, smtp: str, sessions: int) -> dict[str, float]:
    """Seconds a letter by stage: claim (with the reading of people), render, intent, wire, results.

    Sends all that is due at `url`; the first claim, in which letters and statements are compiled, does not count.
    """
    db, relay = connect(url), SmtpRelay(smtp, connections=sessions)
    rules, desk, sent, key = SendingRules("https://letters.example.com", connections=sessions), Desk(), Sent(), TokenKey.derive("a secret")
    clerk, answered = Clerk(db, rules, desk, sent), list[Ended]()

    async def keep(batch: Sequence[Ended]) -> None:
        answered.extend(batch)

    async with db.write() as tx:
        lease = await enlist(tx, "bench", _now())
    spare_the_collector()
    try:
        async with Wire(relay, rules, desk.pace, _now, lambda: True, keep) as wire:
            clock, warm = _Clock(), 0
            feed = Feed(db, lease, desk, rules, key, _now, sent, wire)
            batch = await feed.claim(await next_turn(db, desk, rules, _now()))
            while batch:
                clock.ends("claim")
                rows = batch.rows
                while rows:
                    slice_, rows = rows[:SLICE], rows[SLICE:]
                    ready, faults = await written(batch, slice_, _now(), wire)
                    clock.ends("render")
                    leaving = await intend(feed, ready, faults, batch.turn, _now())
                    clock.ends("intent")
                    wire.put(leaving)
                    await wire.room(0)
                    clock.ends("wire")
                    ended = list(answered)
                    answered.clear()
                    await clerk.record(ended)
                    clock.ends("results")
                if not warm:
                    clock, warm = _Clock(), sent.accepted
                batch = await feed.next()
    finally:
        gc.unfreeze()
        await relay.close()
        await db.close()
    return {stage: spent / (sent.accepted - warm) for stage, spent in clock.spent.items()}

"""What each stage of a letter's way costs in work of this process: the worker's own steps, one after the other instead of side by side."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime

from nurture.domain.tokens import TokenKey
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, Sent, _intend
from nurture.services.sending.claiming import next_turn, take
from nurture.services.sending.recording import Clerk
from nurture.services.sending.wire import Wire
from nurture.services.sending.writing import Writer
from nurture.store.database import connect
from nurture.store.readers import readers
from nurture.store.workers import enlist

SLICE = 128


async def _stages(url: str, smtp: str, connections: int) -> tuple[Counter[str], int]:
    db, relay = connect(url), SmtpRelay(smtp, connections=connections)
    spent: Counter[str] = Counter()
    last = time.process_time()

    def stage(name: str) -> None:
        nonlocal last
        spent[name] += time.process_time() - last
        last = time.process_time()

    def now() -> datetime:
        return datetime.now(UTC)

    rules, desk, sent, key = SendingRules("https://letters.example.com", connections=connections), Desk(), Sent(), TokenKey.derive("a secret")
    async with db.write() as tx:
        lease = await enlist(tx, "bench", now())
    kept = []

    async def keep(batch):
        kept.extend(batch)

    clerk = Clerk(db, rules, desk, sent)
    async with Wire(relay, rules, desk.pace, now, lambda: True, keep) as wire:
        while True:
            last = time.process_time()
            turn = await next_turn(db, desk, rules, now())
            rows = await take(db, turn, lease, desk, rules, now(), sent) if turn else None
            if not turn or not rows:
                break
            stage("claim")
            while rows:
                slice_, rows = rows[:SLICE], rows[SLICE:]
                moment = now()
                async with db.read() as tx:
                    versions = await desk.versions(tx, {row.version_id for row in slice_})
                    people = await readers(tx, [row.subscriber_id for row in slice_], moment, turn.book.policy, [])
                stage("read")
                ready, faults = Writer(rules, turn.book, key).write(slice_, turn.lane.name, versions, people, moment)
                stage("render")
                leaving = await _intend(db, ready, faults, turn, lease, desk, rules, moment, sent)
                stage("intent")
                wire.put(leaving)
                await wire.room(0)
                stage("wire")
                batch = list(kept)
                kept.clear()
                await clerk.record(batch)
                stage("results")
    await relay.close()
    await db.close()
    return spent, sent.accepted


if __name__ == "__main__":
    import sys
    spent, n = asyncio.run(_stages(sys.argv[1], sys.argv[2], 4))
    for k, v in spent.items():
        print(f"{k:10} {v / n * 1e6:8.1f} us")
    print("total", sum(spent.values()) / n * 1e6, n)

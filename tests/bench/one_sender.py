"""One sending process, as the bench starts it: the worker's own path over a full outbox. Says `ready`, waits for a line, sends, says how it went.

    python -m tests.bench.one_sender '{"database": "sqlite:////tmp/n.db", "smtp": "smtp://127.0.0.1:2525?tls=none", ...}'
"""

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nurture.domain.envelopes import Envelope, Reply
from nurture.domain.tokens import TokenKey
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, send_due
from nurture.store.database import connect
from nurture.store.workers import enlist


@dataclass(slots=True)
class Weighed:
    """The relay, with the bytes that went over it."""

    relay: SmtpRelay
    size: int = 0

    async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True) -> Reply:
        self.size += len(envelope.message)
        return await self.relay.deliver(envelope, may_write, may_finish)


def _now() -> datetime:
    return datetime.now(UTC)


async def _send(told: dict[str, Any]) -> dict[str, float]:
    db = connect(told["database"])
    relay = Weighed(SmtpRelay(told["smtp"], connections=told["connections"]))
    rules = SendingRules("https://letters.example.com", in_flight=told.get("in_flight", 256), connections=told["connections"])
    keys = [TokenKey.derive("a secret")]
    async with db.write() as tx:
        lease = await enlist(tx, "bench", _now())
    gc.collect()
    gc.freeze()  # as the worker does
    print("ready", flush=True)
    sys.stdin.readline()
    started, worked = time.perf_counter(), time.process_time()
    sent = await send_due(db, relay, lease, rules, keys, _now, Desk())
    spent, work = time.perf_counter() - started, time.process_time() - worked
    await relay.relay.close()
    await db.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"accepted": sent.accepted, "seconds": spent, "work": work, "bytes": relay.size, "peak": peak}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_send(json.loads(sys.argv[1])))), flush=True)

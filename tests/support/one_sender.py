"""One sending process, as benches and tests start it: the worker's own path over a full outbox.

It sends a few letters first, as a process that has run for a while has its letters and statements compiled; then it says `ready`, waits for
a line, sends the rest and says how that went.

    python -m tests.support.one_sender '{"database": "sqlite:////tmp/n.db", "smtp": "smtp://127.0.0.1:2525?tls=none", ...}'
"""

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from nurture.domain.envelopes import Envelope, Reply
from nurture.domain.tokens import TokenKey
from nurture.mail.crew import Crew, Letters
from nurture.mail.dkim_keys import KeyFolder
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, send_due
from nurture.store.database import connect
from nurture.store.workers import enlist
from nurture.worker import spare_the_collector


class Weighed:
    """The relay, with the bytes that go over it while the process warms up: weighing is no part of what a letter costs."""

    def __init__(self, relay: SmtpRelay) -> None:
        self.relay, self.size, self.letters = relay, 0, 0

    def crew(self, letters: Letters, sessions: int) -> Crew:
        take = letters.take

        def weighed() -> Envelope | None:
            envelope = take()
            if envelope:
                self.size += len(envelope.message)
                self.letters += 1
            return envelope

        return self.relay.crew(Scales(weighed, letters.may_write, letters.may_finish, letters.ended), sessions)


class Scales(NamedTuple):
    take: Callable[[], Envelope | None]
    may_write: Callable[[Envelope], bool]
    may_finish: Callable[[], bool]
    ended: Callable[[Envelope, Reply], None]


WARM = 100


def most_memory() -> int:
    """Bytes that this process held at most. `ru_maxrss` would be that of whoever started it, where that is more: it outlives the exec."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _now() -> datetime:
    return datetime.now(UTC)


async def _send(told: dict[str, Any]) -> dict[str, float]:
    db = connect(told["database"])
    relay = Weighed(SmtpRelay(told["smtp"], connections=told["connections"]))
    rules = SendingRules(
        "https://letters.example.com", in_flight=told.get("in_flight", 256), connections=told["connections"],
        signer=KeyFolder(Path(told.get("dkim", "no-keys"))).signer,
    )  # fmt: skip
    keys = [TokenKey.derive("a secret")]
    async with db.write() as tx:
        lease = await enlist(tx, "bench", _now())
    desk = Desk()
    await send_due(db, relay, lease, rules, keys, _now, desk, go_on=lambda: relay.letters < WARM)
    spare_the_collector()
    print("ready", flush=True)
    sys.stdin.readline()
    started, worked = time.perf_counter(), time.process_time()
    sent = await send_due(db, relay.relay, lease, rules, keys, _now, desk)
    spent, work = time.perf_counter() - started, time.process_time() - worked
    await relay.relay.close()
    await db.close()
    peak = most_memory()
    return {"accepted": sent.accepted, "seconds": spent, "work": work, "size": relay.size / max(1, relay.letters), "peak": peak}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_send(json.loads(sys.argv[1])))), flush=True)

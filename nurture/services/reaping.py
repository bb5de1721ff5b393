"""After a crash: rows of workers that are gone, and rows whose answer was lost.

No wall clock ends a lease, only the watcher's own monotonic one.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.letterbook import LetterBook
from nurture.store.arrivals import prove_arrival, signs_of
from nurture.store.database import Database
from nurture.store.letterbook import BookShelf
from nurture.store.sweeps import Moved, Stranded, cancel, graced, hold_unknown, orphans, reap_rows, retry_unknown, stranded
from nurture.store.workers import end, leases


@dataclass(slots=True)
class Watcher:
    """Remembers since when, by its own monotonic seconds, each worker's `seen` has stood still. One for each watching process.

    Whoever looked away for a third of the silence - the database was gone, the machine slept - begins anew with everybody: what kept
    this process from looking may have kept the others from renewing.
    """

    silence: timedelta = timedelta(seconds=30)
    shelf: BookShelf = field(default_factory=BookShelf)
    _still: dict[int, tuple[int, float]] = field(default_factory=dict)
    _looked: float = float("-inf")

    def observe(self, seen: dict[int, int], monotonic: float) -> dict[int, int]:
        """`seen` of the workers that have been silent for long enough; a worker that moved begins anew."""
        if monotonic - self._looked > self.silence.total_seconds() / 3:
            self._still.clear()
        self._looked = monotonic
        self._still = {
            worker: self._still[worker] if worker in self._still and self._still[worker][0] == count else (count, monotonic)
            for worker, count in seen.items()
        }
        return {w: count for w, (count, since) in self._still.items() if monotonic - since >= self.silence.total_seconds()}


@dataclass(frozen=True, slots=True)
class Reaped:
    """`workers` that lost their lease; rows `returned` to pending, made `unknown`; unknown rows by their end."""

    workers: int = 0
    returned: int = 0
    unknown: int = 0
    retried: int = 0
    held: int = 0
    cancelled: int = 0
    proved: int = 0


async def reap(
    db: Database, watcher: Watcher, now: datetime, monotonic: Callable[[], float], *, grace: timedelta = timedelta(minutes=10),
    policy: Literal["retry_once", "hold"] = "retry_once",
) -> Reaped:  # fmt: skip
    """Take back what lost workers held, then decide the unknown rows whose grace has ended. Idempotent; any number may run it."""
    async with db.read() as tx:
        silent = watcher.observe(await leases(tx), monotonic())
        lost = await orphans(tx)
        waiting = await graced(tx, now)
    ended = returned = unknown = 0
    if silent or lost:
        async with db.write() as tx:
            silent = watcher.observe(await leases(tx), monotonic())  # once more: nobody could renew while this one waited for the lock
            for worker, seen in silent.items():
                if await end(tx, worker, now, seen=seen):
                    lost.add(worker)
                    ended += 1
            returned, unknown = await reap_rows(tx, lost, now, grace)
            sys.audit("nurture.reaping")
        sys.audit("nurture.reaped")
    retried = held = cancelled = proved = 0
    while waiting:
        async with db.write() as tx:
            book = await watcher.shelf.read(tx)
            arrived = await prove_arrival(tx, await signs_of(tx, waiting), now)
            waiting = [row for row in waiting if row not in arrived]
            done = await _resolve(tx, await stranded(tx, waiting, now), book, now, policy)
            sys.audit("nurture.resolving")
        sys.audit("nurture.resolved")
        retried, held, cancelled, proved = retried + done[0], held + done[1], cancelled + done[2], proved + len(arrived)
        async with db.read() as tx:
            waiting = await graced(tx, now)
    return Reaped(ended, returned, unknown, retried, held, cancelled, proved)


async def _resolve(tx: AsyncConnection, rows: list[Stranded], book: LetterBook, now: datetime, policy: str) -> tuple[int, int, int]:
    """One try more in the row's next window, or held: a second unknown, or the policy `hold`."""
    retry: list[Moved] = []
    hold: list[tuple[int, int]] = []
    drop: list[tuple[int, int, str]] = []
    for row in rows:
        place = book.next_window(row.kind, row.letter, row.subscriber_id, row.timezone, now, row.rhythm)
        if policy == "hold" or row.dup_risk > 0:
            hold.append((row.id, row.fence))
        elif row.refusal or place is None:
            drop.append((row.id, row.fence, row.refusal or "missed"))
        else:
            retry.append(Moved(row.id, row.fence, *place))
    await retry_unknown(tx, retry)
    await hold_unknown(tx, hold, now)
    await cancel(tx, drop, now)
    return len(retry), len(hold), len(drop)

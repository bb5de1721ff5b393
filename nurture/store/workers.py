"""Sending processes and their leases. A lease lives while `seen` moves; only a watcher's own monotonic clock ends it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, Exists, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.ledger import workers

_w = workers.c


@dataclass(frozen=True, slots=True)
class WorkerLease:
    """One life of one process. When the lease is lost, the process enlists anew and gets another id."""

    id: int
    epoch: str


async def enlist(tx: AsyncConnection, epoch: str, now: datetime) -> WorkerLease:
    """A new worker; `epoch` is a random name, for logs."""
    statement = workers.insert().values(epoch=epoch, seen=0, started_at=now).returning(_w.id)
    return WorkerLease((await tx.execute(statement)).scalar_one(), epoch)


async def beat(tx: AsyncConnection, worker_id: int) -> bool:
    """Renew the lease. False: somebody ended it, nothing of it may be written to the wire any more."""
    statement = update(workers).where(_w.id == worker_id, _w.ended_at.is_(None)).values(seen=_w.seen + 1).returning(_w.id)
    return (await tx.execute(statement)).first() is not None


async def leases(tx: AsyncConnection) -> dict[int, int]:
    """`seen` of every worker whose lease has not ended."""
    return {row.id: row.seen for row in await tx.execute(select(_w.id, _w.seen).where(_w.ended_at.is_(None)))}


async def end(tx: AsyncConnection, worker_id: int, now: datetime, *, seen: int | None = None) -> bool:
    """End a lease: its own worker at an orderly stop, or a watcher that saw it silent at `seen`.

    False when it had moved or ended meanwhile.
    """
    statement = update(workers).where(_w.id == worker_id, _w.ended_at.is_(None)).values(ended_at=now).returning(_w.id)
    if seen is not None:
        statement = statement.where(_w.seen == seen)
    return (await tx.execute(statement)).first() is not None


def alive(worker_id: int | BindParameter[int]) -> Exists:
    """A condition for claims and intents: a worker that lost its lease takes no more rows."""
    return exists().where(_w.id == worker_id, _w.ended_at.is_(None))


async def newest_start(tx: AsyncConnection) -> datetime | None:
    """When the last worker started: a time that should not lie in the future."""
    newest: datetime | None = (await tx.execute(select(_w.started_at).order_by(_w.id.desc()).limit(1))).scalar_one_or_none()
    return newest

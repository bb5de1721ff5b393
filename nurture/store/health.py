"""Small questions about the running system: does the database answer, what waits. Asked again and again, so by partial indexes alone."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from nurture.store.database import Connection
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import DUE, LEASED, UNKNOWN

_deliveries, _events, _lanes, _workers, _workspace = (METADATA.tables[n] for n in ("deliveries", "events", "lanes", "workers", "workspace"))
_d = _deliveries.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """`open`: deliveries under way: `waiting` (pending or deferred), `claimed`, `sending`, `unknown`. `overdue_since`: when the longest due
    letter of a running lane was due. `unfolded`: events that no standing knows yet. `beats`: of all workers ever.
    """

    open: dict[str, int]
    overdue_since: datetime | None
    unfolded: int
    beats: int
    halted: bool


async def ping(tx: Connection) -> None:
    """Raises when the database does not answer or holds no schema."""
    await tx.execute(select(_workspace.c.id).limit(1))


async def waiting(tx: Connection) -> Waiting:
    count = select(func.count()).select_from(_deliveries)
    counts = {
        "waiting": (await tx.execute(count.where(text(DUE)))).scalar_one(),
        "unknown": (await tx.execute(count.where(text(UNKNOWN)))).scalar_one(),
        "claimed": 0, "sending": 0,
    }  # fmt: skip
    leased = select(_d.state, func.count()).where(text(LEASED)).group_by(_d.state)
    counts |= {row[0]: row[1] for row in await tx.execute(leased)}
    first = select(func.min(_d.due_at)).where(_d.lane_id == _lanes.c.id, _d.throttle_id == 0, text(DUE)).correlate(_lanes)
    due = [at for at in (await tx.execute(select(first.scalar_subquery()).where(_lanes.c.flag == "running"))).scalars() if at]
    unfolded = (await tx.execute(select(func.count()).select_from(_events).where(text("folded = 0")))).scalar_one()
    beats = (await tx.execute(select(func.coalesce(func.sum(_workers.c.seen), 0)))).scalar_one()
    halted = (await tx.execute(select(_workspace.c.halted))).scalar_one_or_none()
    return Waiting(counts, min(due, default=None), int(unfolded), int(beats), halted is not None)

"""The agenda: whom the planner looks at next (`standings.plan_at`), and how a planner makes those it has looked at its own.

Nobody is taken off before what was decided is written: a planner that dies leaves its people where they were. On SQLite two planners may
look at the same people; the first to write has them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, select, text, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.dialect import by_key, skip_locked
from nurture.store.dialect_batch import Batch
from nurture.store.dialect_bulk import update_rows
from nurture.store.standings import standings
from nurture.store.tables.deliveries import UNFOLDED

_s = standings.c
_ENDED = "state IN ('accepted', 'rejected', 'failed', 'cancelled', 'held') AND kind <> 'service'"
# In the words of the partial index: one seek a person, however many letters ended since the last folding.
_KNOWN = (
    f"NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.subscriber_id = standings.subscriber_id AND {UNFOLDED} AND {_ENDED})"  # noqa: S608 - words of our own
)
_DUE = select(_s.subscriber_id, type_coerce(_s.plan_at, String)).where(text(_KNOWN))

_TAKE = Batch(
    {"person": _s.subscriber_id.type, "due": _s.plan_at.type, "again": _s.plan_at.type},
    lambda given: update(standings)
    .where(_s.subscriber_id == given.c.person, _s.plan_at.is_not_distinct_from(given.c.due), text(_KNOWN))
    .values(plan_at=given.c.again)
    .returning(_s.subscriber_id),
)


async def due_people(tx: AsyncConnection, now: datetime, limit: int, *, last_first: bool = False) -> dict[int, Any]:
    """People whose look is due with the moment it was due, as it is stored: oldest first, or last; of equals those served longest ago.

    On PostgreSQL they are this transaction's alone until it ends. People with news not folded yet are passed over: they stay on it.
    """
    await by_key(tx)
    order = (_s.plan_at, _s.served_at)
    query = _DUE.where(_s.plan_at <= now).order_by(*(c.desc() for c in order) if last_first else order).limit(limit)
    return dict(map(tuple, await tx.execute(skip_locked(tx, query))))


async def take(tx: AsyncConnection, looks: Mapping[int, tuple[Any, datetime | None]]) -> set[int]:
    """Who is still due as when they were looked at and without news since: those are the caller's, and their next look is written.

    `looks`: when each was due, and when they are looked at again.
    """
    rows = [(person, *moments) for person, moments in sorted(looks.items())]
    return {person for (person,) in await _TAKE.read(tx, rows)}


async def next_look(tx: AsyncConnection) -> datetime | None:
    """The earliest moment anybody is looked at."""
    at = (await tx.execute(select(_s.plan_at).where(_s.plan_at.is_not(None)).order_by(_s.plan_at).limit(1))).scalar()
    return at.astimezone(UTC) if at else None


async def set_looks(tx: AsyncConnection, looks: Mapping[int, datetime]) -> None:
    """When the planner looks at each person again."""
    rows: Sequence[Any] = [(at, person) for person, at in sorted(looks.items())]
    await update_rows(tx, standings, "subscriber_id", ("plan_at",), rows)

"""The agenda: whom the planner looks at next (`standings.plan_at`), and how a planner makes those it has looked at its own.

Nobody is taken off before what was decided is written: a planner that dies leaves its people where they were. On SQLite two planners may
look at the same people; the first to write has them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, select, text, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.dialect import skip_locked
from nurture.store.dialect_bulk import given_rows, update_rows
from nurture.store.standings import standings
from nurture.store.tables.deliveries import UNFOLDED

_s = standings.c
_ENDED = "state IN ('accepted', 'rejected', 'failed', 'cancelled', 'held') AND kind <> 'service'"
# In the words of the partial index: no scan of the ledger.
_KNOWN = f"subscriber_id NOT IN (SELECT subscriber_id FROM deliveries WHERE {UNFOLDED} AND {_ENDED})"  # noqa: S608 - words of our own
_DUE = select(_s.subscriber_id, type_coerce(_s.plan_at, String)).where(text(f"standings.{_KNOWN}"))


async def due_people(tx: AsyncConnection, now: datetime, limit: int, *, last_first: bool = False) -> dict[int, Any]:
    """People whose look is due with the moment it was due, as it is stored: oldest first, or last; of equals those served longest ago.

    On PostgreSQL they are this transaction's alone until it ends. People with news not folded yet are passed over: they stay on it.
    """
    order = (_s.plan_at, _s.served_at)
    query = _DUE.where(_s.plan_at <= now).order_by(*(c.desc() for c in order) if last_first else order).limit(limit)
    return dict(map(tuple, await tx.execute(skip_locked(tx, query))))


async def take(tx: AsyncConnection, looks: Mapping[int, tuple[Any, datetime | None]]) -> set[int]:
    """Who is still due as when they were looked at and without news since: those are the caller's, and their next look is written.

    `looks`: when each was due, and when they are looked at again.
    """
    rows = [(person, *moments) for person, moments in sorted(looks.items())]
    columns = ("subscriber_id", "plan_at", "plan_at")
    taken: set[int] = set()
    for source, values in given_rows(tx, standings, columns, ("person", "due", "again"), rows):
        statement = (
            f"UPDATE standings SET plan_at = given.again FROM {source} "  # noqa: S608 - names of our own tables
            f"WHERE standings.subscriber_id = given.person AND standings.plan_at = given.due AND standings.{_KNOWN} "
            "RETURNING standings.subscriber_id"
        )
        taken.update((await tx.exec_driver_sql(statement, values)).scalars())
    return taken


async def next_look(tx: AsyncConnection) -> datetime | None:
    """The earliest moment anybody is looked at."""
    at = (await tx.execute(select(_s.plan_at).where(_s.plan_at.is_not(None)).order_by(_s.plan_at).limit(1))).scalar()
    return at.astimezone(UTC) if at else None


async def set_looks(tx: AsyncConnection, looks: Mapping[int, datetime]) -> None:
    """When the planner looks at each person again."""
    rows: Sequence[Any] = [(at, person) for person, at in sorted(looks.items())]
    await update_rows(tx, standings, "subscriber_id", ("plan_at",), rows)

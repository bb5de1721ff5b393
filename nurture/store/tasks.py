"""Tasks for people of the team, set by rules. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.dialect import insert
from nurture.store.ledger import subscribers
from nurture.store.tables import METADATA

tasks = METADATA.tables["tasks"]
_t = tasks.c


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task with whom it is about."""

    id: int
    subscriber_id: int
    email: str
    rule: str
    text: str
    state: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None


async def add_tasks(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Set tasks (columns by name), one for each person. Returns person -> task."""
    found = await tx.execute(insert(tx, tasks).returning(_t.subscriber_id, _t.id), list(rows))
    return {row.subscriber_id: row.id for row in found}


async def end_task(tx: AsyncConnection, task_id: int, state: str, by: str, now: datetime) -> bool:
    """Close an open task; whether it was open."""
    statement = update(tasks).where(_t.id == task_id, _t.state == "open").values(state=state, ended_at=now, ended_by=by)
    return bool((await tx.execute(statement)).rowcount)


async def list_tasks(
    tx: AsyncConnection, *, after: int = 0, limit: int = 100, states: Iterable[str] = (), subscriber_id: int | None = None
) -> list[TaskLine]:  # fmt: skip
    """Tasks by id, the oldest first."""
    query = (
        select(_t.id, _t.subscriber_id, subscribers.c.email, _t.rule, _t.text, _t.state, _t.created_at, _t.ended_at, _t.ended_by)
        .join(subscribers, subscribers.c.id == _t.subscriber_id)
        .where(_t.id > after)
    )
    if wanted := sorted(set(states)):
        query = query.where(text("tasks.state = 'open'") if wanted == ["open"] else _t.state.in_(wanted))  # the partial index's words
    if subscriber_id is not None:
        query = query.where(_t.subscriber_id == subscriber_id)
    return [TaskLine(*row) for row in await tx.execute(query.order_by(_t.id).limit(limit))]


async def find_task(tx: AsyncConnection, task_id: int) -> TaskLine | None:
    found = await list_tasks(tx, after=task_id - 1, limit=1)
    return found[0] if found and found[0].id == task_id else None

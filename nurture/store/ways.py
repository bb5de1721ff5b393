"""Enrolments to read: who is on which way, page by page."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from nurture.store.database import Connection
from nurture.store.tables import METADATA

_ENROLMENTS, _SUBSCRIBERS = METADATA.tables["enrolments"], METADATA.tables["subscribers"]
_e = _ENROLMENTS.c


@dataclass(frozen=True, slots=True)
class EnrolmentLine:
    """`done`: how many letters of the way are sent or skipped. `version`: the one it is pinned to."""

    id: int
    subscriber_id: int
    email: str
    number: int
    state: str
    by: str
    enrolled_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    done: int
    version: int | None


async def list_enrolments(tx: Connection, sequence_id: int, *, after: int, limit: int, state: str | None = None) -> list[EnrolmentLine]:
    """Enrolments of one sequence with an id above `after`, by id."""
    person = (_e.subscriber_id, _SUBSCRIBERS.c.email)
    query = (
        select(_e.id, *person, _e.number, _e.state, _e.by, _e.enrolled_at, _e.ended_at, _e.end_reason, _e.history, _e.version)
        .join(_SUBSCRIBERS, _SUBSCRIBERS.c.id == _e.subscriber_id)
        .where(_e.sequence_id == sequence_id, _e.id > after)
    )
    if state:
        query = query.where(_e.state == state)
    rows = await tx.execute(query.order_by(_e.id).limit(limit))
    return [EnrolmentLine(**{str(k): v for k, v in row.items() if k != "history"}, done=len(row["history"])) for row in rows.mappings()]

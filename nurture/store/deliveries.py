"""Deliveries to read: by id for the API, and one person's for `why`. Writing them is store/outbox.py, claims.py and results.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from nurture.store.database import Connection
from nurture.store.ledger import deliveries, lanes, letters, subscribers

_d = deliveries.c


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One row of the ledger with the names behind its numbers. `source` is its lane: `sequence:<name>`, `service`, ..."""

    id: int
    email: str
    subscriber_id: int
    letter: str
    kind: str
    occasion: str
    source: str
    state: str
    message_id: str
    created_at: datetime
    due_at: datetime
    handed_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    zone: str | None
    attempts: int
    dup_risk: int
    reason: str
    rule: str
    outcome: str | None
    code: int | None
    enhanced: str | None
    answer: str | None


def _lines() -> Select[Any]:
    columns = {c.name: c for c in _d} | {"email": subscribers.c.email, "letter": letters.c.name, "source": lanes.c.name}
    return (
        select(*(columns[name] for name in DeliveryLine.__dataclass_fields__))
        .join(subscribers, subscribers.c.id == _d.subscriber_id)
        .join(letters, letters.c.id == _d.letter_id)
        .join(lanes, lanes.c.id == _d.lane_id)
        .order_by(_d.id)
    )


async def list_deliveries(
    tx: Connection, *, after: int, limit: int, state: str | None = None, email: str | None = None, letter: str | None = None
) -> list[DeliveryLine]:  # fmt: skip
    """Rows with an id above `after`, by id."""
    query = _lines().where(_d.id > after).limit(limit)
    if state:
        query = query.where(_d.state == state)
    if email:
        query = query.where(subscribers.c.email == email)
    if letter:
        query = query.where(letters.c.name == letter)
    return [DeliveryLine(*row) for row in await tx.execute(query)]


async def get_delivery(tx: Connection, delivery_id: int) -> DeliveryLine | None:
    row = (await tx.execute(_lines().where(_d.id == delivery_id))).one_or_none()
    return DeliveryLine(*row) if row else None


async def deliveries_of(tx: Connection, subscriber_id: int) -> list[DeliveryLine]:
    """All of one person, in the order they were planned."""
    return [DeliveryLine(*row) for row in await tx.execute(_lines().where(_d.subscriber_id == subscriber_id))]

"""What joining needs to know of a person: how they stand, and when they were last asked to confirm."""

from datetime import datetime

from sqlalchemy import func, select

from nurture.domain.joining import CONFIRM_OCCASION, form_of
from nurture.domain.words import Kind
from nurture.store.database import Connection
from nurture.store.ledger import deliveries

_d = deliveries.c


async def last_asked(tx: Connection, subscriber_id: int) -> datetime | None:
    """When the last confirming letter to this person was queued."""
    query = select(func.max(_d.created_at)).where(
        _d.subscriber_id == subscriber_id, _d.kind == Kind.SERVICE.value, _d.occasion.startswith(CONFIRM_OCCASION)
    )
    found: datetime | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def asked_for(tx: Connection, delivery_id: int, subscriber_id: int) -> tuple[str, datetime] | None:
    """The form of this confirming letter and when it was queued; None where it is not there or not theirs."""
    query = select(_d.occasion, _d.created_at).where(
        _d.id == delivery_id, _d.subscriber_id == subscriber_id, _d.occasion.startswith(CONFIRM_OCCASION)
    )
    row = (await tx.execute(query)).one_or_none()
    return (form_of(row.occasion), row.created_at) if row else None

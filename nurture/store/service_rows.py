"""Finding a service letter's row again by its key."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import State
from nurture.store.ledger import deliveries

_d = deliveries.c


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """`payload` None: its words were forgotten since (NURTURE_KEEP_WORDS)."""

    id: int
    message_id: str
    state: State
    payload: dict[str, Any] | None


async def find_service_row(tx: AsyncConnection, letter_id: int, subscriber_id: int, occasion: str) -> int | None:
    """The id of the row with this key, if there is one."""
    key = (_d.letter_id == letter_id, _d.subscriber_id == subscriber_id, _d.occasion == occasion)
    found: int | None = (await tx.execute(select(_d.id).where(*key))).scalar_one_or_none()
    return found


async def service_row(tx: AsyncConnection, letter_id: int, subscriber_id: int, occasion: str) -> ServiceRow:
    """The row with this key, which must exist."""
    key = (_d.letter_id == letter_id, _d.subscriber_id == subscriber_id, _d.occasion == occasion)
    row = (await tx.execute(select(_d.id, _d.message_id, _d.state, _d.payload).where(*key))).one()
    return ServiceRow(row.id, row.message_id, State(row.state), row.payload)

"""Whom to classify, and the little that classes need beside the standing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.ledger import pieces, subscribers
from nurture.store.tables import METADATA

_s = METADATA.tables["standings"].c
_p = subscribers.c


@dataclass(frozen=True, slots=True)
class PersonFacts:
    joined_at: datetime
    tracking: str | None


async def classified_people(tx: AsyncConnection, ids: Sequence[int]) -> dict[int, PersonFacts]:
    """Of these people those who are subscribed."""
    found: dict[int, PersonFacts] = {}
    for piece in pieces(ids):
        query = select(_p.id, _p.joined_at, _p.tracking).where(_p.id.in_(piece), _p.status == "subscribed")
        found.update((row.id, PersonFacts(row.joined_at, row.tracking)) for row in await tx.execute(query))
    return found


async def touched_people(tx: AsyncConnection, since: datetime, after: int, limit: int) -> list[int]:
    """People with a sign, a wish or a refusal at or after the moment, by id."""
    recent = or_(_s.last_sign_at >= since, _s.refused_at >= since, _s.wanted_at >= since)
    query = select(_s.subscriber_id).where(recent, _s.subscriber_id > after).order_by(_s.subscriber_id).limit(limit)
    return list((await tx.execute(query)).scalars())

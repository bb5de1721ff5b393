"""Everything kept about one person, each kind in one statement, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.tables import METADATA

_NAMES = ("consents", "documents", "enrolments", "events", "letters", "deliveries", "moves", "standings", "subscribers", "subscriber_tags")
consents, documents, enrolments, events, letters, deliveries, moves, standings, subscribers, tags = (METADATA.tables[n] for n in _NAMES)


async def load_person(tx: AsyncConnection, person: int) -> dict[str, Any] | None:
    """The person's row and standing as one mapping of columns; None where there is nobody."""
    query = select(subscribers, standings).join(standings, standings.c.subscriber_id == subscribers.c.id, isouter=True)
    row = (await tx.execute(query.where(subscribers.c.id == person))).mappings().one_or_none()
    return dict(row) if row else None


async def load_tags(tx: AsyncConnection, person: int) -> list[str]:
    return list((await tx.execute(select(tags.c.tag).where(tags.c.subscriber_id == person).order_by(tags.c.tag))).scalars())


@dataclass(frozen=True, slots=True)
class EventLine:
    id: int
    type: str
    at: datetime
    delivery_id: int | None
    letter: str | None
    url: str | None
    name: str | None
    value: float | None
    currency: str | None
    evidence: str
    reason: str


async def load_events(tx: AsyncConnection, person: int, limit: int, delivery: int | None = None) -> list[EventLine]:
    """What came back from this person; of one letter, where `delivery` names it."""
    e = events.c
    query = (
        select(e.id, e.type, e.at, e.delivery_id, letters.c.name, e.url, e.name, e.value, e.currency, e.evidence, e.reason)
        .join(deliveries, deliveries.c.id == e.delivery_id, isouter=True)
        .join(letters, letters.c.id == deliveries.c.letter_id, isouter=True)
        .where(e.subscriber_id == person)
        .order_by(e.at.desc(), e.id.desc())
        .limit(limit)
    )
    if delivery is not None:
        query = query.where(e.delivery_id == delivery)
    return [EventLine(*row) for row in await tx.execute(query)]


@dataclass(frozen=True, slots=True)
class MoveLine:
    what: str
    old: str
    new: str
    reason: str
    at: datetime


async def load_moves(tx: AsyncConnection, person: int, limit: int) -> list[MoveLine]:
    m = moves.c
    query = select(m.what, m.old, m.new, m.reason, m.at).where(m.subscriber_id == person).order_by(m.id.desc()).limit(limit)
    return [MoveLine(*row) for row in await tx.execute(query)]


@dataclass(frozen=True, slots=True)
class ConsentLine:
    what: str
    granted: bool
    source: str
    at: datetime


async def load_consents(tx: AsyncConnection, person: int, limit: int) -> list[ConsentLine]:
    c = consents.c
    query = select(c.what, c.granted, c.source, c.at).where(c.subscriber_id == person).order_by(c.id.desc()).limit(limit)
    return [ConsentLine(*row) for row in await tx.execute(query)]


@dataclass(frozen=True, slots=True)
class WayLine:
    """One way through a sequence or a campaign's occasion (`type`): what the planner did with each letter, and its last word."""

    id: int
    type: str
    sequence: str
    number: int
    state: str
    by: str
    enrolled_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    history: list[dict[str, Any]]
    decision: dict[str, Any] | None
    content: dict[str, Any]


async def load_ways(tx: AsyncConnection, person: int) -> list[WayLine]:
    e, d = enrolments.c, documents.c
    query = (
        select(e.id, d.type, d.name, e.number, e.state, e.by, e.enrolled_at, e.ended_at, e.end_reason, e.history, e.decision, d.content)
        .join(documents, d.id == e.sequence_id)
        .where(e.subscriber_id == person)
        .order_by(e.id.desc())
    )
    rows: Any = await tx.execute(query)
    return [WayLine(*row) for row in rows]

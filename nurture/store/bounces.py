"""What refusals of an address say about the person: an event, and after a hard one or some soft ones over a time the status `bounced`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import EventType, Evidence, Status
from nurture.store.documents import load_policy
from nurture.store.events import add_events
from nurture.store.hygiene import worn_out
from nurture.store.ledger import subscribers
from nurture.store.lowering import follow_lowering
from nurture.store.subscribers import set_status

_s = subscribers.c


@dataclass(frozen=True, slots=True)
class Bounce:
    """`hard`: the address is dead. `uid` names the try, so that a repeated commit counts once. `counts` False: noted, and says nothing
    about the address.
    """

    uid: str
    delivery_id: int | None
    subscriber_id: int
    hard: bool
    reason: str
    at: datetime
    counts: bool = True

    @property
    def name(self) -> str:
        return ("hard" if self.hard else "soft") if self.counts else "other"


async def note_bounces(tx: AsyncConnection, bounces: Sequence[Bounce], now: datetime) -> list[int]:
    """Write the events and lower those who cannot be reached; returns whom."""
    if not bounces:
        return []
    rows = [
        {
            "uid": b.uid, "subscriber_id": b.subscriber_id, "delivery_id": b.delivery_id, "type": EventType.BOUNCED.value, "at": b.at,
            "settles_at": b.at, "name": b.name, "evidence": Evidence.MACHINE.value, "reason": b.reason,
        }
        for b in bounces
    ]  # fmt: skip
    fresh = await add_events(tx, rows)
    bounces = [b for b in bounces if b.uid in fresh]
    dead = {b.subscriber_id for b in bounces if b.hard} | await _worn_out(tx, {b.subscriber_id for b in bounces if b.name == "soft"})
    open_to_us = (_s.id.in_(sorted(dead)), _s.status.in_([Status.SUBSCRIBED.value, Status.PENDING.value]))
    lowered = sorted((await tx.execute(select(_s.id).where(*open_to_us))).scalars())
    for person in lowered:
        await set_status(tx, person, Status.BOUNCED, now)
    await follow_lowering(tx, dict.fromkeys(lowered, Status.BOUNCED), "bounce", now)
    return lowered


async def _worn_out(tx: AsyncConnection, people: set[int]) -> set[int]:
    if not people:
        return set()
    rule = (await load_policy(tx)).hygiene
    return {found.subscriber_id for found in await worn_out(tx, rule.soft_bounces, rule.soft_span, people)}

"""Whose letter a mail that came back is about, and what a complaint does. Nothing here commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, select, text

from nurture.domain.delivery import whose_message_id
from nurture.domain.words import EventType, Evidence, State, Status
from nurture.store.database import Connection
from nurture.store.events import add_events
from nurture.store.ledger import deliveries, subscribers
from nurture.store.lowering import follow_lowering
from nurture.store.subscribers import set_status
from nurture.store.tables.deliveries import OLD_MESSAGE_ID

_d, _s = deliveries.c, subscribers.c


@dataclass(frozen=True, slots=True)
class Whose:
    """A person, and the letter of theirs where that is known."""

    subscriber: int
    email: str
    delivery: int | None


async def whose_delivery(tx: Connection, delivery_id: int, subscriber_id: int) -> Whose | None:
    """The person behind a return address; the delivery may be gone, the person may be erased."""
    email = (await tx.execute(select(_s.email).where(_s.id == subscriber_id, _s.erased_at.is_(None)))).scalar_one_or_none()
    if email is None:
        return None
    known = await tx.execute(select(_d.id).where(_d.id == delivery_id, _d.subscriber_id == subscriber_id))
    return Whose(subscriber_id, email, known.scalar_one_or_none())


async def whose_message(tx: Connection, message_ids: Sequence[str]) -> Whose | None:
    """The first of these Message-IDs that is a letter of ours."""
    people = {i: person for i in message_ids if (person := whose_message_id(i))}
    older = [i for i in message_ids if i not in people]
    found: dict[str, Whose] = {}
    if people:
        found |= await _named(tx, _d.subscriber_id.in_(people.values()), _d.message_id.in_(people))
    if older:
        found |= await _named(tx, text(f"deliveries.{OLD_MESSAGE_ID}"), _d.message_id.in_(older))
    return next((found[i] for i in message_ids if i in found), None)


async def _named(tx: Connection, *among: ColumnElement[bool] | TextClause) -> dict[str, Whose]:
    """By Message-ID."""
    query = select(_d.message_id, _d.subscriber_id, _s.email, _d.id).join(subscribers, _s.id == _d.subscriber_id)
    return {row[0]: Whose(*row[1:]) for row in await tx.execute(query.where(*among, _s.erased_at.is_(None)))}


async def whose_address(tx: Connection, email: str) -> Whose | None:
    """The person of an address, with the last letter that a relay took for them."""
    person = (await tx.execute(select(_s.id).where(_s.email == email))).scalar_one_or_none()
    if person is None:
        return None
    last = select(_d.id).where(_d.subscriber_id == person, _d.state == State.ACCEPTED.value).order_by(_d.accepted_at.desc()).limit(1)
    return Whose(person, email, (await tx.execute(last)).scalar_one_or_none())


async def note_complaint(tx: Connection, uid: str, whose: Whose, reason: str, now: datetime) -> bool:
    """The event, and no further letter to this person; whether it was news."""
    row = {
        "uid": uid, "subscriber_id": whose.subscriber, "delivery_id": whose.delivery, "type": EventType.COMPLAINED.value, "at": now,
        "settles_at": now, "evidence": Evidence.HUMAN.value, "reason": reason,
    }  # fmt: skip
    if not await add_events(tx, [row]):
        return False
    if await set_status(tx, whose.subscriber, Status.COMPLAINED, now):
        await follow_lowering(tx, {whose.subscriber: Status.COMPLAINED}, "complaint", now)
    return True

"""What people did elsewhere - bought, came, visited the site, were called - told by another system. Stored once for each id."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.words import EventType, Evidence
from nurture.mail.address import normalise
from nurture.store import events
from nurture.store.choices import find_person
from nurture.store.database import Database
from nurture.store.standings import look_now

AHEAD = timedelta(minutes=5)  # clocks of other systems may run ahead by this much
TOLD_TYPES = (EventType.CONVERTED, EventType.VISITED, EventType.ATTENDED, EventType.TOUCHED)


@dataclass(frozen=True, slots=True)
class Told:
    """`id`: the teller's own name for this event. `name`: which conversion, page, meeting or talk. `value` in `currency` (ISO 4217)."""

    id: str
    email: str
    type: EventType
    name: str | None
    value: float | None
    currency: str | None
    at: datetime


async def receive(db: Database, told: Told, now: datetime, *, by: int) -> tuple[dict[str, Any], bool]:
    """The stored event and whether it is new; the same id again changes nothing. `by`: the key that told it.

    Raises NurtureError for an unknown person, a type others cannot tell, a moment in the future, or an id that names another event.
    """
    if told.type not in TOLD_TYPES:
        raise NurtureError(f"{told.type} is not told from outside; use {', '.join(TOLD_TYPES)}")
    if told.type is EventType.CONVERTED and not told.name:
        raise NurtureError("a conversion needs a name, for instance purchase or lead")
    if told.at > now + AHEAD:
        raise NurtureError(f"{told.at.isoformat()} lies in the future; tell events when they have happened")
    uid = "told:" + hashlib.blake2b(told.id.encode(), digest_size=16).hexdigest()
    async with db.write() as tx:
        person = await find_person(tx, normalise(told.email))
        if person is None:
            raise NurtureError(f"nobody here has the address {told.email}; add them with POST /api/v1/subscribers first", ErrorKind.MISSING)
        row = {
            "uid": uid, "subscriber_id": person, "type": told.type.value, "at": told.at, "settles_at": min(told.at, now),
            "name": told.name, "value": told.value, "currency": told.currency, "evidence": Evidence.HUMAN.value,
            "reason": "told by another system", "detail": {"id": told.id, "key": by},
        }  # fmt: skip
        new = bool(await events.add_events(tx, [row]))
        if new:
            await look_now(tx, [person], now)
        stored = await events.event_by_uid(tx, uid)
    assert stored is not None  # noqa: S101 - it was there, or went in a moment ago
    if any(stored[name] != row[name] for name in ("subscriber_id", "type", "name")):
        raise NurtureError(f"the id {told.id} was told before for another event; give each event its own id", ErrorKind.CONFLICT)
    return stored, new


async def list_told(
    db: Database, *, after: int, limit: int, email: str | None = None, types: Sequence[str] = ()
) -> list[dict[str, Any]]:  # fmt: skip
    """Events of every type, by id."""
    async with db.read() as tx:
        person = await find_person(tx, normalise(email)) if email else None
        if email and person is None:
            return []
        return await events.list_events(tx, after=after, limit=limit, subscriber_id=person, types=types)

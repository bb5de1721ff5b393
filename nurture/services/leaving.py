"""A person leaves everything: at once, for good, in one transaction. It sends no mail and counts before the next letter is handed over."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.words import EventType, Evidence, Status
from nurture.store import choices, events, outbox
from nurture.store.database import Connection, Database

_GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
MAILS = "mail"


@dataclass(frozen=True, slots=True)
class Left:
    """`known`: the person is still in the list. `already`: they had left before, and nothing changed."""

    known: bool
    already: bool
    locale: str | None = None


async def leave(
    db: Database, subscriber_id: int, *, delivery_id: int | None, now: datetime, how: str, ip: str | None = None
) -> Left:  # fmt: skip
    """Leave all letters. `how`: where the wish came from (`leave-link`, `preferences`, `reply`). Twice is the same as once."""
    async with db.write() as tx:
        person = await choices.stand_of(tx, subscriber_id, lock=True)
        if person is None:
            return Left(known=False, already=False)
        if person.status in _GONE:
            return Left(known=True, already=True, locale=person.locale)
        await _leave(tx, subscriber_id, delivery_id, now, how, ip)
    return Left(known=True, already=False, locale=person.locale)


async def _leave(tx: Connection, subscriber_id: int, delivery_id: int | None, now: datetime, how: str, ip: str | None) -> None:
    await choices.choose(tx, subscriber_id, now, status=Status.UNSUBSCRIBED.value)
    await choices.add_consent(tx, subscriber_id, MAILS, granted=False, source=how, ip=ip, now=now)
    await choices.end_enrolments(tx, subscriber_id, "left", now)
    await outbox.cancel_open(tx, "left", now, subscriber_id=subscriber_id)
    await events.add_events(
        tx,
        [
            {
                "uid": f"left:{subscriber_id}:{now.timestamp():.6f}", "subscriber_id": subscriber_id, "delivery_id": delivery_id,
                "type": EventType.LEFT.value, "at": now, "settles_at": now, "name": how, "evidence": Evidence.HUMAN.value,
                "reason": "left by their own act",
            }
        ],
    )  # fmt: skip

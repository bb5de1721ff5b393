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
    db: Database, subscriber_id: int, *, delivery_id: int | None, now: datetime, how: str, ip: str | None = None,
    asked: datetime | None = None,
) -> Left:  # fmt: skip
    """Leave all letters. `how`: where the wish came from (`leave-link`, `preferences`, `reply`). Twice is the same as once.

    `asked`: when a wish that had to wait was made; one that was granted before does not send away a person who came back since.
    """
    uid = f"left:{subscriber_id}:{(asked or now).timestamp():.6f}"
    async with db.write() as tx:
        person = await choices.stand_of(tx, subscriber_id, lock=True)
        if person is None:
            return Left(known=False, already=False)
        if person.status in _GONE:
            return Left(known=True, already=True, locale=person.locale)
        event = {
            "uid": uid, "subscriber_id": subscriber_id, "delivery_id": delivery_id, "type": EventType.LEFT.value, "at": asked or now,
            "settles_at": now, "name": how, "evidence": Evidence.HUMAN.value, "reason": "left by their own act",
        }  # fmt: skip
        if not await events.add_events(tx, [event]) and asked:
            return Left(known=True, already=True, locale=person.locale)
        await _end_all(tx, subscriber_id, now)
        await choices.add_consent(tx, subscriber_id, MAILS, granted=False, source=how, ip=ip, now=asked or now)
    return Left(known=True, already=False, locale=person.locale)


async def _end_all(tx: Connection, subscriber_id: int, now: datetime) -> None:
    await choices.choose(tx, subscriber_id, now, status=Status.UNSUBSCRIBED.value)
    await choices.end_enrolments(tx, subscriber_id, "left", now)
    await outbox.cancel_open(tx, "left", now, subscriber_id=subscriber_id)

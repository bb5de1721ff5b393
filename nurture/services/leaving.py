"""A person leaves everything: at once, for good, in one transaction. It sends no mail and counts before the next letter is handed over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.words import EventType, Evidence, Status
from nurture.store import choices, events, outbox
from nurture.store.database import Connection, Database
from nurture.store.lowering import MAILS

_GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
UNDO = timedelta(days=30)
WHYS = ("often", "useless", "never", "done", "other")


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


async def come_back(db: Database, subscriber_id: int, *, now: datetime, ip: str | None = None) -> Left:
    """Undo a leaving of the last 30 days, by the person's own POST: status, ways and consent are as before. Later it takes a fresh opt-in.

    A letter that was taken back when they left may be planned again. `already`: they had not left, or too long ago; nothing changed.
    """
    async with db.write() as tx:
        person = await choices.stand_of(tx, subscriber_id, lock=True)
        if person is None:
            return Left(known=False, already=False)
        if person.status is not Status.UNSUBSCRIBED or now - person.status_at > UNDO:
            return Left(known=True, already=True, locale=person.locale)
        await choices.resume_enrolments(tx, subscriber_id, person.status_at)
        await outbox.give_back(tx, subscriber_id, person.status_at)
        await choices.choose(tx, subscriber_id, now, status=Status.SUBSCRIBED.value)
        await choices.add_consent(tx, subscriber_id, MAILS, granted=True, source="undo", ip=ip, now=now, wording="the leave page's undo")
        event = {
            "uid": f"undone:{subscriber_id}:{now.timestamp():.6f}", "subscriber_id": subscriber_id, "type": EventType.RESUBSCRIBED.value,
            "at": now, "settles_at": now, "name": "undo", "evidence": Evidence.HUMAN.value, "reason": "undid leaving by their own act",
        }  # fmt: skip
        await events.add_events(tx, [event])
    return Left(known=True, already=False, locale=person.locale)


async def say_why(db: Database, subscriber_id: int, why: str, now: datetime, *, delivery_id: int | None = None) -> None:
    """Keep why somebody left, once a day; `why` is one of WHYS."""
    event = {
        "uid": f"why:{subscriber_id}:{now.date()}", "subscriber_id": subscriber_id, "delivery_id": delivery_id,
        "type": EventType.ANSWERED.value, "at": now, "settles_at": now, "name": f"left: {why}", "evidence": Evidence.HUMAN.value,
        "reason": "said why they left",
    }  # fmt: skip
    async with db.write() as tx:
        if why in WHYS and await choices.stand_of(tx, subscriber_id) is not None:
            await events.add_events(tx, [event])


async def _end_all(tx: Connection, subscriber_id: int, now: datetime) -> None:
    await choices.choose(tx, subscriber_id, now, status=Status.UNSUBSCRIBED.value)
    await choices.end_enrolments(tx, subscriber_id, "left", now)
    await outbox.cancel_open(tx, "left", now, subscriber_id=subscriber_id)

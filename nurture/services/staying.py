"""A person says that they stay: they answered, and if they were archived they are back, with their ways. By their own POST alone."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.words import EventType, Evidence, Status
from nurture.store import choices, events
from nurture.store.database import Database
from nurture.store.lowering import MAILS

STAY = "stay"


@dataclass(frozen=True, slots=True)
class Stayed:
    """`counts` False: the person is not there any more, or has left since: that takes a fresh word of theirs elsewhere."""

    counts: bool
    locale: str | None = None


async def stay(db: Database, subscriber_id: int, now: datetime, *, delivery_id: int | None = None, ip: str | None = None) -> Stayed:
    """Twice on one day is the same as once."""
    async with db.write() as tx:
        person = await choices.stand_of(tx, subscriber_id, lock=True)
        if person is None:
            return Stayed(counts=False)
        if person.status not in (Status.SUBSCRIBED, Status.ARCHIVED):
            return Stayed(counts=False, locale=person.locale)
        event = {
            "uid": f"stay:{subscriber_id}:{now.date()}", "subscriber_id": subscriber_id, "delivery_id": delivery_id,
            "type": EventType.ANSWERED.value, "at": now, "settles_at": now, "name": STAY, "evidence": Evidence.HUMAN.value,
            "reason": "said that they stay",
        }  # fmt: skip
        await events.add_events(tx, [event])
        if person.status is Status.ARCHIVED:
            await choices.resume_enrolments(tx, subscriber_id, person.status_at)
            await choices.choose(tx, subscriber_id, now, status=Status.SUBSCRIBED.value)
            await choices.add_consent(tx, subscriber_id, MAILS, granted=True, source=STAY, ip=ip, now=now, wording="the page to stay")
    return Stayed(counts=True, locale=person.locale)

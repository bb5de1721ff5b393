"""What a person chooses about their letters short of leaving: only useful ones, less often, a pause, topics, what may be counted,
language, time zone; and their word that what we know of them is still right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from nurture.domain.documents import Policy
from nurture.domain.errors import NurtureError
from nurture.domain.field_ages import ALL, COLUMNS, tell
from nurture.domain.hygiene import CONFIRM_TAG
from nurture.domain.words import EventType, Evidence, Frequency, Kind, Kinds, Status, Tracking, ZoneSource
from nurture.domain.zones import find_zone
from nurture.store import choices, events, outbox
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.subscribers import drop_tags

PAUSE = timedelta(days=30)
_DECLINED = (Kind.SALES.value, Kind.NEWS.value, Kind.ABOUT.value)


class Choice(StrEnum):
    USEFUL = "useful"
    ALL = "all"
    LESS = "less"
    NORMAL = "normal"
    PAUSE = "pause"
    RESUME = "resume"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the page shows. `subscribed` is False for one who left."""

    subscribed: bool
    only_useful: bool
    less_often: bool
    paused: bool
    locale: str | None
    topics: Mapping[str, bool] = field(default_factory=dict)
    timezone: str | None = None
    tracking: Tracking = Tracking.INDIVIDUAL


async def preferences(db: Database, subscriber_id: int, now: datetime) -> Preferences | None:
    """None once the person is erased."""
    async with db.read() as tx:
        person = await choices.stand_of(tx, subscriber_id)
        policy = await load_policy(tx)
    return _shown(person, now, policy) if person else None


def _shown(person: choices.Stand, now: datetime, policy: Policy) -> Preferences:
    paused = person.paused_until is not None and person.paused_until > now
    left = person.status in (Status.UNSUBSCRIBED, Status.COMPLAINED)
    topics = {topic: person.topics.get(topic) is not False for topic in policy.topics}
    useful, less = person.kinds is Kinds.USEFUL, person.frequency is Frequency.LESS
    tracking = person.tracking or policy.tracking
    return Preferences(not left, useful, less, paused, person.locale, topics, person.timezone, tracking)


async def prefer(db: Database, subscriber_id: int, choice: Choice, now: datetime, *, ip: str | None = None) -> Preferences | None:
    """Write the choice; letters that it rules out are taken back from the queue in the same transaction."""
    async with db.write() as tx:
        stand = await choices.stand_of(tx, subscriber_id, lock=True)
        if stand is None:
            return None
        await choices.choose(tx, subscriber_id, now, **_columns(choice, stand, now))
        if choice is Choice.USEFUL:
            await outbox.cancel_open(tx, "declined", now, subscriber_id=subscriber_id, kinds=_DECLINED)
        elif choice is Choice.PAUSE:
            await outbox.cancel_open(tx, "paused", now, subscriber_id=subscriber_id)
        if choice is Choice.RIGHT:
            await drop_tags(tx, {subscriber_id: [CONFIRM_TAG]})
        else:
            await choices.add_consent(
                tx, subscriber_id, f"preference:{choice}", granted=choice in (Choice.ALL, Choice.NORMAL, Choice.RESUME),
                source="preferences", ip=ip, now=now,
            )  # fmt: skip
        await events.add_events(tx, [_sign(subscriber_id, choice, now)])
        person, policy = await choices.stand_of(tx, subscriber_id), await load_policy(tx)
    return _shown(person, now, policy) if person else None


async def choose_topic(
    db: Database, subscriber_id: int, topic: str, now: datetime, *, wanted: bool, ip: str | None = None
) -> Preferences | None:  # fmt: skip
    """Leave one topic, or read about it again: the planner looks at once, and the hand-off lets no letter of a left topic through.

    A topic that the policy does not have changes nothing. None once the person is erased.
    """
    async with db.write() as tx:
        person, policy = await choices.stand_of(tx, subscriber_id, lock=True), await load_policy(tx)
        if person is None:
            return None
        if topic not in policy.topics:
            return _shown(person, now, policy)
        await choices.choose(tx, subscriber_id, now, topics={**person.topics, topic: wanted})
        await choices.add_consent(tx, subscriber_id, f"topic:{topic}", granted=wanted, source="preferences", ip=ip, now=now)
        await events.add_events(tx, [_sign(subscriber_id, f"topic:{topic}", now)])
        person = await choices.stand_of(tx, subscriber_id)
    return _shown(person, now, policy) if person else None


async def permit(db: Database, subscriber_id: int, level: Tracking, now: datetime, *, ip: str | None = None) -> Preferences | None:
    """What may be counted of this person from now on, by their own word; their next letters are written so. None once erased.

    Links in letters that they have already lead on, and what is recorded of them follows the new word.
    """
    async with db.write() as tx:
        if await choices.stand_of(tx, subscriber_id, lock=True) is None:
            return None
        await choices.choose(tx, subscriber_id, now, tracking=level.value)
        await choices.log_permissions(tx, {subscriber_id: level.value}, "preferences", now, ip=ip)
        person, policy = await choices.stand_of(tx, subscriber_id), await load_policy(tx)
    return _shown(person, now, policy) if person else None


async def describe(
    db: Database, subscriber_id: int, now: datetime, *, locale: str | None = None, timezone: str | None = None
) -> Preferences | None:  # fmt: skip
    """The person's own word on their language or time zone. Raises NurtureError for a zone that nobody knows. None once erased."""
    columns: dict[str, Any] = {"locale": locale} if locale else {}
    if timezone:
        found = find_zone(timezone, source=ZoneSource.EXPLICIT)
        if found.zone is None:
            raise NurtureError(f"{timezone!r} is not a time zone; write an IANA name such as Europe/Berlin, or an offset such as +03:00")
        columns |= {"timezone": found.zone, "zone_source": ZoneSource.EXPLICIT.value}
    async with db.write() as tx:
        stand = await choices.stand_of(tx, subscriber_id, lock=True)
        if stand is None:
            return None
        told = tell(stand.told_at, [n for n in COLUMNS if n in columns], now.date())
        await choices.choose(tx, subscriber_id, now, told_at=told, **columns)
        await events.add_events(tx, [_sign(subscriber_id, "zone" if timezone else "language", now)])
        person, policy = await choices.stand_of(tx, subscriber_id), await load_policy(tx)
    return _shown(person, now, policy) if person else None


def _columns(choice: Choice, stand: choices.Stand, now: datetime) -> dict[str, Any]:
    columns: dict[Choice, dict[str, Any]] = {
        Choice.USEFUL: {"kinds": Kinds.USEFUL.value},
        Choice.ALL: {"kinds": Kinds.ALL.value},
        Choice.LESS: {"frequency": Frequency.LESS.value},
        Choice.NORMAL: {"frequency": Frequency.NORMAL.value},
        Choice.PAUSE: {"paused_until": now + PAUSE},
        Choice.RESUME: {"paused_until": None},
        Choice.RIGHT: {"told_at": tell(stand.told_at, [ALL], now.date())},
    }
    return columns[choice]


def _sign(subscriber_id: int, choice: str, now: datetime) -> dict[str, Any]:
    """Somebody read and decided: a human sign, though no answer to a letter."""
    return {
        "uid": f"preference:{subscriber_id}:{now.timestamp():.6f}", "subscriber_id": subscriber_id, "type": EventType.VISITED.value,
        "at": now, "settles_at": now, "name": "preferences", "evidence": Evidence.HUMAN.value, "reason": "saved a preference",
        "detail": {"choice": str(choice)},
    }  # fmt: skip

"""The counts behind the curves: one grouped statement each, whose answer has a row for a day, however many the people."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Subquery, and_, case, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.folding import PURCHASE
from nurture.domain.signs import seconds as seconds_of
from nurture.domain.signs import whole
from nurture.domain.survival import Spell
from nurture.domain.words import EventType, Evidence, Status
from nurture.store.dialect import seconds
from nurture.store.tables import METADATA

events, standings, subscribers, tags = (METADATA.tables[n] for n in ("events", "standings", "subscribers", "subscriber_tags"))
ANSWERS = (EventType.CLICKED, EventType.REPLIED, EventType.ANSWERED, EventType.CONVERTED, EventType.ATTENDED)
_DAY, _ONE, _ZERO, _UNKNOWN = (literal_column(n, Integer) for n in ("86400", "1", "0", "-1"))


def _until(tx: AsyncConnection, now: datetime) -> ColumnElement[int]:
    """Until when a person can be watched: today, or the day of leaving."""
    still = subscribers.c.status == Status.SUBSCRIBED
    return case((still, literal(seconds_of(now), Integer)), else_=seconds(tx, subscribers.c.status_at))


def _not_negative(value: ColumnElement[int]) -> ColumnElement[int]:
    return case((value < 0, _ZERO), else_=value)


async def count_interest(tx: AsyncConnection, now: datetime, silence: timedelta) -> tuple[list[Spell], int]:
    """Spells from the first human answer to the last human sign, and how many people ever answered.

    Interest is over with its last sign when `silence` has followed. So a person is watched until that long before today or before leaving:
    whoever was seen after that was still interested then, and nobody counts who cannot be watched so long.
    """
    firsts = (
        select(events.c.subscriber_id, func.min(events.c.at).label("at"))
        .where(events.c.type.in_([t.value for t in ANSWERS]), events.c.evidence == Evidence.HUMAN)
        .group_by(events.c.subscriber_id)
        .subquery()
    )
    first = seconds(tx, firsts.c.at)
    people = (
        select(
            (func.coalesce(seconds(tx, standings.c.last_sign_at), first) - first).label("life"),
            (_until(tx, now) - first - literal(whole(silence), Integer)).label("watched"),
        )
        .join(standings, standings.c.subscriber_id == firsts.c.subscriber_id)
        .join(subscribers, subscribers.c.id == firsts.c.subscriber_id)
        .subquery()
    )
    life, watched = people.c.life, people.c.watched
    spell = select(
        (case((life <= watched, _not_negative(life)), else_=watched) // _DAY).label("days"),
        case((watched < 0, _UNKNOWN), (life <= watched, _ONE), else_=_ZERO).label("ended"),
    ).subquery()
    rows = await _grouped(tx, spell)
    return [Spell(days, ended == 1, people) for days, ended, people in rows if ended >= 0], sum(people for _, _, people in rows)


async def count_first_purchases(tx: AsyncConnection, now: datetime) -> list[Spell]:
    """Spells from joining to the first purchase, else to today or the day of leaving. Customers of before are left out."""
    firsts = (
        select(events.c.subscriber_id, func.min(events.c.at).label("at"))
        .where(events.c.type == EventType.CONVERTED, events.c.name == PURCHASE, events.c.evidence == Evidence.HUMAN)
        .group_by(events.c.subscriber_id)
        .subquery()
    )
    customers = select(tags.c.subscriber_id).where(tags.c.tag == "customer")
    before = and_(firsts.c.at.is_(None), subscribers.c.id.in_(customers))
    lasted = func.coalesce(seconds(tx, firsts.c.at), _until(tx, now)) - seconds(tx, subscribers.c.joined_at)
    spell = (
        select(
            (_not_negative(lasted) // _DAY).label("days"),
            case((firsts.c.at.is_(None), _ZERO), else_=_ONE).label("ended"),
        )
        .select_from(subscribers.outerjoin(firsts, firsts.c.subscriber_id == subscribers.c.id))
        .where(~before)
        .subquery()
    )
    return [Spell(days, bool(ended), people) for days, ended, people in await _grouped(tx, spell)]


async def _grouped(tx: AsyncConnection, spell: Subquery) -> list[tuple[int, int, int]]:
    query = select(spell.c.days, spell.c.ended, func.count()).group_by(spell.c.days, spell.c.ended)
    rows: list[Any] = list(await tx.execute(query))
    return [(int(days), int(ended), int(people)) for days, ended, people in rows]

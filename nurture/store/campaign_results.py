"""What came of a campaign's occasion, counted from its ways, its letters and what people did. Nothing here writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.outcomes import CONVERTS_WITHIN, Against, Turnout
from nurture.domain.variants import FIRST
from nurture.domain.words import EventType, Evidence, State, Status
from nurture.store.dialect import within_minute
from nurture.store.enrolments import enrolments, events
from nurture.store.ledger import deliveries, subscribers
from nurture.store.occasions import OccasionRow, held_out

_e, _d, _v, _p = enrolments.c, deliveries.c, events.c, subscribers.c
_OPEN = ("pending", "claimed", "sending", "deferred", "unknown", "held")
_SIGNS = (EventType.OPENED, EventType.CLICKED, EventType.REPLIED, EventType.ANSWERED)
_AFTER = (EventType.LEFT, EventType.COMPLAINED, EventType.BOUNCED)


def _ways(row: OccasionRow) -> tuple[ColumnElement[bool], ...]:
    return _e.sequence_id == row.campaign_id, _e.number == row.number


def _letters(row: OccasionRow, *columns: Any) -> Select[Any]:
    """Over the letters of one occasion's ways; a way has one that counts."""
    mine = and_(_d.subscriber_id == _e.subscriber_id, _d.enrolment_id == _e.id)
    return select(*columns).join_from(enrolments, deliveries, mine).where(*_ways(row))


def _human(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """An event whose verdict has settled."""
    return _v.evidence == Evidence.HUMAN.value, _v.settles_at <= now


async def turnout_of(tx: AsyncConnection, row: OccasionRow, now: datetime) -> Turnout:
    """Exact at this moment: every person taken in stands in one of its figures."""
    out = func.count().filter(held_out())
    active = func.count().filter(_e.state == "active")
    ways, without, still = (await tx.execute(select(func.count(), out, active).where(*_ways(row)))).one()
    accepted, under_way, fresh = (
        await tx.execute(
            _letters(
                row,
                func.count().filter(_d.state == State.ACCEPTED.value),
                func.count().filter(_d.state.in_(_OPEN)),
                func.count().filter(_d.state == State.ACCEPTED.value, _e.state == "active"),
            )
        )
    ).one()
    waiting = max(0, still - under_way - fresh)
    taken_in = ways - without
    signs = {word: n for word, n in await tx.execute(_signs(row, now))}  # noqa: C416 - rows are no pairs to mypy
    told = {word.value: signs.get(word.value, 0) for word in _SIGNS}
    return Turnout(
        taken_in, accepted, under_way, waiting, taken_in - accepted - under_way - waiting, without, told,
        *(signs.get(word.value, 0) for word in _AFTER),
    )  # fmt: skip


def _signs(row: OccasionRow, now: datetime) -> Select[Any]:
    """(type of event, people) of human signs and of what people do to end it."""
    asked = or_(
        and_(_v.type.in_([word.value for word in _SIGNS]), *_human(now)),
        _v.type.in_([word.value for word in _AFTER]),
    )  # fmt: skip
    return (
        _letters(row, _v.type, func.count(_d.subscriber_id.distinct()))
        .join(events, _v.delivery_id == _d.id)
        .where(asked, _d.state == State.ACCEPTED.value)
        .group_by(_v.type)
    )


async def accepted_by_minute(tx: AsyncConnection, row: OccasionRow, before: datetime | None) -> dict[str, list[tuple[datetime, int]]]:
    """For each variant (first moment of a minute, letters accepted in it), by time. `before`: only letters written up to then."""
    variant = func.coalesce(_d.variant, FIRST)
    query = _letters(row, variant, func.min(_d.accepted_at), func.count()).where(_d.state == State.ACCEPTED.value)
    if before is not None:
        query = query.where(_d.created_at < before)
    found: dict[str, list[tuple[datetime, int]]] = {}
    for name, at, letters in await tx.execute(query.group_by(variant, within_minute(tx, _d.accepted_at))):
        found.setdefault(name, []).append((at, letters))
    return {name: sorted(moments) for name, moments in found.items()}


async def answers_in_time(
    tx: AsyncConnection, row: OccasionRow, outcome: str, before: datetime | None, now: datetime
) -> list[tuple[datetime, str]]:  # fmt: skip
    """(when, variant) of each reader's first settled answer, by time: a human click, or the conversion named `outcome`."""
    query = _letters(row, func.min(_v.at), func.coalesce(_d.variant, FIRST)).where(_d.state == State.ACCEPTED.value, *_human(now))
    if outcome == EventType.CLICKED.value:
        query = query.join(events, _v.delivery_id == _d.id).where(_v.type == outcome)
    else:
        query = query.join(events, _v.subscriber_id == _d.subscriber_id).where(*_converts(row, outcome), _v.at >= _d.accepted_at)
    if before is not None:
        query = query.where(_d.created_at < before)
    return sorted((at, name) for at, name in await tx.execute(query.group_by(_d.id, _d.variant)))


def _converts(row: OccasionRow, name: str) -> tuple[ColumnElement[bool], ...]:
    span = (_v.at >= row.opens_at, _v.at < row.opens_at + CONVERTS_WITHIN)
    return _v.type == EventType.CONVERTED.value, _v.name == name, *span


async def against_holdout(tx: AsyncConnection, row: OccasionRow, outcome: str) -> Against:
    """Conversions of all who were to get the letter, and of those held out, since the occasion opened."""
    did = exists().where(_v.subscriber_id == _e.subscriber_id, *_converts(row, outcome))
    each = select(held_out().label("out"), case((did, 1), else_=0).label("did")).where(*_ways(row)).subquery()
    query = select(each.c.out, func.count(), func.sum(each.c.did)).group_by(each.c.out)
    found = {bool(out): (people, int(done or 0)) for out, people, done in await tx.execute(query)}
    return Against(outcome, *found.get(False, (0, 0)), *found.get(True, (0, 0)))


async def first_accepted(tx: AsyncConnection, row: OccasionRow) -> datetime | None:
    """When the first letter of the occasion was accepted."""
    moment: datetime | None = (await tx.execute(_letters(row, func.min(_d.accepted_at)).where(_d.state == State.ACCEPTED.value))).scalar()
    return moment


async def silent_people(tx: AsyncConnection, row: OccasionRow, accepted_before: datetime, after: int, limit: int) -> Sequence[int]:
    """Who got the letter by then and gave no human sign to it, is still subscribed, and did not get it again; by id after `after`."""
    again = enrolments.alias("again")
    theirs = (again.c.sequence_id == row.campaign_id, again.c.subscriber_id == _e.subscriber_id)
    resent = exists().where(*theirs, again.c.number == -row.number)
    sign = and_(_v.type.in_([word.value for word in _SIGNS]), _v.evidence == Evidence.HUMAN.value)
    heard = exists().where(_v.delivery_id == _d.id, or_(sign, _v.type.in_([word.value for word in _AFTER])))
    query = (
        _letters(row, _d.subscriber_id)
        .join(subscribers, _p.id == _d.subscriber_id)
        .where(_d.state == State.ACCEPTED.value, _d.accepted_at <= accepted_before, _p.status == Status.SUBSCRIBED.value)
        .where(_d.subscriber_id > after, ~heard, ~resent)
    )
    return list((await tx.execute(query.order_by(_d.subscriber_id).limit(limit))).scalars())


async def accepted_after(tx: AsyncConnection, row: OccasionRow, moment: datetime) -> int:
    """Letters of the occasion accepted later than that, or still to be."""
    late = or_(_d.accepted_at > moment, _d.state.in_(_OPEN))
    return int((await tx.execute(_letters(row, func.count()).where(late))).scalar_one())

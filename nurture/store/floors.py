"""People who got fewer letters in a stretch of dates than was promised: by sequence, and over everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Frequency, Kind, State, Status
from nurture.store.last_words import RULE, with_rows
from nurture.store.ledger import deliveries, subscribers
from nurture.store.tables import METADATA

enrolments = METADATA.tables["enrolments"]
_d, _e, _p = deliveries.c, enrolments.c, subscribers.c
_MIXED = [k.value for k in (Kind.USEFUL, Kind.NEWS, Kind.ABOUT, Kind.SALES)]


@dataclass(frozen=True, slots=True)
class UnderRow:
    """`source`: the sequence's id, 0 for everything. One row is so many people with so many letters and one reason."""

    source: int
    letters: int
    reason: str
    people: int


@dataclass(frozen=True, slots=True)
class NameRow:
    source: int
    subscriber_id: int
    email: str
    letters: int
    reason: str


def _start(first: date) -> datetime:
    return datetime.combine(first, time(0), UTC)


def _within(first: date, last: date) -> ColumnElement[bool]:
    """Accepted on these local dates; the instants are there for the index and reach a day further on both sides."""
    day = timedelta(days=1)
    return and_(
        _d.state == State.ACCEPTED, _d.local_day.between(first, last),
        _d.accepted_at >= _start(first) - day, _d.accepted_at < _start(last) + 2 * day,
    )  # fmt: skip


def _wish(first: date, otherwise: ColumnElement[str]) -> ColumnElement[str]:
    """What the person asked for goes before what the planner said."""
    return case((_p.paused_until > _start(first), "paused"), (_p.frequency == Frequency.LESS.value, "less"), else_=otherwise)


def _in_sequences(ids: Sequence[int], first: date, last: date) -> Select[Any]:
    """Everybody under way there since before `first`: source, person, address, letters of the sequence, reason."""
    counted = (
        select(_d.enrolment_id, func.count().label("letters"))
        .where(_within(first, last), _d.enrolment_id.is_not(None), _d.rule != "repay", _d.kind.in_(_MIXED))
        .group_by(_d.enrolment_id)
        .subquery()
    )
    reason = _wish(first, func.coalesce(RULE, "new")).label("reason")
    return (
        with_rows(select(_e.sequence_id.label("source"), _p.id, _p.email, func.coalesce(counted.c.letters, 0).label("letters"), reason))
        .join(subscribers, _p.id == _e.subscriber_id)
        .outerjoin(counted, counted.c.enrolment_id == _e.id)
        .where(_e.sequence_id.in_(ids), _e.state == "active", _e.enrolled_at < _start(first), _p.status == Status.SUBSCRIBED.value)
    )


async def count_in_sequences(tx: AsyncConnection, ids: Sequence[int], first: date, last: date) -> list[UnderRow]:
    """People of these sequences by letters they got of them and reason."""
    found = _in_sequences(ids, first, last).subquery()
    keys = (found.c.source, found.c.letters, found.c.reason)
    return [UnderRow(*row) for row in await tx.execute(select(*keys, func.count()).group_by(*keys))]


async def names_in_sequences(tx: AsyncConnection, floors: Mapping[int, int], first: date, last: date, most: int) -> list[NameRow]:
    """The first `most` people under each floor (sequence id -> letters promised)."""
    found = _in_sequences(list(floors), first, last).subquery()
    under = or_(*(and_(found.c.source == key, found.c.letters < promised) for key, promised in floors.items()))
    place = func.row_number().over(partition_by=found.c.source, order_by=found.c.id).label("place")
    placed = select(*found.c, place).where(under).subquery()
    query = select(*(placed.c[n] for n in ("source", "id", "email", "letters", "reason"))).where(placed.c.place <= most)
    return [NameRow(*row) for row in await tx.execute(query.order_by(placed.c.source, placed.c.id))]


def _everywhere(promised: int, stopped: Sequence[int], first: date, last: date) -> Select[Any]:
    """Subscribed people who joined before `first` and got less than promised of everything: person, address, letters, reason."""
    counted = (
        select(_d.subscriber_id, func.count().label("letters"))
        .where(_within(first, last), _d.kind.in_(_MIXED))
        .group_by(_d.subscriber_id)
        .subquery()
    )
    stands = case((_e.sequence_id.in_(stopped), "stands"), else_=func.coalesce(RULE, "new"))
    own = _e.subscriber_id == _p.id
    said = with_rows(select(stands).where(own, _e.state == "active").order_by(_e.id).limit(1)).scalar_subquery()
    ended = case((exists().where(own), "dry"), else_="nothing")
    letters = func.coalesce(counted.c.letters, 0)
    return (
        select(_p.id, _p.email, letters.label("letters"), _wish(first, func.coalesce(said, ended)).label("reason"))
        .outerjoin(counted, counted.c.subscriber_id == _p.id)
        .where(_p.status == Status.SUBSCRIBED.value, _p.joined_at < _start(first), letters < promised)
    )


async def count_everywhere(
    tx: AsyncConnection, promised: int, stopped: Sequence[int], first: date, last: date
) -> tuple[int, list[UnderRow]]:
    """(people the floor was promised to, those under it by letters and reason). `stopped`: sequences that stand still."""
    query = select(func.count()).where(_p.status == Status.SUBSCRIBED.value, _p.joined_at < _start(first))
    people = (await tx.execute(query)).scalar_one()
    found = _everywhere(promised, stopped, first, last).subquery()
    keys = (found.c.letters, found.c.reason)
    return people, [UnderRow(0, *row) for row in await tx.execute(select(*keys, func.count()).group_by(*keys))]


async def names_everywhere(
    tx: AsyncConnection, promised: int, stopped: Sequence[int], first: date, last: date, most: int
) -> list[NameRow]:
    query = _everywhere(promised, stopped, first, last).order_by(_p.id).limit(most)
    return [NameRow(0, *row) for row in await tx.execute(query)]

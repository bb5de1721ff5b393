"""The counts behind reports: each function is one grouped statement, so a report costs the same number of questions for any list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, distinct, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Evidence, Kind, State
from nurture.store.dialect import minute
from nurture.store.ledger import of_the_list
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import STILL_OPEN

_NAMES = ("compositions", "deliveries", "documents", "enrolments", "events", "lanes", "letters", "standings", "subscribers")
compositions, deliveries, documents, enrolments, events, lanes, letters, standings, subscribers = (METADATA.tables[n] for n in _NAMES)
OPEN_ROWS = f"deliveries.kind <> 'service' AND deliveries.{STILL_OPEN}"  # in the words of its partial index: bound values would hide it
_MIX_KINDS = (Kind.USEFUL, Kind.NEWS, Kind.ABOUT, Kind.SALES)


@dataclass(frozen=True, slots=True)
class PeopleRow:
    status: str
    zone_source: str
    engagement: str
    flags: int
    people: int


async def count_people(tx: AsyncConnection) -> list[PeopleRow]:
    """Everybody, by status, source of the zone, class and flags (bits of `FlagBit`)."""
    keys = (subscribers.c.status, subscribers.c.zone_source, standings.c.engagement, standings.c.flags)
    query = select(*keys, func.count()).join(standings, standings.c.subscriber_id == subscribers.c.id).where(of_the_list()).group_by(*keys)
    return [PeopleRow(*row) for row in await tx.execute(query)]


async def weekly_compositions(tx: AsyncConnection, weeks: int) -> list[tuple[str, str, int]]:
    """(week, class, people) of the newest `weeks` weekly runs, oldest first."""
    newest = select(compositions.c.week).distinct().order_by(compositions.c.week.desc()).limit(weeks)
    query = select(compositions.c.week, compositions.c.engagement, compositions.c.people).where(compositions.c.week.in_(newest))
    return [tuple(row) for row in await tx.execute(query.order_by(compositions.c.week))]


@dataclass(frozen=True, slots=True)
class DeliveredRow:
    day: date
    lane: str
    letter: str
    kind: str
    letters: int


async def count_delivered(tx: AsyncConnection, since: datetime) -> list[DeliveredRow]:
    """Accepted letters since then, by the reader's local date, lane, letter and kind."""
    keys = (deliveries.c.local_day, deliveries.c.lane_id, deliveries.c.letter_id, deliveries.c.kind)
    counted = (
        select(*keys, func.count().label("letters"))
        .where(deliveries.c.state == State.ACCEPTED, deliveries.c.accepted_at >= since, deliveries.c.local_day.is_not(None))
        .group_by(*keys)
        .subquery()
    )
    query = (
        select(counted.c.local_day, lanes.c.name, letters.c.name, counted.c.kind, counted.c.letters)
        .join(lanes, lanes.c.id == counted.c.lane_id)
        .join(letters, letters.c.id == counted.c.letter_id)
    )
    return [DeliveredRow(*row) for row in await tx.execute(query)]


@dataclass(frozen=True, slots=True)
class HandedRow:
    """`minute`: whole minutes since 1970, UTC. `late`: how many of them were handed over after their row's window had closed."""

    letter: str
    kind: str
    zone: str | None
    minute: int
    letters: int
    late: int


async def count_handed(tx: AsyncConnection, since: datetime, newest: int | None = None) -> list[HandedRow]:
    """Accepted letters since then by the minute they were handed over and the zone the person had then; at most the `newest` ones."""
    columns = [deliveries.c[n] for n in ("letter_id", "kind", "zone", "handed_at", "closes_at")]
    chosen = select(*columns).where(
        deliveries.c.state == State.ACCEPTED, deliveries.c.accepted_at >= since, deliveries.c.handed_at.is_not(None)
    )
    rows = (chosen if newest is None else chosen.order_by(deliveries.c.accepted_at.desc()).limit(newest)).subquery()
    at = minute(tx, rows.c.handed_at)
    late = case((rows.c.handed_at >= rows.c.closes_at, 1), else_=0)
    keys: tuple[ColumnElement[Any], ...] = (rows.c.letter_id, rows.c.kind, rows.c.zone, at)
    counted = select(*keys[:3], at.label("at"), func.count().label("letters"), func.sum(late).label("late")).group_by(*keys).subquery()
    query = select(letters.c.name, counted.c.kind, counted.c.zone, counted.c.at, counted.c.letters, counted.c.late)
    return [HandedRow(*row) for row in await tx.execute(query.join(letters, letters.c.id == counted.c.letter_id))]


@dataclass(frozen=True, slots=True)
class ComingRow:
    """`minute` UTC, cut to quarters of an hour (every zone's offset is a multiple of these); None where no moment is known."""

    kind: str
    zone: str | None
    minute: int | None
    rule: str
    letters: int


async def count_open(tx: AsyncConnection) -> list[ComingRow]:
    """Letters that have their row and have not left, by kind, the person's zone and the quarter of an hour they are due."""
    at = minute(tx, deliveries.c.due_at)
    quarter = at - at % literal_column("15", Integer)
    keys = (deliveries.c.kind, subscribers.c.timezone, quarter)
    query = (
        select(deliveries.c.kind, subscribers.c.timezone, quarter, func.count())
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(text(OPEN_ROWS))
        .group_by(*keys)
    )
    return [ComingRow(kind, zone, due, "", letters) for kind, zone, due, letters in await tx.execute(query)]


async def count_waiting(tx: AsyncConnection) -> list[tuple[str, str | None, str | None, str, int]]:
    """What the planner last said of ways that wait: (letter, the person's zone, hour `2026-03-04T10` UTC or None, rule, people)."""
    letter = enrolments.c.decision["letter"].as_string()
    until = func.substr(enrolments.c.decision["until"].as_string(), 1, 13)
    rule = enrolments.c.decision["rule"].as_string()
    zone, name = subscribers.c.timezone.label("zone"), documents.c.name.label("doc")
    inner = (
        select(letter.label("letter"), zone, until.label("until"), rule.label("rule"), name)
        .join(subscribers, subscribers.c.id == enrolments.c.subscriber_id)
        .join(documents, documents.c.id == enrolments.c.sequence_id)
        .where(enrolments.c.state == "active", enrolments.c.decision["decision"].as_string() == "wait")
        .subquery()
    )
    keys = (inner.c.doc, inner.c.letter, inner.c.zone, inner.c.until, inner.c.rule)
    rows = await tx.execute(select(*keys, func.count()).group_by(*keys))
    return [(_full(doc, name), zone, hour, why or "", people) for doc, name, zone, hour, why, people in rows]


def _full(document: str, letter: str | None) -> str:
    """The planner may write a letter's id or its whole name."""
    return letter if letter and "/" in letter else f"{document}/{letter or ''}"


async def letter_kinds(tx: AsyncConnection) -> dict[str, str]:
    """Kind of every letter by its name."""
    return {row.name: row.kind for row in await tx.execute(select(letters.c.name, letters.c.kind))}


async def count_answering(tx: AsyncConnection, since: datetime) -> int:
    """People who clicked, replied or answered by their own hand since then."""
    query = select(func.count(distinct(events.c.subscriber_id))).where(
        events.c.type.in_(("clicked", "replied", "answered", "converted")), events.c.at >= since, events.c.evidence == Evidence.HUMAN
    )
    return (await tx.execute(query)).scalar_one()


async def sold_to(tx: AsyncConnection, since: datetime, limit: int | None) -> list[int]:
    """People who were sent a sales letter since then: all of them in order of their ids, or those of the newest `limit` letters."""
    query = select(deliveries.c.subscriber_id).where(
        deliveries.c.kind == Kind.SALES, deliveries.c.state == State.ACCEPTED, deliveries.c.accepted_at >= since
    )
    if limit is None:
        return list((await tx.execute(query.distinct().order_by(deliveries.c.subscriber_id))).scalars())
    return sorted(set((await tx.execute(query.order_by(deliveries.c.accepted_at.desc()).limit(limit))).scalars()))


@dataclass(frozen=True, slots=True)
class PastRow:
    subscriber: int
    delivery: int
    kind: str
    at: datetime
    state: str
    dup_risk: int
    lane: str


async def letters_of_people(tx: AsyncConnection, ids: Sequence[int]) -> list[PastRow]:
    """Every letter of the mix these people got or may have got, by person and in the order of handing over."""
    d = deliveries.c
    query = (
        select(d.subscriber_id, d.id, d.kind, d.handed_at, d.state, d.dup_risk, lanes.c.name)
        .join(lanes, lanes.c.id == deliveries.c.lane_id)
        .where(
            deliveries.c.subscriber_id.in_(ids), deliveries.c.kind.in_([k.value for k in _MIX_KINDS]),
            deliveries.c.state.in_((State.ACCEPTED.value, State.UNKNOWN.value)), deliveries.c.handed_at.is_not(None),
        )
        .order_by(deliveries.c.subscriber_id, deliveries.c.handed_at, deliveries.c.id)
    )  # fmt: skip
    return [PastRow(*row) for row in await tx.execute(query)]


async def stays_of_people(tx: AsyncConnection, ids: Sequence[int]) -> list[tuple[int, str, datetime, datetime | None]]:
    """(person, sequence, enrolled at, ended at) of every way of these people."""
    query = (
        select(enrolments.c.subscriber_id, documents.c.name, enrolments.c.enrolled_at, enrolments.c.ended_at)
        .join(documents, documents.c.id == enrolments.c.sequence_id)
        .where(enrolments.c.subscriber_id.in_(ids))
    )
    return [tuple(row) for row in await tx.execute(query)]

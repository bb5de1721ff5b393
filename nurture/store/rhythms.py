"""When people act: letters and acts by moment and zone for hours and heat maps, the two arms of the comparison, and the pulls learned.

Each count is one grouped statement over the letters asked for and the first act of a person's own hand on each.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, and_, case, func, literal_column, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.heat import ANSWERED_WITHIN_DAYS, Counted
from nurture.domain.lift import Arm
from nurture.domain.rhythm import AT_ONCE, HOURS, PROMPT, Pulls, Tally, Timing
from nurture.domain.words import EventType, Evidence, Kind
from nurture.store.dialect import minute
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import COMPARED

_d, _v, _lanes = METADATA.tables["deliveries"].c, METADATA.tables["events"].c, METADATA.tables["lanes"].c
_pulls = METADATA.tables["pulls"]
PART = 20_000
_PLACE = (_d.accepted_at, _d.id)
_NEWEST_FIRST = tuple(c.desc() for c in _PLACE)
ACTS = tuple(t.value for t in (EventType.OPENED, EventType.CLICKED, EventType.REPLIED, EventType.ANSWERED))
_ANSWERED = literal_column(str(ANSWERED_WITHIN_DAYS * 24 * 60), Integer)
_HOUR, _QUARTER, _DAY = (literal_column(str(n), Integer) for n in (60, 15, HOURS))
_PROMPT, _AT_ONCE = (literal_column(str(span // timedelta(minutes=1)), Integer) for span in (PROMPT, AT_ONCE))


def _first_acts(tx: AsyncConnection, query: Select[Any], newest: int | None, *names: str) -> Subquery:
    """(names, came, acted) of each letter of the query, in whole minutes since 1970; `acted` is None where nobody did."""
    chosen = (query if newest is None else query.order_by(*_NEWEST_FIRST).limit(newest)).subquery()
    own = and_(_v.delivery_id == chosen.c.id, _v.type.in_(ACTS), _v.evidence == Evidence.HUMAN.value)
    came, acted = minute(tx, chosen.c.accepted_at).label("came"), minute(tx, func.min(_v.at)).label("acted")
    columns = [chosen.c[name] for name in names]
    first = select(*columns, came, acted).select_from(chosen.outerjoin(METADATA.tables["events"], own))
    return first.group_by(chosen.c.id, chosen.c.accepted_at, *columns).subquery()


@dataclass(frozen=True, slots=True)
class Answered:
    """Some letters with the first act on each. Read the counts in turn."""

    tx: AsyncConnection
    rows: Subquery

    @classmethod
    def of(cls, tx: AsyncConnection, since: datetime, newest: int | None = None) -> "Answered":
        """Those accepted since a moment; of them the newest only, where a number is given."""
        return cls(tx, _first_acts(tx, _accepted(since), newest, "lane_id", "zone"))

    @classmethod
    async def that_teach(cls, tx: AsyncConnection, since: datetime, newest: int, part: int = PART) -> AsyncIterator["Answered"]:
        """The newest whose hour was left to chance, in parts, since a statement keeps what it groups in memory."""
        rest = taught = _accepted(since).where(_by_chance(tx))
        for taken in range(0, newest, part):
            size = min(part, newest - taken)
            yield cls(tx, _first_acts(tx, rest, size, "lane_id", "zone"))
            ends = rest.with_only_columns(*_PLACE).order_by(*_NEWEST_FIRST).offset(size - 1).limit(1)
            last = (await tx.execute(ends)).first()
            if last is None:
                return
            rest = taught.where(tuple_(*_PLACE) < tuple_(*last, types=[c.type for c in _PLACE]))

    async def letters(self) -> list[Counted]:
        """By the quarter of an hour they came: every zone's offset is a multiple of these."""
        c = self.rows.c
        answered = func.sum(case((c.acted - c.came <= _ANSWERED, 1), else_=0))
        return await self._count(c.came, func.count(), answered)

    async def acts(self, *, credited: bool = False) -> list[Counted]:
        """By the quarter of an hour in which they happened, or that they speak for."""
        return await self._count(self._credited() if credited else self.rows.c.acted, func.count(self.rows.c.acted), literal_column("0"))

    async def delays(self) -> list[int]:
        """How many acts speak for an hour of the clock so many hours after that of arrival: 24 numbers, whole days left out."""
        c = self.rows.c
        late = ((self._credited() // _HOUR - c.came // _HOUR) % _DAY).label("late")
        rows = select(late, func.count().label("acts")).where(c.acted.is_not(None)).group_by(late)
        found = {int(row.late): row.acts for row in await self.tx.execute(rows)}
        return [found.get(hour, 0) for hour in range(HOURS)]

    def _credited(self) -> ColumnElement[int]:
        c = self.rows.c
        return case((c.acted - c.came < _PROMPT, c.came), else_=c.acted)

    async def _count(self, at: ColumnElement[int], count: ColumnElement[int], answered: ColumnElement[Any]) -> list[Counted]:
        c = self.rows.c
        quarter = (at - at % _QUARTER).label("quarter")
        counted = (
            select(c.lane_id, c.zone, quarter, count.label("count"), answered.label("answered"))
            .where(at.is_not(None))
            .group_by(c.lane_id, c.zone, quarter)
            .subquery()
        )
        query = select(_lanes.name, counted.c.zone, counted.c.quarter, counted.c.count, counted.c.answered)
        rows = await self.tx.execute(query.join(counted, _lanes.id == counted.c.lane_id))
        return [Counted(lane, zone, int(at), int(n), int(k)) for lane, zone, at, n, k in rows]


def _accepted(since: datetime) -> Select[Any]:
    accepted = text("deliveries.state = 'accepted'")  # in the words of its partial index: a bound value would hide it
    return select(_d.id, _d.lane_id, _d.zone, _d.accepted_at).where(accepted, _d.accepted_at >= since, _d.kind != Kind.SERVICE.value)


def _by_chance(tx: AsyncConnection) -> ColumnElement[bool]:
    """`rhythm.teaches` in SQL."""
    planned = minute(tx, _d.accepted_at) - minute(tx, _d.created_at) >= _AT_ONCE
    return and_(_d.timing.is_(None), planned)


async def count_arms(tx: AsyncConnection, since: datetime, until: datetime, newest: int | None = None) -> dict[Timing, Arm]:
    """Letters of both arms accepted in between, and those acted on within three days, summed over people; at most the newest ones."""
    query = select(_d.id, _d.timing, _d.subscriber_id, _d.accepted_at)
    query = query.where(text(COMPARED), _d.accepted_at >= since, _d.accepted_at < until)
    first = _first_acts(tx, query, newest, "timing", "subscriber_id")
    answered = func.sum(case((first.c.acted - first.c.came <= _ANSWERED, 1), else_=0)).label("answered")
    people = select(first.c.timing, func.count().label("letters"), answered).group_by(first.c.timing, first.c.subscriber_id).subquery()
    n, r = people.c.letters, people.c.answered
    sums = select(people.c.timing, func.count(), func.sum(n), func.sum(r), func.sum(r * r), func.sum(n * n), func.sum(r * n))
    found = {Timing(row[0]): Arm(*map(int, row[1:])) for row in await tx.execute(sums.group_by(people.c.timing))}
    return {timing: found.get(timing, Arm()) for timing in Timing}


async def save_pulls(tx: AsyncConnection, pulls: Pulls, tallies: Mapping[str, Tally], now: datetime) -> None:
    """Everything anew; the list's own stands under the empty name."""
    levels = {"": pulls.everybody, **pulls.groups}
    await tx.execute(_pulls.delete())
    rows = [
        {
            "name": name, "letters": sum(tallies[name].letters), "acts": sum(tallies[name].acts), "learned_at": now,
            "expected": [round(e, 6) for e in pulls.expected], "pull": [round(p, 4) for p in level],
        }
        for name, level in levels.items()
    ]  # fmt: skip
    await tx.execute(_pulls.insert(), rows)


async def load_pulls(tx: AsyncConnection) -> Pulls | None:
    """None before anything was learned."""
    levels = {row.name: row for row in await tx.execute(select(_pulls.c.name, _pulls.c.expected, _pulls.c.pull))}
    if "" not in levels:
        return None
    groups = {name: tuple(row.pull) for name, row in levels.items() if name}
    return Pulls(tuple(levels[""].expected), tuple(levels[""].pull), groups)

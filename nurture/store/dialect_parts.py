"""The parts of `events`: PostgreSQL keeps a table for each month, so that an old month is rewritten or dropped whole; SQLite keeps one.

`events_before` holds what is older than the first month, `events_rest` what no month was made for in time. A uid is UNIQUE over all parts:
see add_events() and docs/decisions/0014-months-of-events.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import EventType
from nurture.store.tables import METADATA

EVENTS = METADATA.tables["events"]
AHEAD = 3  # months that stand ready: so long no worker may run before `events_rest` takes anything in
CHUNK = 500  # rows of one transaction on SQLite: some 10 ms of its lock
LOCK_WAIT = "3s"  # a reader that takes longer is not kept waiting behind us: the next run tries again
_REST = "events_rest"
_LIKE = "(LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
_NO_LOCK = "55P03"  # PostgreSQL's lock_not_available
_TYPES = tuple(kind.value for kind in EventType)
_BOUND = re.compile(r"FROM \((?:'([^']+)'|MINVALUE)\) TO \('([^']+)'\)")


class PartBusy(Exception):  # noqa: N818 - no fault, only too early
    """Somebody reads or writes the part for longer than we let others wait."""


@dataclass(frozen=True, slots=True)
class Part:
    """One month of events, or all before the first month (`since` None). `until` belongs to the next."""

    name: str
    since: datetime | None
    until: datetime


def month_part(day: datetime) -> Part:
    """The month in UTC that the moment is in."""
    since = day.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Part(f"events_{since:%Y_%m}", since, (since + timedelta(days=32)).replace(day=1))


async def parts_of(tx: AsyncConnection) -> list[Part]:
    """All parts that may hold something, oldest first; on SQLite the months from the oldest event to the newest."""
    if tx.dialect.name == "sqlite":
        return await _months_of(tx)
    query = (
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'events'::regclass"
    )
    rows: list[Any] = list(await tx.exec_driver_sql(query))
    found = [(name, _BOUND.search(bound)) for name, bound in rows]
    parts = [Part(name, datetime.fromisoformat(b[1]) if b[1] else None, datetime.fromisoformat(b[2])) for name, b in found if b]
    return sorted(parts, key=lambda part: part.until)


async def _months_of(tx: AsyncConnection) -> list[Part]:
    """By the index on type and moment: the table is not read."""
    ends: list[datetime] = []
    for kind in EventType:
        for order in (EVENTS.c.at.asc(), EVENTS.c.at.desc()):
            ends += (await tx.execute(select(EVENTS.c.at).where(EVENTS.c.type == kind.value).order_by(order).limit(1))).scalars()
    months = [month_part(min(ends))] if ends else []
    while months and months[-1].until <= max(ends):
        months.append(month_part(months[-1].until))
    return months


async def make_months(tx: AsyncConnection, now: datetime) -> list[str]:
    """The tables of this month and the next ones, on PostgreSQL; returns those that are new."""
    if tx.dialect.name == "sqlite":
        return []
    if not _missing(await parts_of(tx), now):
        return []
    await _wait_no_longer(tx)
    await _locked(tx, f"LOCK TABLE {_REST} IN SHARE ROW EXCLUSIVE MODE")
    made = _missing(await parts_of(tx), now)  # another worker may have been here
    for part in made:
        await tx.exec_driver_sql(f"CREATE TABLE {part.name} {_LIKE}")
        moved = f"WITH moved AS (DELETE FROM {_REST} WHERE {_inside(part)} RETURNING *)"  # noqa: S608 - our own names
        await tx.exec_driver_sql(f"{moved} INSERT INTO {part.name} SELECT * FROM moved")  # noqa: S608
        await tx.exec_driver_sql(f"ALTER TABLE events ATTACH PARTITION {part.name} FOR VALUES {_span(part)}")
    return [part.name for part in made]


def _missing(parts: Sequence[Part], now: datetime) -> list[Part]:
    end = max((part.until for part in parts), default=now)
    months = [month_part(now)]
    while len(months) <= AHEAD:
        months.append(month_part(months[-1].until))
    return [month for month in months if month.until > end]


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What goes from a part: rows where `drops` (SQL) holds, or what stands in the columns `empties` of all of them."""

    drops: str | None = None
    empties: tuple[str, ...] = ()


Place = tuple[int, datetime | None]  # which type of event, and from which moment on
START: Place = (0, None)


async def forget(tx: AsyncConnection, part: Part, what: Forgetting, place: Place) -> Place | None:
    """One step through a part; returns where to go on after the commit, None at the end. Raises PartBusy; then try again later.

    PostgreSQL puts another table in the part's place in a single step; SQLite goes through by type and moment, CHUNK rows a step.
    """
    if tx.dialect.name == "postgresql":
        await _rewrite(tx, part, what)
        return None
    number, since = place
    wanted = what.drops or " OR ".join(f"{name} IS NOT NULL" for name in what.empties)
    rows = select(EVENTS.c.id, EVENTS.c.at).where(
        EVENTS.c.type == _TYPES[number], EVENTS.c.at >= (since or part.since), EVENTS.c.at < part.until, text(f"({wanted})")
    )  # fmt: skip
    found = (await tx.execute(rows.order_by(EVENTS.c.at).limit(CHUNK))).all()
    ids = EVENTS.c.id.in_([row.id for row in found])
    if found:
        await tx.execute(delete(EVENTS).where(ids) if what.drops else update(EVENTS).where(ids).values(dict.fromkeys(what.empties)))
    if len(found) == CHUNK:
        return number, found[-1].at
    return (number + 1, None) if number + 1 < len(_TYPES) else None


async def _rewrite(tx: AsyncConnection, part: Part, what: Forgetting) -> None:
    """No dead rows are left behind, and a part of which nothing stays is gone. Readers wait only for the exchange at the end."""
    await _wait_no_longer(tx)
    await _locked(tx, f"LOCK TABLE {part.name} IN SHARE ROW EXCLUSIVE MODE")
    await tx.exec_driver_sql(f"CREATE TABLE events_anew {_LIKE}")
    columns = ", ".join(c.name for c in EVENTS.columns if c.name not in what.empties)
    kept = f"NOT ({what.drops})" if what.drops else "true"
    copied = f"INSERT INTO events_anew ({columns}) SELECT {columns} FROM {part.name} WHERE {kept}"  # noqa: S608 - our own names
    rows = (await tx.exec_driver_sql(copied)).rowcount
    await tx.exec_driver_sql(f"ALTER TABLE events_anew ADD CONSTRAINT span CHECK ({_inside(part)})")  # attaching need not look again
    await _locked(tx, f"ALTER TABLE events DETACH PARTITION {part.name}")
    await tx.exec_driver_sql(f"DROP TABLE {part.name}")
    if not rows and part.since is not None:
        await tx.exec_driver_sql("DROP TABLE events_anew")
        return
    await tx.exec_driver_sql(f"ALTER TABLE events_anew RENAME TO {part.name}")
    await _locked(tx, f"ALTER TABLE events ATTACH PARTITION {part.name} FOR VALUES {_span(part)}")
    await tx.exec_driver_sql(f"ALTER TABLE {part.name} DROP CONSTRAINT span")


async def _locked(tx: AsyncConnection, statement: str) -> None:
    try:
        await tx.exec_driver_sql(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _NO_LOCK:
            raise PartBusy(statement) from error
        raise


async def _wait_no_longer(tx: AsyncConnection) -> None:
    await tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")


def _span(part: Part) -> str:
    return f"FROM ({'MINVALUE' if part.since is None else repr(part.since.isoformat())}) TO ('{part.until.isoformat()}')"


def _inside(part: Part) -> str:
    until = f"at < '{part.until.isoformat()}'"
    return until if part.since is None else f"at >= '{part.since.isoformat()}' AND {until}"


async def hold_uids(tx: AsyncConnection, uids: Sequence[str]) -> set[str]:
    """Those of these uids that an event bears. Until the transaction ends nobody else adds one of them, as a UNIQUE index would have it.

    On PostgreSQL it could hold only uid and moment together; on SQLite it does it alone and nothing is asked.
    """
    if tx.dialect.name == "sqlite":
        return set()
    held = "SELECT pg_advisory_xact_lock(hashtextextended(uid, 0)) FROM (SELECT unnest($1::text[]) AS uid ORDER BY 1) AS wanted"
    await tx.exec_driver_sql(held, (list(uids),))
    return set((await tx.exec_driver_sql("SELECT uid FROM events WHERE uid = ANY($1::text[])", (list(uids),))).scalars())

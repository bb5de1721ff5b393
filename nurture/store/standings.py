"""Standings: read and written in bulk, packed and unpacked here."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.sql.sqltypes import UTCDateTime

from nurture.domain.signs import Signs
from nurture.domain.standing import (
    FlagBit,
    Standing,
    pack_entries,
    pack_instants,
    pack_peaks,
    unpack_entries,
    unpack_instants,
    unpack_peaks,
)  # fmt: skip
from nurture.domain.words import Engagement, Temperature
from nurture.store.dialect import seconds
from nurture.store.ledger import pieces, subscribers
from nurture.store.tables import METADATA
from nurture.store.tables.standings import NEVER

standings = METADATA.tables["standings"]
_s = standings.c
_PACKED: dict[str, Callable[[Any], bytes]] = {
    "recent": pack_entries,
    "answers": pack_instants,
    "purchases": pack_instants,
    "peaks": pack_peaks,
}
_COLUMNS = [c.name for c in standings.columns if c.name not in ("subscriber_id", "plan_at", "served_at")]


def _read(row: RowMapping) -> Standing:
    values = {name: row[name] for name in _COLUMNS}
    values |= {
        "recent": unpack_entries(bytes(row["recent"])), "answers": unpack_instants(bytes(row["answers"])),
        "purchases": unpack_instants(bytes(row["purchases"])), "peaks": unpack_peaks(bytes(row["peaks"])),
        "acts": bytes(row["acts"] or b""), "engagement": Engagement(row["engagement"]), "flags": FlagBit(row["flags"]),
        "temperature": Temperature(row["temperature"]),
    }  # fmt: skip
    return Standing(subscriber_id=row["subscriber_id"], **values)


def _written(standing: Standing) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: _PACKED[name](getattr(standing, name)) if name in _PACKED else getattr(standing, name) for name in _COLUMNS
    }
    values |= {"flags": int(standing.flags), "engagement": standing.engagement.value, "temperature": standing.temperature.value}
    return values | {"acts": standing.acts or None, "served_at": standing.recent[-1].at if standing.recent else NEVER}


async def load_standings(tx: AsyncConnection, ids: Iterable[int], *, lock: bool = False) -> dict[int, Standing]:
    """Standings by person; with `lock` held until the transaction ends (PostgreSQL; SQLite has one writer)."""
    found: dict[int, Standing] = {}
    for piece in pieces(sorted(set(ids))):
        query = select(standings).where(_s.subscriber_id.in_(piece)).order_by(_s.subscriber_id)
        rows = await tx.execute(query.with_for_update() if lock else query)
        found.update((row["subscriber_id"], _read(row)) for row in rows.mappings())
    return found


async def stream_signs(tx: AsyncConnection, after: int, limit: int) -> list[Signs]:
    """The next subscribed people by id with what classes are judged by: for runs over the whole list in flat memory. Nothing is locked."""
    beyond = (_s.subscriber_id > after, subscribers.c.id > after)  # said twice: PostgreSQL carries no `>` over a join
    rows = await tx.execute(_signs(tx).where(*beyond).order_by(_s.subscriber_id).limit(limit))
    return [Signs._make(row) for row in rows]


async def load_signs(tx: AsyncConnection, ids: Iterable[int]) -> list[Signs]:
    """The same of those of these people who are subscribed; their standings stay theirs until the transaction ends (PostgreSQL)."""
    found: list[Signs] = []
    for piece in pieces(sorted(set(ids))):
        query = _signs(tx).where(_s.subscriber_id.in_(piece)).order_by(_s.subscriber_id).with_for_update(of=standings)
        found += [Signs._make(row) for row in await tx.execute(query)]
    return found


def _signs(tx: AsyncConnection) -> Select[Any]:
    """The columns of `Signs`. Instants come as seconds, and packed values as they are: neither is made into objects here."""
    columns = {name: _s[name] for name in Signs._fields if name in _s}
    columns |= {name: _s[f"{name}_at"] for name in ("last_sign", "bought", "wanted", "asked", "refused")}
    columns |= {"scored": _s.score_at, "joined": subscribers.c.joined_at, "tracking": subscribers.c.tracking}
    chosen = [seconds(tx, c) if isinstance(c.type, UTCDateTime) else c for c in (columns[name] for name in Signs._fields)]
    people = standings.join(subscribers, subscribers.c.id == _s.subscriber_id)
    return select(*chosen).select_from(people).where(subscribers.c.status == "subscribed")


async def stream_ids(tx: AsyncConnection, after: int, limit: int) -> list[int]:
    """The next people by id: for runs that pass over the whole list in flat memory."""
    query = select(_s.subscriber_id).where(_s.subscriber_id > after).order_by(_s.subscriber_id).limit(limit)
    return list((await tx.execute(query)).scalars())


async def save_standings(tx: AsyncConnection, changed: Iterable[Standing]) -> None:
    rows = [{"key": s.subscriber_id} | {f"new_{k}": v for k, v in _written(s).items()} for s in changed]
    if rows:
        values = {name: bindparam(f"new_{name}", type_=_s[name].type) for name in (*_COLUMNS, "served_at")}
        await tx.execute(update(standings).where(_s.subscriber_id == bindparam("key")).values(values), rows)


async def look_now(tx: AsyncConnection, ids: Iterable[int], now: datetime) -> None:
    """Put them on the planner's agenda (store/agenda.py)."""
    for piece in pieces(sorted(set(ids))):
        await tx.execute(update(standings).where(_s.subscriber_id.in_(piece)).values(plan_at=now))

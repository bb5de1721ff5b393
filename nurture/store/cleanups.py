"""Cleanups under way: the run of each, its moves, and what the ledger counts of it. Its people: store/cleanup_members.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.cleanup.sampling import Draw
from nurture.domain.cleanup.steps import SETTLE
from nurture.domain.cleanup.words import RUNNING, CleanupState
from nurture.domain.documents import Cleanup, lane_name
from nurture.store.documents import load_documents
from nurture.store.ledger import deliveries, lanes, letters
from nurture.store.tables import METADATA

cleanups = METADATA.tables["cleanups"]
moves = METADATA.tables["cleanup_moves"]
_documents = METADATA.tables["documents"]
_c, _m, _d, _l = cleanups.c, moves.c, deliveries.c, lanes.c


@dataclass(frozen=True, slots=True)
class Run:
    """A cleanup that was started. `lane_flag`: running, or why its letters stand still. The other columns are those of the table."""

    document_id: int
    document: Cleanup
    state: CleanupState
    lane_id: int
    lane_flag: str
    step: int
    started_at: datetime
    step_at: datetime
    drawn_to: int
    filled_at: datetime | None
    held: int
    canary: int
    treated: int
    judged_at: datetime | None
    settled_at: datetime | None
    paused_at: datetime | None
    ended_at: datetime | None
    warned: str
    exempt: Mapping[str, int]
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def draw(self) -> Draw:
        return Draw.of(self.held, self.canary, self.treated)


_OWN = [name for name in Run.__dataclass_fields__ if name in _c and name != "document_id"]


async def load_runs(tx: AsyncConnection, now: datetime) -> list[Run]:
    """Those that run, and those that ended so lately that answers still count; by id."""
    lately = and_(_documents.c.state == CleanupState.STOPPED.value, _c.ended_at > now - SETTLE - timedelta(days=1))
    return await _load(tx, or_(_documents.c.state.in_([s.value for s in RUNNING]), lately))


async def load_run(tx: AsyncConnection, document_id: int) -> Run | None:
    return next(iter(await _load(tx, _c.document_id == document_id)), None)


async def _load(tx: AsyncConnection, which: Any) -> list[Run]:
    query = select(cleanups, _documents.c.state, _documents.c.name.label("name")).join(_documents, _documents.c.id == _c.document_id)
    rows = (await tx.execute(query.where(which).order_by(_c.document_id))).mappings().all()
    if not rows:
        return []
    documents = {s.id: s.document for s in await load_documents(tx, "cleanup")}
    flags = {row.name: row for row in await tx.execute(select(_l.id, _l.name, _l.flag).where(_l.name.startswith("cleanup:")))}
    found = []
    for row in rows:
        document = documents[row["document_id"]]
        if isinstance(document, Cleanup):
            lane = flags[lane_name(document)]
            own = {name: row[name] for name in _OWN}
            found.append(Run(row["document_id"], document, CleanupState(row["state"]), lane.id, lane.flag, **own))
    return found


async def begin_run(tx: AsyncConnection, document_id: int, now: datetime, before: Mapping[str, Any]) -> None:
    row = {"document_id": document_id, "started_at": now, "step_at": now, "before": dict(before), "exempt": {}, "after": {}}
    await tx.execute(insert(cleanups).values(**row))


async def change_run(tx: AsyncConnection, document_id: int, **values: Any) -> None:
    await tx.execute(update(cleanups).where(_c.document_id == document_id).values(**values))


async def add_move(
    tx: AsyncConnection, document_id: int, old: str, new: str, reason: str, numbers: Mapping[str, Any], now: datetime
) -> None:  # fmt: skip
    row = {"document_id": document_id, "old": old, "new": new, "reason": reason, "numbers": dict(numbers), "at": now}
    await tx.execute(insert(moves).values(**row))


@dataclass(frozen=True, slots=True)
class MoveLine:
    old: str
    new: str
    reason: str
    numbers: Mapping[str, Any]
    at: datetime


async def load_moves(tx: AsyncConnection, document_id: int) -> list[MoveLine]:
    """Oldest first."""
    query = select(_m.old, _m.new, _m.reason, _m.numbers, _m.at).where(_m.document_id == document_id).order_by(_m.id)
    return [MoveLine(*row) for row in await tx.execute(query)]


async def count_reached(tx: AsyncConnection, lane_id: int) -> tuple[int, int, int]:
    """(people with an accepted letter, those and people whose letter was refused, accepted letters); read from one narrow index."""
    accepted = _d.state == "accepted"
    query = select(
        func.count(_d.subscriber_id.distinct()).filter(accepted), func.count(_d.subscriber_id.distinct()), func.count().filter(accepted)
    ).where(_d.rule == "cleanup", _d.lane_id == lane_id, _d.state.in_(("accepted", "rejected")))
    people, tried, letters = (await tx.execute(query)).one()
    return people, tried, letters


async def last_first(tx: AsyncConnection, lane_id: int, letter: str) -> datetime | None:
    """When the last of the first offers was accepted."""
    first = select(letters.c.id).where(letters.c.name == letter).scalar_subquery()
    accepted = (_d.rule == "cleanup", _d.lane_id == lane_id, _d.state == "accepted", _d.letter_id == first)
    found: datetime | None = (await tx.execute(select(func.max(_d.accepted_at)).where(*accepted))).scalar()
    return found

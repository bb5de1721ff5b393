"""What rules may answer, read once: moves, events and stages of ways that no sweep has seen yet, by a mark on each. Nothing here commits.

A mark, not a cursor: commits are not in id order. What is read here is held until the transaction ends, rows that another worker holds
are passed over (PostgreSQL), and mark_seen() says which of it was dealt with.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.reacting import WAIT, Cause, Event, Move, Step
from nurture.domain.rules import Stage
from nurture.domain.words import EventType, Evidence, Kind
from nurture.store.dialect import skip_locked
from nurture.store.ledger import deliveries, letters, pieces
from nurture.store.tables import METADATA

moves, events, enrolments, documents = (METADATA.tables[n] for n in ("moves", "events", "enrolments", "documents"))
_m, _v, _e = moves.c, events.c, enrolments.c
_MOVE = (_m.id, _m.subscriber_id, _m.at, _m.what, _m.old, _m.new)
_SEEN = (EventType.OPENED, EventType.CLICKED)
_STAGES: dict[str, Stage] = {"done": "done", "goal": "goal", "exited": "exited", "left": "exited"}


@dataclass(frozen=True, slots=True)
class Heard:
    """An event with what webhooks tell of it beside."""

    event: Event
    evidence: str
    reason: str
    value: float | None
    currency: str | None


async def new_moves(tx: AsyncConnection, since: datetime, limit: int) -> list[Move]:
    """Moves that no rule has seen; withdrawn_moves() takes the others."""
    query = select(_m.id).where(text("moves.reacted = 0"), _m.withdrawn == 0, _m.at >= since).order_by(_m.at, _m.id).limit(limit)
    return await _moves(tx, await _hold(tx, query))


async def withdrawn_moves(tx: AsyncConnection, limit: int) -> list[Move]:
    """Moves that only take back an earlier one, since a verdict fell; marked as seen. Rules do not answer them: they undo by them."""
    query = select(_m.id).where(text("moves.reacted = 0 AND moves.withdrawn = 1")).order_by(_m.id).limit(limit)
    ids = await _hold(tx, query)
    await _mark(tx, _m.id, ids, {"reacted": 1})
    return await _moves(tx, ids)


async def answered_by(tx: AsyncConnection, fallen: Move) -> Move | None:
    """The move that a fallen verdict took back: the person's last one that led to where this one starts."""
    query = select(*_MOVE).where(
        _m.subscriber_id == fallen.subscriber_id, _m.what == fallen.what, _m.new == fallen.old, _m.id < fallen.id, _m.withdrawn == 0
    )  # fmt: skip
    row = (await tx.execute(query.order_by(_m.id.desc()).limit(1))).one_or_none()
    return Move(*row) if row else None


async def _moves(tx: AsyncConnection, ids: Sequence[int]) -> list[Move]:
    read = select(*_MOVE).order_by(_m.id)
    return [Move(*row) for piece in pieces(ids) for row in await tx.execute(read.where(_m.id.in_(piece)))]


async def new_events(tx: AsyncConnection, types: Iterable[str], since: datetime, now: datetime, limit: int) -> list[Heard]:
    """Events of these types that have stood their minute, or whose verdict is settled."""
    ripe = or_(_v.settles_at <= now, _v.at <= now - WAIT)
    query = select(_v.id).where(text("events.reacted = 0"), _v.type.in_(sorted(types)), _v.at >= since, _v.at <= now, ripe)
    return await _events(tx, await _hold(tx, query.order_by(_v.at, _v.id).limit(limit)))


async def judged_anew(tx: AsyncConnection, limit: int) -> list[Heard]:
    """Events whose verdict has changed since they were seen, marked as seen again."""
    query = select(_v.id).where(text("events.reacted > 1")).order_by(_v.id).limit(limit)
    ids = await _hold(tx, query)
    await _mark(tx, _v.id, ids, {"reacted": 1})
    return await _events(tx, ids)


async def anything_fallen(tx: AsyncConnection) -> bool:
    """Whether judged_anew() or withdrawn_moves() has something; asked by reading, for houses without rules."""
    event = exists(select(_v.id).where(text("events.reacted > 1")))
    move = exists(select(_m.id).where(text("moves.reacted = 0 AND moves.withdrawn = 1")))
    return bool((await tx.execute(select(or_(event, move)))).scalar_one())


async def new_entries(tx: AsyncConnection, sequence_ids: Iterable[int], since: datetime, limit: int) -> list[Step]:
    """Ways that began."""
    query = select(_e.id).where(text("enrolments.entry_reacted = 0"), _e.sequence_id.in_(sorted(sequence_ids)), _e.enrolled_at >= since)
    ids = await _hold(tx, query.order_by(_e.enrolled_at, _e.id).limit(limit))
    return [Step(row.id, row.subscriber_id, row.enrolled_at, "entered", row.name) for row in await _ways(tx, ids)]


async def new_ends(tx: AsyncConnection, sequence_ids: Iterable[int], since: datetime, limit: int) -> list[Step]:
    """Ways that ended; those that a fallen verdict took back are none."""
    query = select(_e.id).where(text("enrolments.end_reacted = 0"), _e.sequence_id.in_(sorted(sequence_ids)), _e.ended_at >= since)
    ids = await _hold(tx, query.where(_e.state.in_(_STAGES)).order_by(_e.ended_at, _e.id).limit(limit))
    return [Step(row.id, row.subscriber_id, row.ended_at, _STAGES[row.state], row.name) for row in await _ways(tx, ids)]


async def mark_seen(tx: AsyncConnection, causes: Iterable[Cause]) -> None:
    """No sweep looks at these again."""
    seen: dict[str, list[int]] = {"moves": [], "events": [], "entries": [], "ends": []}
    for cause in causes:
        match cause:
            case Move():
                seen["moves"].append(cause.id)
            case Event():
                seen["events"].append(cause.id)
            case Step():
                seen["entries" if cause.stage == "entered" else "ends"].append(cause.enrolment_id)
    await _mark(tx, _m.id, seen["moves"], {"reacted": 1})
    await _mark(tx, _v.id, seen["events"], {"reacted": 1})
    await _mark(tx, _e.id, seen["entries"], {"entry_reacted": 1})
    await _mark(tx, _e.id, seen["ends"], {"end_reacted": 1})


async def _hold(tx: AsyncConnection, query: Select[Any]) -> Sequence[int]:
    return list((await tx.execute(skip_locked(tx, query))).scalars())


async def _mark(tx: AsyncConnection, key: ColumnElement[int], ids: Sequence[int], mark: dict[str, int]) -> None:
    table: Any = key.table
    for piece in pieces(ids):
        await tx.execute(update(table).where(key.in_(piece)).values(mark))


async def _events(tx: AsyncConnection, ids: Sequence[int]) -> list[Heard]:
    read = (
        select(
            _v.id, _v.subscriber_id, _v.at, _v.type, _v.evidence, letters.c.name.label("letter"), deliveries.c.kind, _v.url, _v.name,
            _v.reason, _v.value, _v.currency,
        )
        .outerjoin(deliveries, and_(deliveries.c.id == _v.delivery_id))
        .outerjoin(letters, letters.c.id == deliveries.c.letter_id)
        .order_by(_v.at, _v.id)
    )  # fmt: skip
    return [_heard(row) for piece in pieces(ids) for row in await tx.execute(read.where(_v.id.in_(piece)))]


def _heard(row: Any) -> Heard:
    """An open or a click counts only when a person is behind it; of the rest only what is known to be a machine is left out."""
    kind = EventType(str(row.type))
    believed = row.evidence == Evidence.HUMAN.value if kind in _SEEN else row.evidence != Evidence.MACHINE.value
    letter_kind = Kind(str(row.kind)) if row.kind else None
    event = Event(row.id, row.subscriber_id, row.at, kind, believed, row.letter, letter_kind, row.url, row.name)
    return Heard(event, row.evidence, row.reason, row.value, row.currency)


async def _ways(tx: AsyncConnection, ids: Sequence[int]) -> list[Any]:
    read = select(_e.id, _e.subscriber_id, _e.enrolled_at, _e.ended_at, _e.state, documents.c.name).join(
        documents, documents.c.id == _e.sequence_id
    )
    return [row for piece in pieces(ids) for row in await tx.execute(read.where(_e.id.in_(piece)).order_by(_e.id))]

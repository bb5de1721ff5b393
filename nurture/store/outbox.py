"""The planner's side of the ledger: rows in, the person's one open row, giving its place to a better letter, taking a cancellation back.

The sender's side is store/claims.py and store/results.py. Nothing here commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, exists, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.capacity import minute_of
from nurture.domain.delivery import OPEN, REOPENABLE
from nurture.domain.words import Kind, State
from nurture.store.dialect import within_minute
from nurture.store.dialect_batch import moment
from nurture.store.dialect_bulk import insert_rows, rows_of
from nurture.store.ledger import deliveries, pieces
from nurture.store.tables.deliveries import DUE, STILL_OPEN

DedupKey = tuple[int, int, str]
_DUE = (State.PENDING.value, State.DEFERRED.value)
_REPLACED = ("version_id", "variant", "lane_id", "enrolment_id", "reason", "rule", "timing")
_d = deliveries.c
_DEFAULTS: dict[str, str | int] = {c.name: c.default.arg for c in deliveries.columns if c.default is not None}  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class OpenRow:
    """The row that keeps a person's one place. `zone` is None before hand-off."""

    id: int
    subscriber_id: int
    letter_id: int
    occasion: str
    lane_id: int
    enrolment_id: int | None
    kind: Kind
    state: State
    due_at: datetime
    closes_at: datetime | None
    created_at: datetime
    dup_risk: int


_OPEN_ROWS = select(*(_d[name] for name in OpenRow.__dataclass_fields__)).where(
    text(f"{STILL_OPEN} AND kind <> 'service'")
)


def _key(row: Mapping[Any, Any]) -> DedupKey:
    return row["letter_id"], row["subscriber_id"], row["occasion"]


async def plan_rows(tx: AsyncConnection, rows: Iterable[Mapping[str, Any]]) -> set[DedupKey]:
    """Write rows (columns of Delivery by name, the same in each); those whose key exists or whose person has an open row are passed over.

    Returns the keys (letter_id, subscriber_id, occasion) that went in. Rows go in by subscriber, so that two planners never wait in a ring.
    """
    ready = sorted(rows, key=lambda r: int(r["subscriber_id"]))
    if not ready:
        return set()
    columns = tuple(ready[0])
    constants = {name: value for name, value in _DEFAULTS.items() if name not in ready[0]}
    values = [tuple(row.values()) for row in ready]
    return set(map(tuple, await insert_rows(tx, deliveries, columns, values, ("letter_id", "subscriber_id", "occasion"), constants)))


async def open_rows(tx: AsyncConnection, subscriber_ids: Iterable[int]) -> dict[int, OpenRow]:
    """The open row of each person who has one, service letters aside."""
    found: dict[int, OpenRow] = {}
    for ids in pieces(subscriber_ids):
        for row in await rows_of(tx, _OPEN_ROWS, _d.subscriber_id, ids):
            due, closes, created = map(moment, (row.due_at, row.closes_at, row.created_at))
            words = {"kind": Kind(row.kind), "state": State(row.state)}
            found[row.subscriber_id] = OpenRow(**row._asdict() | words | {"due_at": due, "closes_at": closes, "created_at": created})
    return found


async def waiting_by_minute(tx: AsyncConnection) -> dict[int, int]:
    """Letters that wait to leave by the minute they are due (since 1970, UTC), service letters aside."""
    query = select(func.min(_d.due_at), func.count()).where(text(DUE), _d.kind != Kind.SERVICE.value)
    rows = await tx.execute(query.group_by(within_minute(tx, _d.due_at)))
    return {minute_of(first): letters for first, letters in rows}


async def outrank(tx: AsyncConnection, ids: Iterable[int], now: datetime) -> set[int]:
    """Waiting rows give their place to a letter that goes before them; returns the people whose place is free now."""
    return await cancel_rows(tx, ids, "outranked", now)


async def cancel_rows(tx: AsyncConnection, ids: Iterable[int], reason: str, now: datetime) -> set[int]:
    """Cancel these rows where they still wait; returns their people. A claimed, sending or unknown row is left alone: it is waited for."""
    freed: set[int] = set()
    for piece in pieces(sorted(set(ids))):
        statement = _cancelled(reason, now).where(_d.id.in_(piece), _d.state.in_(_DUE)).returning(_d.subscriber_id)
        freed.update((await tx.execute(statement)).scalars())
    return freed


def _cancelled(reason: str, now: datetime) -> Any:
    return update(deliveries).values(state=State.CANCELLED.value, outcome=reason, ended_at=now, worker_id=None, folded=0)


async def cancel_open(
    tx: AsyncConnection, reason: str, now: datetime, *, subscriber_id: int | None = None, lane_id: int | None = None,
    kinds: Sequence[str] | None = None, letter_ids: Sequence[int] | None = None, at_most: int | None = None,
) -> int:  # fmt: skip
    """Cancel what waits (pending, deferred) of one person or lane, all or only some kinds or letters; returns how many rows.

    Service letters stay unless `kinds` names them. Claimed rows fall at the intent. With `at_most` a lane follows in chunks.
    """
    wanted: list[ColumnElement[bool]] = [_d.kind.in_(kinds) if kinds is not None else _d.kind != Kind.SERVICE.value]
    if subscriber_id is not None:
        wanted.append(_d.subscriber_id == subscriber_id)
    if lane_id is not None:
        wanted.append(_d.lane_id == lane_id)
    if letter_ids is not None:
        wanted.append(_d.letter_id.in_(letter_ids))
    chosen = select(_d.id).where(text(DUE), *wanted).order_by(_d.id).limit(at_most)
    statement = _cancelled(reason, now).where(_d.id.in_(chosen), _d.state.in_(_DUE)).returning(_d.id)
    return len((await tx.execute(statement)).all())


async def give_back(tx: AsyncConnection, subscriber_id: int, left_at: datetime) -> None:
    """Leave to the planner what was cancelled because the person left at this moment: they came back, as after a pause."""
    fell = (_d.subscriber_id == subscriber_id, _d.kind != Kind.SERVICE.value, _d.state == State.CANCELLED.value)
    await tx.execute(
        update(deliveries).where(*fell, _d.outcome == "left", _d.ended_at >= left_at).values(outcome="paused", folded=0)
    )


async def reopen(tx: AsyncConnection, rows: Iterable[Mapping[str, Any]], now: datetime) -> set[DedupKey]:
    """Take back a cancellation (paused, outranked, missed) when that letter is the person's next again.

    Each row names its key, `due_at`, `closes_at` and, where they change, `version_id`, `variant`, `lane_id`, `enrolment_id`, `reason`,
    `rule`: what plan_rows() passed over may be given as it is. The fence rises, tries and `dup_risk` stay, and the time spent cancelled
    does not count towards giving up. A person with another open row keeps that one. Returns the keys that are pending now.
    """
    wanted = {_key(row): row for row in rows}
    reopened: set[DedupKey] = set()
    for piece in pieces(sorted(wanted, key=lambda k: k[1]), 2_000):
        old = [row for row in await _cancellations(tx, piece) if _key(row) in wanted]
        reopened.update(_key(change) for change in await _reopen(tx, [_reopening(row, wanted[_key(row)], now) for row in old]))
    return reopened


async def _cancellations(tx: AsyncConnection, keys: Sequence[DedupKey]) -> Sequence[RowMapping]:
    other = deliveries.alias("other")
    taken = exists().where(
        other.c.subscriber_id == _d.subscriber_id, other.c.kind != Kind.SERVICE.value, other.c.state.in_([s.value for s in OPEN])
    )  # fmt: skip
    question = select(deliveries).where(
        _d.subscriber_id.in_({k[1] for k in keys}), _d.letter_id.in_({k[0] for k in keys}),
        _d.state == State.CANCELLED.value, _d.outcome.in_(REOPENABLE), ~taken,
    ).order_by(_d.subscriber_id, _d.id).with_for_update()  # fmt: skip
    return (await tx.execute(question)).mappings().all()


def _reopening(old: Mapping[Any, Any], new: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    rest = now - old["ended_at"] if old["ended_at"] else timedelta(0)
    return {
        "row": old["id"], "letter_id": old["letter_id"], "subscriber_id": old["subscriber_id"], "occasion": old["occasion"],
        "due": new["due_at"], "closes": new.get("closes_at"), "first": old["first_try_at"] + rest if old["first_try_at"] else None,
        **{f"new_{name}": new.get(name, old[name]) for name in _REPLACED},
    }  # fmt: skip


async def _reopen(tx: AsyncConnection, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All at once; when another planner took a place in between (PostgreSQL), one by one, leaving out those who lost it."""
    first: dict[int, dict[str, Any]] = {}
    for change in changes:
        first.setdefault(change["subscriber_id"], change)
    changes = list(first.values())
    if not changes:
        return []
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.state == State.CANCELLED.value)
        .values(
            state=State.PENDING.value, fence=_d.fence + 1, outcome=None, ended_at=None, worker_id=None, folded=1,
            due_at=bindparam("due"), closes_at=bindparam("closes"), first_try_at=bindparam("first"),
            **{name: bindparam(f"new_{name}") for name in _REPLACED},
        )
    )  # fmt: skip
    try:
        async with tx.begin_nested():
            await tx.execute(statement, [_bound(c) for c in changes])
        return changes
    except IntegrityError:
        if len(changes) == 1:
            return []
        return [done for change in changes for done in await _reopen(tx, [change])]


def _bound(change: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in change.items() if k not in ("letter_id", "subscriber_id", "occasion")}

"""What relays and recipient domains take for now, shared by all workers; and the rows that wait for their domain's turn."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, exists, func, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.capacity import Load
from nurture.domain.throttles import Throttle
from nurture.domain.warming import WarmUp, day_of
from nurture.domain.words import State
from nurture.store.dialect import insert
from nurture.store.ledger import deliveries, lanes, workspace
from nurture.store.outbox import waiting_by_minute
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import DUE, LEASED

throttles = METADATA.tables["throttles"]
_t, _d, _l = throttles.c, deliveries.c, lanes.c
_STATE = (_t.rate, _t.slowed_at, _t.away_until, _t.trips, _t.reason)
_ALL = select(_t.id, _t.name, *_STATE).order_by(_t.name)


@dataclass(frozen=True, slots=True)
class StoredThrottle:
    """`name`: `relay:<host:port>` or `domain:<domain>`."""

    id: int
    name: str
    state: Throttle


async def load_throttles(tx: AsyncConnection) -> list[StoredThrottle]:
    """All there are, by name: a handful."""
    found = await tx.execute(_ALL)
    return [StoredThrottle(number, name, Throttle(*state)) for number, name, *state in found]


async def ensure_throttles(tx: AsyncConnection, names: Collection[str]) -> None:
    """Rows for these names, where there are none yet."""
    for name in sorted(names):
        await tx.execute(insert(tx, throttles).values(name=name, trips=0, reason="").on_conflict_do_nothing())


async def change_throttle(tx: AsyncConnection, name: str, change: Callable[[Throttle], Throttle]) -> Throttle:
    """Write what `change` makes of the stored state, which nobody else changes meanwhile; returns it."""
    await ensure_throttles(tx, [name])
    row = (await tx.execute(select(*_STATE).where(_t.name == name).with_for_update())).one()
    before = Throttle(*row)
    after = change(before)
    if after != before:
        values = {column.name: getattr(after, column.name) for column in _STATE}
        await tx.execute(update(throttles).where(_t.name == name).values(**values))
    return after


async def open_throttles(tx: AsyncConnection) -> list[str]:
    """Try everything again at once that rests; returns the names. Rates stay: those who asked for less get less."""
    resting = update(throttles).where(_t.away_until.is_not(None)).values(away_until=None, trips=0).returning(_t.name)
    return sorted((await tx.execute(resting)).scalars())


_NOW = bindparam("moment", type_=_d.due_at.type)
_ROW = (
    select(literal(1))
    .select_from(deliveries)
    .where(_d.lane_id == _l.id, _d.throttle_id == _t.id, text(DUE), _d.due_at <= _NOW)
    .correlate(lanes, throttles)
)
_PARKED = (
    select(_l.id, _l.name, _l.priority, _t.id)
    .select_from(lanes.join(throttles, literal(True)))  # all with all: a handful of lanes, a handful of domains
    .where(_l.flag == "running", _t.name.startswith("domain:"), exists(_ROW), exists().where(workspace.c.halted.is_(None)))
)


async def parked(tx: AsyncConnection, now: datetime) -> list[tuple[int, str, int, int]]:
    """Running lanes (id, name, priority) with rows due that wait for the turn of a domain (throttle id)."""
    return [(lane, name, priority, throttle) for lane, name, priority, throttle in await tx.execute(_PARKED, {"moment": now})]


async def park(tx: AsyncConnection, rows: Sequence[tuple[int, int, int]]) -> None:
    """Claimed rows (id, fence, throttle id) of a throttled domain go back and wait for its turn: once, however long that takes."""
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.CLAIMED.value)
        .values(state=State.PENDING.value, worker_id=None, throttle_id=bindparam("throttle"))
    )
    if rows:
        await tx.execute(statement, [{"row": i, "held": fence, "throttle": throttle} for i, fence, throttle in rows])


async def used_since(tx: AsyncConnection, since: datetime) -> int:
    """Letters of a warm-up's day: accepted since its beginning, or on their way now. Service letters count: receivers count them, too."""
    accepted = select(func.count()).where(text("state = 'accepted'"), _d.accepted_at >= since)
    leased = select(func.count()).select_from(deliveries).where(text(LEASED))
    total = await tx.execute(select(accepted.scalar_subquery() + leased.scalar_subquery()))
    return int(total.scalar_one())


async def load_ahead(
    tx: AsyncConnection, rate: float | None, warm_up: WarmUp | None, zone: ZoneInfo, now: datetime, every: int = 1
) -> Load | None:  # fmt: skip
    """What waits, against what the relay carries and the warm-up allows; None where nothing bounds it."""
    if rate is None and warm_up is None:
        return None
    day, began = day_of(now, zone)
    gone = {day: await used_since(tx, began)} if warm_up else None
    return Load.of(rate, await waiting_by_minute(tx), warm_up, zone, gone=gone, every=every)


async def one_claims_at_a_time(tx: AsyncConnection) -> None:
    """Until the commit, no other claim counts what is left of a day."""
    await tx.execute(select(workspace.c.id).where(workspace.c.id == 1).with_for_update())


async def parked_counts(tx: AsyncConnection) -> dict[int, int]:
    """Throttle id -> rows that wait for its turn."""
    waiting = select(_d.throttle_id, func.count()).where(_d.lane_id.in_(select(_l.id)), _d.throttle_id > 0, text(DUE))
    return {throttle: int(count) for throttle, count in await tx.execute(waiting.group_by(_d.throttle_id))}

"""The sender's way into the ledger: which lanes have work, the claim of a batch, and the intent that defines hand-off.

A claim is one commit, an intent is one durable commit; the caller opens and ends them. Only rows that intend() returns may leave.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Update, and_, bindparam, case, exists, func, literal, or_, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Kind, Kinds, State, Status
from nurture.store.dialect import skip_locked
from nurture.store.ledger import deliveries, lanes, one_of, pieces, subscribers, workspace
from nurture.store.tables.deliveries import DUE_STATES
from nurture.store.workers import alive

CLAIM_AT_ONCE = 512
WINDOW_LEFT = timedelta(seconds=10)  # an intent needs this much of its window
OPTIONAL_KINDS = (Kind.SALES.value, Kind.NEWS.value, Kind.ABOUT.value)  # what "only useful" declines
_d, _s, _l = deliveries.c, subscribers.c, lanes.c


@dataclass(frozen=True, slots=True)
class DueLane:
    id: int
    name: str
    priority: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row in one worker's hands. Every later write names its `fence`."""

    id: int
    fence: int
    subscriber_id: int
    letter_id: int
    version_id: int
    lane_id: int
    kind: Kind
    occasion: str
    message_id: str
    attempts: int
    first_try_at: datetime | None
    due_at: datetime
    closes_at: datetime | None
    dup_risk: int
    payload: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Intent:
    """What is fixed at hand-off: the zone of the person and the date there. `topic`: whose refusal keeps the letter back."""

    id: int
    fence: int
    zone: str
    local_day: date
    topic: str | None


def _not_halted() -> ColumnElement[bool]:
    return exists().where(workspace.c.id == 1, workspace.c.halted.is_(None))


_NOW: BindParameter[datetime] = bindparam("moment", type_=_d.due_at.type)
_DUE_IN_LANE = (
    select(literal(1))
    .select_from(deliveries)
    .where(_d.lane_id == _l.id, _d.throttle_id == 0, text(DUE_STATES), _d.due_at <= _NOW)
    .correlate(lanes)
)
_DUE_LANES = select(_l.id, _l.name, _l.priority).where(_l.flag == "running", exists(_DUE_IN_LANE), _not_halted())


async def due_lanes(tx: AsyncConnection, now: datetime) -> list[DueLane]:
    """Running lanes with something due, `service` first, then by priority; none while the workspace is halted."""
    return in_order([DueLane(*row) for row in await tx.execute(_DUE_LANES, {"moment": now})])


def in_order(found: Iterable[DueLane]) -> list[DueLane]:
    """`service` first, then by priority."""
    return sorted(found, key=lambda lane: (lane.name != Kind.SERVICE.value, -lane.priority, lane.id))


async def claim(
    tx: AsyncConnection, lane_id: int, worker_id: int, limit: int, now: datetime, throttle_id: int = 0
) -> list[Claimed]:  # fmt: skip
    """Take what is due in one lane, longest due first, of those who wait for no domain's turn or for that of `throttle_id`. Rows whose
    window has closed come too: the caller moves or cancels them.
    """
    due = select(_d.id).where(
        _d.lane_id == lane_id, _d.throttle_id == throttle_id, text(DUE_STATES), _d.due_at <= now,
        _lane_is(lane_id, "running"), _not_halted(), alive(worker_id),
    ).order_by(_d.due_at).limit(limit)  # fmt: skip
    chosen = skip_locked(tx, due).cte("due")
    statement = (
        update(deliveries)
        .where(_d.id.in_(select(chosen.c.id)))
        .values(state=State.CLAIMED.value, fence=_d.fence + 1, worker_id=worker_id, claimed_at=now)
        .returning(*[_d[name] for name in Claimed.__dataclass_fields__])
    )
    rows = [Claimed(**{**row, "kind": Kind(row["kind"])}) for row in (await tx.execute(statement)).mappings()]
    return sorted(rows, key=lambda row: (row.due_at, row.id))


async def count_claim(tx: AsyncConnection) -> int:
    """Number this claim; the number goes into `ledger.mark` after the commit."""
    statement = update(workspace).where(workspace.c.id == 1).values(claims=workspace.c.claims + 1).returning(workspace.c.claims)
    return int((await tx.execute(statement)).scalar_one())


def _lane_is(lane_id: Any, flag: str) -> ColumnElement[bool]:
    return exists().where(_l.id == lane_id, _l.flag == flag)


def _person(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_s.id == _d.subscriber_id, condition).correlate(deliveries)


def refusals(now: datetime | BindParameter[datetime], topic: str | None) -> dict[str, ColumnElement[bool]]:
    """Why a person may not get a row now, first match first: the reason of the cancellation and its condition over `deliveries`.

    Service letters still reach those who left (a receipt, a new opt-in), never those who bounced or complained.
    """
    service = _d.kind == Kind.SERVICE.value
    dead = one_of(_s.status, [Status.BOUNCED.value, Status.COMPLAINED.value])
    declined = and_(_s.kinds == Kinds.USEFUL.value, one_of(_d.kind, OPTIONAL_KINDS))
    if topic is not None:
        declined = or_(declined, func.coalesce(_s.topics[topic].as_boolean(), true()) != true())
    return {
        "left": or_(_person(dead), and_(~service, _person(_s.status != Status.SUBSCRIBED.value))),
        "declined": and_(~service, _person(declined)),
        "paused": and_(~service, _person(_s.paused_until > now)),
    }


async def intend(tx: AsyncConnection, rows: Iterable[Intent], worker_id: int, now: datetime) -> set[int]:
    """Hand over: the last check of person, lane, window, halt and lease. Returns the ids that may leave, within two seconds."""
    by_topic: dict[str | None, list[Intent]] = defaultdict(list)
    for row in rows:
        by_topic[row.topic].append(row)
    same = {"worker": worker_id, "moment": now, "least": now + WINDOW_LEFT}
    for topic, group in by_topic.items():
        await tx.execute(_intent(topic), [{"row": r.id, "held": r.fence, "there": r.zone, "day": r.local_day, **same} for r in group])
    leaving: set[int] = set()
    for ids in pieces(r.id for group in by_topic.values() for r in group):
        question = select(_d.id).where(_d.id.in_(ids), _d.state == State.SENDING.value, _d.worker_id == worker_id)
        leaving.update((await tx.execute(question)).scalars())
    return leaving


@lru_cache(maxsize=256)
def _intent(topic: str | None) -> Update:
    """Built once for each topic: it runs for every slice of every batch."""
    worker: BindParameter[int] = bindparam("worker", type_=_d.worker_id.type)
    return (
        update(deliveries)
        .where(
            _d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.CLAIMED.value, _d.worker_id == worker,
            or_(_d.closes_at.is_(None), _d.closes_at >= bindparam("least", type_=_d.closes_at.type)),
            *[~refused for refused in refusals(_NOW, topic).values()],
            _lane_is(_d.lane_id, "running"), _not_halted(), alive(worker),
        )
        .values(
            state=State.SENDING.value, handed_at=_NOW, first_try_at=func.coalesce(_d.first_try_at, _NOW),
            zone=bindparam("there"), local_day=bindparam("day"),
        )
    )  # fmt: skip


async def leave_out(tx: AsyncConnection, rows: Sequence[Intent], now: datetime) -> dict[int, str]:
    """Rows that did not pass the intent become cancelled (left, declined, paused, or with their lane) or pending again.

    Returns id -> the reason of the cancellation, or `pending`.
    """
    became: dict[int, str] = {}
    by_topic: dict[str | None, list[Intent]] = defaultdict(list)
    for row in rows:
        by_topic[row.topic].append(row)
    for topic, group in by_topic.items():
        why = {**refusals(now, topic), "cancelled": _lane_is(_d.lane_id, "cancelled")}
        statement = (
            update(deliveries)
            .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.CLAIMED.value)
            .values(
                state=case(*[(condition, State.CANCELLED.value) for condition in why.values()], else_=State.PENDING.value),
                outcome=case(*[(condition, reason) for reason, condition in why.items()], else_=None),
                ended_at=case((or_(*why.values()), literal(now, _d.ended_at.type)), else_=None),
                worker_id=None, folded=0,
            )
        )  # fmt: skip
        await tx.execute(statement, [{"row": r.id, "held": r.fence} for r in group])
        question = select(_d.id, _d.state, _d.outcome).where(_d.id.in_([r.id for r in group]))
        became.update({row.id: row.outcome or row.state for row in await tx.execute(question)})
    return became

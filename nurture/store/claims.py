"""The sender's way into the ledger: which lanes have work, the claim of a batch, and the intent that defines hand-off.

A claim is one commit, an intent is one durable commit; the caller opens and ends them. Only rows that intend() returns may leave.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, case, exists, func, literal, or_, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Kind, Kinds, State, Status
from nurture.store.database import Database
from nurture.store.dialect import read_json
from nurture.store.dialect_batch import Batch, Chain, moment
from nurture.store.giving_way import in_pieces
from nurture.store.lanes import BY_HAND
from nurture.store.ledger import deliveries, lanes, one_of, subscribers, workspace
from nurture.store.mark import Handed, Mark
from nurture.store.offers import answered, cleaned_by_another, of_a_cleanup, on_its_date
from nurture.store.tables.deliveries import DUE
from nurture.store.workers import alive

CLAIM_AT_ONCE = 512
WINDOW_LEFT = timedelta(seconds=10)  # an intent needs this much of its window
OPTIONAL_KINDS = (Kind.SALES.value, Kind.NEWS.value, Kind.ABOUT.value)  # what "only useful" declines
_KINDS = {kind.value: kind for kind in Kind}
_d, _s, _l = deliveries.c, subscribers.c, lanes.c


@dataclass(frozen=True, slots=True)
class DueLane:
    id: int
    name: str
    priority: int


class Claimed(NamedTuple):
    """A row in one worker's hands. Every later write names its `fence`; `payload` is what a service letter was given."""

    id: int
    fence: int
    subscriber_id: int
    version_id: int
    lane_id: int
    kind: Kind
    message_id: str
    attempts: int
    first_try_at: datetime | None
    closes_at: datetime | None
    payload: dict[str, Any] | None


class Intent(NamedTuple):
    """What is fixed at hand-off: the zone of the person and the date there. `topic`: whose refusal keeps the letter back."""

    id: int
    fence: int
    zone: str
    local_day: date
    topic: str | None


def _not_halted() -> ColumnElement[bool]:
    return exists().where(workspace.c.id == 1, workspace.c.halted.is_(None))


_NOW: BindParameter[datetime] = bindparam("moment", type_=_d.due_at.type)
_WORKER: BindParameter[int] = bindparam("worker", type_=_d.worker_id.type)
_OURS = _d.worker_id + 0 == _WORKER  # by arithmetic, so that no planner looks for a known row in the index of leases
_LONGEST_DUE = (  # the first in the index: asked whether any is due, PostgreSQL reads the table for one, past all that have left
    select(_d.due_at)
    .where(_d.lane_id == _l.id, _d.throttle_id == 0, text(DUE))
    .order_by(_d.due_at)
    .limit(1)
    .correlate(lanes)
    .scalar_subquery()
)
_DUE_LANES = Batch({}, lambda _: select(_l.id, _l.name, _l.priority).where(_l.flag == "running", _LONGEST_DUE <= _NOW, _not_halted()))


async def due_lanes(tx: AsyncConnection, now: datetime) -> list[DueLane]:
    """Running lanes with something due, `service` first, then by priority; none while the workspace is halted."""
    return in_order([DueLane(*row) for row in await _DUE_LANES.read(tx, (), moment=now)])


def in_order(found: Iterable[DueLane]) -> list[DueLane]:
    """`service` first, then by priority."""
    return sorted(found, key=lambda lane: (lane.name != Kind.SERVICE.value, -lane.priority, lane.id))


_CHOSEN = Batch({}, lambda _given: _due_in_lane())
_TAKE = Batch(
    {"row": _d.id.type},
    lambda given: update(deliveries)
    .where(_d.id == given.c.row)
    .values(state=State.CLAIMED.value, fence=_d.fence + 1, worker_id=bindparam("worker"), claimed_at=_NOW),
)


def _due_in_lane() -> Select[Any]:
    lane: BindParameter[int] = bindparam("lane", type_=_l.id.type)
    throttle: BindParameter[int] = bindparam("throttle", type_=_d.throttle_id.type)
    question = select(*[_d[name] for name in Claimed._fields], _d.due_at).where(
        _d.lane_id == lane, _d.throttle_id == throttle, text(DUE), _d.due_at <= _NOW,
        _lane_is(lane, "running"), _not_halted(), alive(_WORKER),
    )  # fmt: skip
    return question.order_by(_d.due_at).limit(bindparam("most", type_=_d.attempts.type)).with_for_update(skip_locked=True)


async def claim(
    tx: AsyncConnection, lane_id: int, worker_id: int, limit: int, now: datetime, throttle_id: int = 0
) -> list[Claimed]:  # fmt: skip
    """Take what is due in one lane, longest due first, of those who wait for no domain's turn or for that of `throttle_id`. Rows whose
    window has closed come too: the caller moves or cancels them. Nobody else sees the chosen rows before the caller's commit: SQLite has
    one writer, PostgreSQL keeps them locked.
    """
    found = await _CHOSEN.read(tx, (), lane=lane_id, throttle=throttle_id, worker=worker_id, most=limit, moment=now)
    rows = _claimed(_in_turn(found))
    await _TAKE.change(tx, [(row.id,) for row in rows], worker=worker_id, moment=now)
    return rows


def _in_turn(found: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """Longest due first."""
    return sorted(found, key=itemgetter(-1, 0))


def _claimed(found: Iterable[Sequence[Any]]) -> list[Claimed]:
    """As they are once taken."""
    return [
        Claimed(number, held + 1, person, version, lane, _KINDS[kind], mail, tries, moment(first), moment(closes), read_json(payload))
        for number, held, person, version, lane, kind, mail, tries, first, closes, payload, _ in found
    ]


async def count_claim(tx: AsyncConnection) -> Mark:
    """Number this claim; the mark goes into `ledger.mark` after the commit."""
    (row,) = await _COUNT.read(tx, ())
    return Mark(*row)


_COUNT = Batch(
    {},
    lambda _: update(workspace)
    .where(workspace.c.id == 1)
    .values(claims=workspace.c.claims + 1)
    .returning(workspace.c.identity, workspace.c.claims),
)
_CLAIM = Chain(_CHOSEN, _TAKE, _COUNT)


async def claim_alone(db: Database, lane_id: int, worker_id: int, limit: int, now: datetime) -> tuple[list[Claimed], Mark] | None:
    """claim() of those who wait for no domain's turn, and count_claim(), in a commit of their own; None when nothing is due."""
    found = await _CLAIM.run(db, lane=lane_id, throttle=0, worker=worker_id, most=limit, moment=now)
    if found is None:
        return None
    rows, mark = found
    return [row async for piece in in_pieces(_in_turn(rows), 64) for row in _claimed(piece)], Mark(*mark)


async def last_hand_off(tx: AsyncConnection, row_id: int) -> Handed | None:
    """Of this row; None when there is no such row, or it was never handed over."""
    row = (await tx.execute(select(_d.id, _d.fence, _d.handed_at).where(_d.id == row_id, _d.handed_at.is_not(None)))).one_or_none()
    return Handed(*row) if row else None


def _lane_is(lane_id: Any, flag: str) -> ColumnElement[bool]:
    return exists().where(_l.id == lane_id, _l.flag == flag)


def _paused_by_hand(lane_id: Any) -> ColumnElement[bool]:
    """Its waiting rows were cancelled for the while; those that were claimed then follow. Where the engine paused a lane they wait."""
    return exists().where(_l.id == lane_id, _l.flag == "paused", _l.reason.startswith(BY_HAND))


def _person(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_s.id == _d.subscriber_id, condition).correlate(deliveries)


def refusals(now: datetime | BindParameter[datetime], topic: str | None) -> dict[str, ColumnElement[bool]]:
    """Why a person may not get a row now, first match first: the reason and its condition over `deliveries` and their subscriber's row.

    Service letters still reach those who left (a receipt, a new opt-in), never those who bounced or complained.
    """
    service = _d.kind == Kind.SERVICE.value
    dead = one_of(_s.status, [Status.BOUNCED.value, Status.COMPLAINED.value])
    declined = and_(_s.kinds == Kinds.USEFUL.value, one_of(_d.kind, OPTIONAL_KINDS))
    if topic is not None:
        declined = or_(declined, func.coalesce(_s.topics[topic].as_boolean(), true()) != true())
    return {
        "left": or_(dead, and_(~service, _s.status != Status.SUBSCRIBED.value)),
        "declined": and_(~service, declined),
        "answered": of_a_cleanup(answered()),
        "paused": and_(~service, or_(_s.paused_until > now, cleaned_by_another())),
    }


async def intend(tx: AsyncConnection, rows: Iterable[Intent], worker_id: int, now: datetime) -> set[int]:
    """Hand over: the last check of person, lane, window, halt and lease. Returns the ids that may leave, within two seconds."""
    leaving: set[int] = set()
    for topic, group in _by_topic(rows).items():
        given = [row[:4] for row in group]
        handed = await _intent(topic).change(tx, given, worker=worker_id, moment=now, least=now + WINDOW_LEFT)
        whole = handed == len(group)
        leaving.update([row.id for row in group] if whole else [i for (i,) in await _HANDED.read(tx, given, worker=worker_id)])
    return leaving


async def hand_over(db: Database, rows: Sequence[Intent], worker_id: int, now: datetime) -> set[int]:
    """intend() in a durable commit of its own; where all rows of the batch may leave, as nearly always, in one statement."""
    by_topic = _by_topic(rows)
    if len(by_topic) == 1:
        ((topic, group),) = by_topic.items()
        given = [row[:4] for row in group]
        if await _intent(topic).alone(db, given, worker=worker_id, moment=now, least=now + WINDOW_LEFT) == len(group):
            return {row.id for row in group}
    async with db.write() as tx:
        return await intend(tx, rows, worker_id, now)


def _by_topic(rows: Iterable[Intent]) -> dict[str | None, list[Intent]]:
    found: dict[str | None, list[Intent]] = defaultdict(list)
    for row in rows:
        found[row.topic].append(row)
    return found


_INTENT = {"row": _d.id.type, "held": _d.fence.type, "there": _d.zone.type, "day": _d.local_day.type}
_HANDED = Batch(
    _INTENT,
    lambda given: select(_d.id)
    .join_from(given, deliveries, _d.id == given.c.row)
    .where(_d.fence == given.c.held, _d.state == State.SENDING.value, _OURS),
)


@lru_cache(maxsize=256)
def _intent(topic: str | None) -> Batch:
    """Built once for each topic: it runs for every slice of every batch."""
    return Batch(
        _INTENT,
        lambda given: update(deliveries)
        .where(
            _d.id == given.c.row, _d.fence == given.c.held, _d.state == State.CLAIMED.value, _OURS,
            or_(_d.closes_at.is_(None), _d.closes_at >= bindparam("least", type_=_d.closes_at.type)),
            ~_person(or_(*refusals(_NOW, topic).values())),
            ~of_a_cleanup(on_its_date(given.c.day)), _lane_is(_d.lane_id, "running"), _not_halted(), alive(_WORKER),
        )
        .values(
            state=State.SENDING.value, handed_at=_NOW, first_try_at=func.coalesce(_d.first_try_at, _NOW),
            zone=given.c.there, local_day=given.c.day,
        ),
    )  # fmt: skip


async def leave_out(tx: AsyncConnection, rows: Sequence[Intent], now: datetime) -> dict[int, str]:
    """Rows that did not pass the intent become cancelled (left, declined, paused, or with their lane) or pending again.

    Returns id -> the reason of the cancellation, or `pending`.
    """
    became: dict[int, str] = {}
    for topic, group in _by_topic(rows).items():
        why = {reason: _person(refused) for reason, refused in refusals(now, topic).items()}
        why["cancelled"] = _lane_is(_d.lane_id, "cancelled")
        why["paused"] = or_(why["paused"], _paused_by_hand(_d.lane_id))
        why["missed"] = of_a_cleanup(on_its_date(bindparam("day", type_=_d.local_day.type)))
        statement = (
            update(deliveries)
            .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.CLAIMED.value)
            .values(
                state=case(*[(condition, State.CANCELLED.value) for condition in why.values()], else_=State.PENDING.value),
                outcome=case(*[(condition, reason) for reason, condition in why.items()], else_=None),
                ended_at=case((or_(*why.values()), literal(now, _d.ended_at.type)), else_=None),
                worker_id=None, folded=case((or_(*why.values()), 0), else_=1),
            )
        )  # fmt: skip
        await tx.execute(statement, [{"row": r.id, "held": r.fence, "day": r.local_day} for r in group])
        question = select(_d.id, _d.state, _d.outcome).where(_d.id.in_([r.id for r in group]))
        became.update({row.id: row.outcome or row.state for row in await tx.execute(question)})
    return became

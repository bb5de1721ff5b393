"""Rows that lost their window, their worker or their answer: found in chunks, moved by one statement for each kind of move."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, case, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.rhythm import Rhythm, rhythm_of
from nurture.domain.words import Kind, State
from nurture.store.claims import WINDOW_LEFT, refusals
from nurture.store.ledger import deliveries, lanes, letters, one_of, pieces, subscribers, workers
from nurture.store.rhythms import load_pulls
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import DUE, LEASED, UNKNOWN

standings = METADATA.tables["standings"]
_d, _s = deliveries.c, standings.c
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Stranded:
    """A row that needs another window. `refusal`: why the person may not get it any more, None when they may; `rhythm`: their
    own hours, where enough is known.
    """

    id: int
    fence: int
    state: State
    kind: Kind
    letter: str
    subscriber_id: int
    timezone: str | None
    dup_risk: int
    refusal: str | None
    rhythm: Rhythm | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A stranded row's new place: the next try and the end of that window."""

    id: int
    fence: int
    due_at: datetime
    closes_at: datetime | None


async def stranded(tx: AsyncConnection, ids: Collection[int], now: datetime) -> list[Stranded]:
    """What is needed to find the next window of these rows."""
    found: list[Stranded] = []
    refusal = case(*[(condition, reason) for reason, condition in refusals(now, None).items()], else_=None).label("refusal")
    question = (
        select(
            _d.id, _d.fence, _d.state, _d.kind, letters.c.name, _d.subscriber_id, subscribers.c.timezone, _d.dup_risk, refusal, _s.acts
        )
        .join_from(deliveries, letters, letters.c.id == _d.letter_id)
        .join(subscribers, subscribers.c.id == _d.subscriber_id)
        .outerjoin(standings, _s.subscriber_id == _d.subscriber_id)
    )
    pulls = await load_pulls(tx) if ids else None
    for piece in pieces(sorted(ids)):
        rows = await tx.execute(question.where(_d.id.in_(piece)))
        for i, fence, state, kind, name, person, zone, risk, refused, acts in rows:
            rhythm = rhythm_of(bytes(acts or b""), pulls)
            found.append(Stranded(i, fence, State(state), Kind(kind), name, person, zone, risk, refused, rhythm))
    return found


async def closed_where_nobody_claims(tx: AsyncConnection, now: datetime, *, everywhere: bool = False) -> list[int]:
    """Waiting rows whose window has closed in lanes that are not running, or that wait for a domain: claims never come by there.

    `everywhere`: in all lanes, since nothing is claimed at all.
    """
    every = select(lanes.c.id)
    stopped = every if everywhere else every.where(lanes.c.flag != "running")
    found: list[int] = []
    for where in ((_d.lane_id.in_(stopped), _d.throttle_id == 0), (_d.lane_id.in_(every), _d.throttle_id > 0)):  # both by the index
        closed = (*where, text(DUE), _d.due_at <= now, _d.closes_at < now + WINDOW_LEFT)
        found += (await tx.execute(select(_d.id).where(*closed).limit(CHUNK))).scalars()
    return found


_WAITING = [State.PENDING.value, State.DEFERRED.value, State.CLAIMED.value]


async def to_next_window(tx: AsyncConnection, rows: Sequence[Moved]) -> None:
    """Another window for a row that waits or was claimed too late; a claimed one is pending again."""
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), one_of(_d.state, _WAITING))
        .values(
            state=case((_d.state == State.CLAIMED.value, State.PENDING.value), else_=_d.state),
            worker_id=None, due_at=bindparam("due"), closes_at=bindparam("closes"),
        )
    )  # fmt: skip
    if rows:
        await tx.execute(statement, [{"row": r.id, "held": r.fence, "due": r.due_at, "closes": r.closes_at} for r in rows])


async def cancel(tx: AsyncConnection, rows: Sequence[tuple[int, int, str]], now: datetime) -> None:
    """(id, fence, reason): what waits, is claimed or in doubt -> cancelled. That one in doubt may have come stays in `dup_risk`."""
    unmarked = or_(_d.state == State.UNKNOWN.value, and_(_d.state == State.HELD.value, _d.dup_risk == 0))
    states = [*_WAITING, State.UNKNOWN.value, State.HELD.value]
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), one_of(_d.state, states))
        .values(
            state=State.CANCELLED.value, outcome=bindparam("why"), ended_at=now, worker_id=None, folded=0,
            dup_risk=_d.dup_risk + case((unmarked, 1), else_=0),
        )
    )  # fmt: skip
    if rows:
        await tx.execute(statement, [{"row": i, "held": fence, "why": why} for i, fence, why in rows])


async def orphans(tx: AsyncConnection) -> set[int]:
    """Workers whose lease has ended and who still hold rows."""
    holders = (await tx.execute(select(_d.worker_id).where(text(LEASED)).distinct())).scalars().all()
    alive = set((await tx.execute(select(workers.c.id).where(workers.c.id.in_(holders), workers.c.ended_at.is_(None)))).scalars())
    return set(holders) - alive


async def in_hand(tx: AsyncConnection, worker_id: int) -> bool:
    """Whether a worker holds any row, claimed or handed over."""
    held = await tx.execute(select(_d.id).where(_d.worker_id == worker_id, text(LEASED)).limit(1))
    return held.first() is not None


async def reap_rows(tx: AsyncConnection, worker_ids: Collection[int], now: datetime, grace: timedelta) -> tuple[int, int]:
    """Rows of workers that are gone: claimed -> pending, sending -> unknown until the grace ends. Returns both counts."""
    held = and_(_d.worker_id.in_(worker_ids), text(LEASED))  # the words of the partial index: no scan of the ledger
    back = update(deliveries).where(held, _d.state == State.CLAIMED.value).values(state=State.PENDING.value, worker_id=None)
    lost = update(deliveries).where(held, _d.state == State.SENDING.value)
    words = "the worker was lost before the answer"
    lost = lost.values(state=State.UNKNOWN.value, worker_id=None, folded=0, due_at=now + grace, answer=words)
    returned = len((await tx.execute(back.returning(_d.id))).all())
    return returned, len((await tx.execute(lost.returning(_d.id))).all())


async def graced(tx: AsyncConnection, now: datetime) -> list[int]:
    """Unknown rows whose grace has ended, oldest first."""
    question = select(_d.id).where(text(UNKNOWN), _d.due_at <= now).order_by(_d.due_at, _d.id).limit(CHUNK)
    return list((await tx.execute(question)).scalars())


async def retry_unknown(tx: AsyncConnection, rows: Sequence[Moved]) -> None:
    """unknown -> pending at the risk of a second copy, with the same Message-ID."""
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.UNKNOWN.value)
        .values(
            state=State.PENDING.value, fence=_d.fence + 1, dup_risk=_d.dup_risk + 1, folded=1,
            due_at=bindparam("due"), closes_at=bindparam("closes"),
        )
    )  # fmt: skip
    if rows:
        await tx.execute(statement, [{"row": r.id, "held": r.fence, "due": r.due_at, "closes": r.closes_at} for r in rows])


async def hold_unknown(tx: AsyncConnection, rows: Sequence[tuple[int, int]], now: datetime) -> None:
    """unknown -> held: a person decides, or proof of arrival."""
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.UNKNOWN.value)
        .values(state=State.HELD.value, fence=_d.fence + 1, ended_at=now, folded=0)
    )
    if rows:
        await tx.execute(statement, [{"row": i, "held": fence} for i, fence in rows])

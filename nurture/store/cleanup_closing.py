"""The end of a cleanup for the silent: whose subscription is to be closed, whose last letter is out, who is archived."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.cleanup.courses import Leg
from nurture.domain.cleanup.words import Part, Verdict
from nurture.domain.words import Status
from nurture.store.cleanup_members import members
from nurture.store.cleanups import Run
from nurture.store.enrolments import enrolments
from nurture.store.ledger import deliveries, letters, pieces, subscribers
from nurture.store.lowering import follow_lowering

_m, _e, _d, _p, _l = members.c, enrolments.c, deliveries.c, subscribers.c, letters.c


def _silent(run: Run) -> tuple[object, ...]:
    return _m.document_id == run.document_id, _m.part != Part.HOLDOUT.value, _m.verdict == Verdict.SILENT.value


async def unresolved(tx: AsyncConnection, run: Run) -> int:
    """Silent people of whom it is not settled yet whether they are archived."""
    waiting = or_(_m.closed_at.is_(None), _m.released_at.is_(None))
    return int((await tx.execute(select(func.count()).where(*_silent(run), waiting))).scalar_one())  # type: ignore[arg-type]


async def to_close(tx: AsyncConnection, run: Run, limit: int) -> list[int]:
    """Silent people who were not asked for the last time yet."""
    query = select(_m.subscriber_id).where(*_silent(run), _m.closed_at.is_(None)).order_by(_m.subscriber_id)  # type: ignore[arg-type]
    return list((await tx.execute(query.limit(limit))).scalars())


async def keep(tx: AsyncConnection, run: Run, ids: Sequence[int], reason: str, now: datetime) -> None:
    """Silent, and kept all the same."""
    for piece in pieces(ids):
        own = (_m.document_id == run.document_id, _m.subscriber_id.in_(piece))
        closed = {"closed_at": func.coalesce(_m.closed_at, now), "released_at": func.coalesce(_m.released_at, now), "reason": reason}
        await tx.execute(update(members).where(*own).values(closed))


async def closed_letters(
    tx: AsyncConnection, run: Run, letter: str, patience: timedelta, now: datetime, limit: int
) -> tuple[list[int], list[int]]:
    """Of the silent whose last letter was ordered: (those who have had it for so long without a word, those whom it will never reach)."""
    waiting = (*_silent(run), _m.closed_at.is_not(None), _m.released_at.is_(None))
    first = select(_l.id).where(_l.name == letter).scalar_subquery()
    mine = (_d.rule == "cleanup", _d.lane_id == run.lane_id, _d.subscriber_id == _m.subscriber_id, _d.state == "accepted")
    got = exists().where(*mine, _d.letter_id == first)
    long_ago = exists().where(*mine, _d.letter_id == first, _d.accepted_at <= now - patience)
    on_its_way = exists().where(
        _e.sequence_id == run.document_id, _e.subscriber_id == _m.subscriber_id, _e.number == Leg.CLOSING.value, _e.state == "active"
    )
    query = select(_m.subscriber_id).where(*waiting).order_by(_m.subscriber_id).limit(limit)  # type: ignore[arg-type]
    done = list((await tx.execute(query.where(long_ago))).scalars())
    missed = list((await tx.execute(query.where(~got, ~on_its_way))).scalars())
    return done, missed


async def archive(tx: AsyncConnection, run: Run, ids: Sequence[int], now: datetime) -> None:
    """These people are archived; their own word restores them."""
    for piece in pieces(ids):
        still = (_p.id.in_(piece), _p.status == Status.SUBSCRIBED.value)
        change = {"status": Status.ARCHIVED.value, "status_at": now, "changed_at": now}
        gone = list((await tx.execute(update(subscribers).where(*still).values(change).returning(_p.id))).scalars())
        own = (_m.document_id == run.document_id, _m.subscriber_id.in_(gone))
        closed = {"archived_at": now, "closed_at": func.coalesce(_m.closed_at, now), "reason": "no answer; archived"}
        await tx.execute(update(members).where(*own).values(closed))
        await follow_lowering(tx, dict.fromkeys(gone, Status.ARCHIVED), f"cleanup {run.name}", now)

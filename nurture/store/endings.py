"""Ways that end before their last letter: who has reached a goal or an exit, and the ending itself. Nothing here commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.conditions import Condition
from nurture.store.conditions import Since, compile_condition
from nurture.store.enrolments import TAKEN_BACK
from nurture.store.ledger import deliveries, pieces, subscribers
from nurture.store.outbox import cancel_rows
from nurture.store.standings import look_now
from nurture.store.tables import METADATA

enrolments = METADATA.tables["enrolments"]
_e = enrolments.c
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def last_entry(sequence_id: int) -> Since:
    """News since the person entered this sequence last; since ever for one who never did."""
    own = enrolments.alias("last_way")
    latest = select(func.max(own.c.enrolled_at)).where(
        own.c.sequence_id == sequence_id, own.c.subscriber_id == subscribers.c.id, own.c.state != TAKEN_BACK
    )
    return Since(func.coalesce(latest.correlate(subscribers).scalar_subquery(), literal(_LONG_AGO, _e.enrolled_at.type)), later=True)


async def arrived(
    tx: AsyncConnection, sequence_id: int, condition: Condition, now: datetime, zone: str, *,
    among: Sequence[int] | None, limit: int, version: int | None = None, but: Collection[int] = (),
) -> list[int]:  # fmt: skip
    """Active ways whose person meets the condition, events counted from the enrolment on; only of `among`.
    `version`: of those pinned to it alone; `but`: of those who are not pinned to any of these.
    """
    way = enrolments.alias("way")
    meets = compile_condition(condition, now, zone, Since(way.c.enrolled_at, later=False))
    query = (
        select(way.c.id)
        .join_from(way, subscribers, subscribers.c.id == way.c.subscriber_id)
        .where(way.c.sequence_id == sequence_id, way.c.state == "active", meets)
        .order_by(way.c.id)
        .limit(limit)
    )
    if version is not None:
        query = query.where(way.c.version == version)
    elif but:
        query = query.where(or_(way.c.version.is_(None), way.c.version.not_in(but)))
    if among is not None:
        query = query.where(way.c.subscriber_id.in_(among))
    return list((await tx.execute(query)).scalars())


async def end_ways(tx: AsyncConnection, ids: Sequence[int], state: str, reason: str, now: datetime) -> dict[int, int]:
    """End these ways where they are active: their waiting letters are cancelled, and the planner looks anew. Returns way -> person."""
    ended: dict[int, int] = {}
    for piece in pieces(sorted(set(ids))):
        statement = update(enrolments).where(_e.id.in_(piece), _e.state == "active").values(state=state, ended_at=now, end_reason=reason)
        ended |= {row.id: row.subscriber_id for row in await tx.execute(statement.returning(_e.id, _e.subscriber_id))}
        people = sorted(set(ended.values()))  # the ledger is indexed by person, not by way
        waiting = select(deliveries.c.id).where(
            deliveries.c.subscriber_id.in_(people), deliveries.c.enrolment_id.in_(piece), deliveries.c.state.in_(("pending", "deferred"))
        )
        await cancel_rows(tx, list((await tx.execute(waiting)).scalars()), "not_wanted", now)
    await look_now(tx, ended.values(), now)
    return ended


async def take_up_again(tx: AsyncConnection, way: int, now: datetime) -> bool:
    """A way that was ended goes on, unless the person has entered there again since; whether it does.

    Its end will be news again, and the letter that waited when it ended may be planned once more.
    """
    other = enrolments.alias("other")
    newer = select(other.c.id).where(
        and_(other.c.sequence_id == _e.sequence_id, other.c.subscriber_id == _e.subscriber_id, other.c.state == "active")
    )
    statement = update(enrolments).where(_e.id == way, _e.state == "exited", ~newer.correlate(enrolments).exists())
    values: Mapping[str, Any] = {"state": "active", "ended_at": None, "end_reason": None, "end_reacted": 0}
    ended_at = (await tx.execute(select(_e.ended_at).where(_e.id == way))).scalar_one_or_none()
    person = (await tx.execute(statement.values(values).returning(_e.subscriber_id))).scalar_one_or_none()
    if person is not None:
        d = deliveries.c  # the ledger is indexed by person, not by way
        with_the_way = (d.subscriber_id == person, d.enrolment_id == way, d.state == "cancelled", d.outcome == "not_wanted")
        await tx.execute(update(deliveries).where(*with_the_way, d.ended_at == ended_at).values(outcome="paused"))
        await look_now(tx, [person], now)
    return person is not None


async def active_ways(tx: AsyncConnection, sequence_id: int, people: Sequence[int]) -> dict[int, int]:
    """Of these people those on their way through this sequence: person -> way."""
    query = select(_e.subscriber_id, _e.id).where(_e.sequence_id == sequence_id, _e.subscriber_id.in_(people), _e.state == "active")
    return {row.subscriber_id: row.id for row in await tx.execute(query.order_by(_e.id))}

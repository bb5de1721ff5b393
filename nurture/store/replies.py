"""The reply desk's rows. Nothing here commits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.replies import ReplyState
from nurture.store.dialect import insert
from nurture.store.tables import METADATA

replies = METADATA.tables["replies"]
_deliveries, _letters = METADATA.tables["deliveries"], METADATA.tables["letters"]
_r = replies.c


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """A reply with the letter that it answers, where that is known."""

    id: int
    subscriber_id: int | None
    delivery_id: int | None
    letter: str | None
    at: datetime
    sender: str
    subject: str
    text: str
    sort: str
    state: str
    answer_id: int | None
    ended_at: datetime | None
    ended_by: str | None


async def add_reply(tx: AsyncConnection, row: Mapping[str, Any]) -> int | None:
    """Keep a reply; its id, or None when this mail was kept before."""
    statement = insert(tx, replies).values(dict(row)).on_conflict_do_nothing(index_elements=["uid"]).returning(_r.id)
    return (await tx.execute(statement)).scalar_one_or_none()


async def kept_since(tx: AsyncConnection, uid: str) -> datetime:
    """When this mail was first heard."""
    at: datetime = (await tx.execute(select(_r.at).where(_r.uid == uid))).scalar_one()
    return at


async def list_replies(
    tx: AsyncConnection, *, after: int = 0, limit: int = 100, states: Iterable[str] = (), sorts: Iterable[str] = ()
) -> list[ReplyLine]:  # fmt: skip
    """Replies by id, the oldest first."""
    names = [n for n in ReplyLine.__dataclass_fields__ if n != "letter"]
    columns = [_r[n] for n in names]
    columns.insert(3, _letters.c.name)
    query = (
        select(*columns)
        .select_from(replies)
        .join(_deliveries, _deliveries.c.id == _r.delivery_id, isouter=True)
        .join(_letters, _letters.c.id == _deliveries.c.letter_id, isouter=True)
        .where(_r.id > after)
    )
    if wanted := sorted(set(states)):
        query = query.where(text("replies.state = 'open'") if wanted == [ReplyState.OPEN.value] else _r.state.in_(wanted))
    if asked := sorted(set(sorts)):
        query = query.where(_r.sort.in_(asked))
    return [ReplyLine(*row) for row in await tx.execute(query.order_by(_r.id).limit(limit))]


async def find_reply(tx: AsyncConnection, reply_id: int) -> ReplyLine | None:
    found = await list_replies(tx, after=reply_id - 1, limit=1)
    return found[0] if found and found[0].id == reply_id else None


async def end_reply(
    tx: AsyncConnection, reply_id: int, state: ReplyState, by: str, now: datetime, answer_id: int | None = None
) -> bool:  # fmt: skip
    """Take an open reply off the desk; whether it was open."""
    statement = (
        update(replies)
        .where(_r.id == reply_id, _r.state == ReplyState.OPEN.value)
        .values(state=state.value, ended_at=now, ended_by=by, answer_id=answer_id)
    )
    return bool((await tx.execute(statement)).rowcount)


async def replies_since(tx: AsyncConnection, since: datetime, limit: int) -> list[ReplyLine]:
    """What came after that moment, the oldest first, dealt with or not."""
    names = [n for n in ReplyLine.__dataclass_fields__ if n != "letter"]
    first = select(func.min(_r.id)).where(_r.at > since).scalar_subquery()
    query = select(*(_r[n] for n in names)).where(_r.id >= first, _r.at > since).order_by(_r.id).limit(limit)
    return [ReplyLine(**dict(zip(names, row, strict=True)), letter=None) for row in await tx.execute(query)]


async def oldest_open(tx: AsyncConnection) -> datetime | None:
    """Since when the longest has been waiting; None where nothing waits."""
    found: datetime | None = (await tx.execute(select(func.min(_r.at)).where(text("replies.state = 'open'")))).scalar_one()
    return found


async def count_open(tx: AsyncConnection) -> dict[str, int]:
    """Open replies by sort."""
    query = select(_r.sort, func.count().label("replies")).where(text("replies.state = 'open'")).group_by(_r.sort)
    return {row.sort: row.replies for row in await tx.execute(query)}

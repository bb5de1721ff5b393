"""Webhooks: who wants to hear of what, and the durable outbox of messages on their way. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.webhooks import next_try
from nurture.store.dialect import insert, skip_locked
from nurture.store.tables import METADATA

webhooks, messages = METADATA.tables["webhooks"], METADATA.tables["webhook_messages"]
_w, _m = webhooks.c, messages.c
KEPT = timedelta(days=30)  # how long what has ended can be looked up
AT_ONCE = 1_000  # forgotten in one transaction
LEASE = timedelta(minutes=2)  # longer than any call: a message whose worker died is tried again after that


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """`secret` is sealed (store/seals.py), or plain in a row from before there were seals."""

    id: int
    url: str
    types: Sequence[str]
    secret: str = field(repr=False)
    created_at: datetime
    ended_at: datetime | None
    ended_because: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message to be sent now; `attempts` counts this one. `secret` lies as in WebhookRow; None for a rule's own webhook, which the
    house's secret signs.
    """

    id: int
    uid: str
    webhook_id: int | None
    url: str
    body: str
    attempts: int
    secret: str | None = field(repr=False)


async def add_webhook(tx: AsyncConnection, url: str, types: Sequence[str], secret: str, now: datetime) -> int:
    values = {"url": url, "types": list(types), "secret": secret, "created_at": now}
    return int((await tx.execute(insert(tx, webhooks).values(values).returning(_w.id))).scalar_one())


async def live_webhooks(tx: AsyncConnection) -> list[WebhookRow]:
    return [WebhookRow(*row) for row in await tx.execute(select(webhooks).where(_w.ended_at.is_(None)).order_by(_w.id))]


async def secrets_of(tx: AsyncConnection, *, lock: bool = False) -> list[tuple[int, str]]:
    """(webhook, secret as it lies there), of ended ones too."""
    query = select(_w.id, _w.secret).order_by(_w.id)
    return [(row.id, row.secret) for row in await tx.execute(query.with_for_update() if lock else query)]


async def keep_secret(tx: AsyncConnection, webhook_id: int, sealed: str) -> None:
    await tx.execute(update(webhooks).where(_w.id == webhook_id).values(secret=sealed))


async def end_webhook(tx: AsyncConnection, webhook_id: int, because: str, now: datetime) -> bool:
    """Nothing more goes there, waiting messages included; whether it was live."""
    statement = update(webhooks).where(_w.id == webhook_id, _w.ended_at.is_(None)).values(ended_at=now, ended_because=because)
    if not (await tx.execute(statement)).rowcount:
        return False
    waiting = update(messages).where(_m.webhook_id == webhook_id, _m.state == "pending")
    await tx.execute(waiting.values(state="cancelled", ended_at=now, answer=because))
    return True


async def add_messages(tx: AsyncConnection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Put messages out (uid, webhook_id, subscriber_id, url, type, body, created_at, due_at); how many were new."""
    ready = list(rows)
    if not ready:
        return 0
    statement = insert(tx, messages).on_conflict_do_nothing(index_elements=["uid"]).returning(_m.id)
    return len((await tx.execute(statement, ready)).all())


async def known_messages(tx: AsyncConnection, uids: Sequence[str]) -> set[str]:
    """Which of these were written."""
    return set((await tx.execute(select(_m.uid).where(_m.uid.in_(uids)))).scalars()) if uids else set()


async def take_due(tx: AsyncConnection, now: datetime, limit: int) -> list[Message]:
    """Messages to be tried now, counted as tried and put off past the length of a call, so that no other worker tries them meanwhile."""
    query = select(_m.id).where(_m.state == "pending", _m.due_at <= now).order_by(_m.due_at, _m.id).limit(limit)
    ids = list((await tx.execute(skip_locked(tx, query))).scalars())
    if not ids:
        return []
    await tx.execute(update(messages).where(_m.id.in_(ids)).values(attempts=_m.attempts + 1, due_at=now + LEASE))
    read = select(_m.id, _m.uid, _m.webhook_id, _m.url, _m.body, _m.attempts, _w.secret).outerjoin(webhooks, _w.id == _m.webhook_id)
    return [Message(*row) for row in await tx.execute(read.where(_m.id.in_(ids)).order_by(_m.id))]


async def purge(tx: AsyncConnection, now: datetime) -> int:
    """Forget messages that ended long ago, the person's data in them with it, at most AT_ONCE; how many. By the index on their ends."""
    ended = select(_m.id).where(text("ended_at IS NOT NULL"), _m.ended_at < now - KEPT).order_by(_m.ended_at).limit(AT_ONCE)
    return int((await tx.execute(delete(messages).where(_m.id.in_(ended)))).rowcount)


async def settle(tx: AsyncConnection, message: Message, answer: str, now: datetime, *, delivered: bool) -> str:
    """Write how the try went, and when the next one is; returns the state."""
    wait = next_try(message.attempts)
    values: dict[str, Any] = {"answer": answer}
    if delivered or wait is None:
        values |= {"state": "delivered" if delivered else "failed", "ended_at": now}
    else:
        values |= {"state": "pending", "due_at": now + wait}
    await tx.execute(update(messages).where(_m.id == message.id, _m.state == "pending").values(values))
    return str(values["state"])

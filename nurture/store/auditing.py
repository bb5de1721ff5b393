"""The audit log: who did what, when, on what, from where. Rows are only added; the database refuses to change or delete them.

Whoever lets an action in (the API's doors, a page, a command) says so with `acting`; the first transaction that the action commits carries
its line. So there is a line exactly where something was changed, and none is lost between the change and the log. A use case that knows
better words for what it does writes the line itself with `note`, and then no other is written.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.tables import METADATA

AUDIT = METADATA.tables["audit"]
OBJECT_MOST, IP_MOST = 254, 45


@dataclass(slots=True)
class Acting:
    """An action under way. `thing`: what it is done on; an address stands there whole and alone, so that an erasure finds it."""

    actor: str
    action: str
    thing: str
    at: datetime
    ip: str | None = None
    noted: bool = False


_ACTING: ContextVar[Acting | None] = ContextVar("nurture_acting", default=None)


@contextlib.contextmanager
def acting(action: Acting | None) -> Iterator[None]:
    """What this task does inside the block is this action; None: nobody's."""
    before = _ACTING.set(action)
    try:
        yield
    finally:
        _ACTING.reset(before)


def begin(action: Acting) -> None:
    """From here on, to the end of the surrounding `acting`, it is this action."""
    _ACTING.set(action)


def about(thing: str) -> None:
    """Name what the action under way is done on, where its address does not say it."""
    if under_way := _ACTING.get():
        under_way.thing = thing


async def write_down(tx: AsyncConnection) -> None:
    """The line of the action under way, unless it stands already. Called at the end of every writing transaction."""
    under_way = _ACTING.get()
    if under_way is not None and not under_way.noted:
        await note(tx, under_way.actor, under_way.action, under_way.thing, under_way.at)


async def note(tx: AsyncConnection, actor: str, action: str, thing: str, now: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """One line. `detail` holds no addresses of people: an erasure looks for them in `thing` alone."""
    under_way = _ACTING.get()
    if under_way is not None:
        under_way.noted = True
    values = {
        "at": now, "actor": actor[:OBJECT_MOST], "action": action[:OBJECT_MOST], "object": _key(thing),
        "detail": null() if detail is None else dict(detail),
        "ip": under_way.ip[:IP_MOST] if under_way and under_way.ip else None,
    }  # fmt: skip
    await tx.execute(insert(AUDIT).values(**values))


def _key(thing: str) -> str:
    """Addresses in one spelling, as an erasure looks for them."""
    shown = thing.replace("\x00", " ").strip()[:OBJECT_MOST]
    return shown.lower() if "@" in shown else shown


async def forget_address(tx: AsyncConnection, email: str) -> None:
    """Empty what names this address; who did what and when stays."""
    await tx.execute(update(AUDIT).where(AUDIT.c.object == _key(email)).values(object="", detail=null()))


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    at: datetime
    actor: str
    action: str
    thing: str
    ip: str | None
    detail: Mapping[str, Any] | None


async def lines(tx: AsyncConnection, *, before: int | None = None, limit: int = 50, actor: str = "", thing: str = "") -> Sequence[Line]:
    """The newest first. `before`: only older ones than this id."""
    a = AUDIT.c
    query = select(a.id, a.at, a.actor, a.action, a.object, a.ip, a.detail).order_by(a.id.desc()).limit(limit)
    if before is not None:
        query = query.where(a.id < before)
    if actor:
        query = query.where(a.actor == actor)
    if thing:
        query = query.where(a.object == _key(thing))
    return [Line(*row) for row in await tx.execute(query)]


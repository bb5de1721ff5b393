"""A cleanup led through its days for tests: sweeps by a clock of their own, every due letter accepted, as a sender would write it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from nurture.domain.standing import Entry, pack_entries
from nurture.domain.words import Kind
from nurture.services.cleaning import clean
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.store.cleanups import Run, load_moves, load_run
from nurture.store.database import Database
from nurture.store.ledger import deliveries
from nurture.store.tables import CleanupMember, Standing
from tests.support.people import NOW, add_people
from tests.support.programme import letter

_d = deliveries.c
LONG_AGO = NOW - timedelta(days=900)
AT_ONCE = timedelta(0)


def spring(offers: int = 3, **more: Any) -> dict[str, Any]:
    return {"cleanup": "spring", "offers": [letter(f"day-{n}", "sales") for n in range(1, offers + 1)]} | more


def asleep(now: datetime) -> dict[str, Any]:
    """The standing of somebody who had six letters and answered none: the weekly run finds them passive too."""
    times = [now - timedelta(days=50 + 7 * n) for n in range(6, 0, -1)]
    recent = pack_entries(tuple(Entry(1_000_000_000 + n, at, at.date(), Kind.USEFUL) for n, at in enumerate(times)))
    return {"engagement": "passive", "recent": recent, "received": 6, "useful_since_sales": 6, "others_since_sales": 6}


async def sleepers(db: Database, number: int, name: str = "p", engagement: str = "passive", flags: int = 0, **columns: Any) -> list[int]:
    """Subscribed people who have slept for long."""
    ids = await add_people(db, *[f"{name}{n}@example.com" for n in range(number)], now=LONG_AGO, **columns)
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id.in_(ids)).values(engagement=engagement, flags=flags))
    return ids


async def accept_due(db: Database, now: datetime) -> list[tuple[int, int]]:
    """Letters that are due by now are accepted at their moment; (person, delivery) of each."""
    async with db.write() as tx:
        due = list(await tx.execute(select(_d.id, _d.subscriber_id, _d.due_at).where(_d.state == "pending", _d.due_at <= now).order_by(_d.due_at)))
        for row in due:
            values = {"state": "accepted", "accepted_at": row.due_at, "handed_at": row.due_at, "ended_at": row.due_at, "folded": 0}
            await tx.execute(update(deliveries).where(_d.id == row.id).values(values | {"local_day": row.due_at.date(), "zone": "UTC"}))
    return [(row.subscriber_id, row.id) for row in due]


async def sweep(db: Database, now: datetime) -> None:
    """As the worker does it: what came back first."""
    await fold(db, now)
    await clean(db, now, every=AT_ONCE)
    await plan(db, now)


async def live(db: Database, since: datetime, until: datetime) -> list[tuple[int, int, datetime]]:
    """Sweep before and after each day's window, 10 to 12 UTC; (person, delivery, when) of all letters accepted on the way."""
    day, sent = since.replace(hour=0, minute=0), []
    moments = [day + timedelta(days=n, hours=hours) for n in range((until - day).days + 1) for hours in (9, 12.5)]
    for now in [since, *(m for m in moments if since < m < until), until]:
        await sweep(db, now)
        sent += [(person, delivery, now) for person, delivery in await accept_due(db, now)]
    await sweep(db, until)
    return sent


async def run_of(db: Database, document_id: int) -> Run:
    async with db.read() as tx:
        run = await load_run(tx, document_id)
    assert run is not None
    return run


async def moves_of(db: Database, document_id: int) -> list[str]:
    async with db.read() as tx:
        return [f"{m.old} -> {m.new}" for m in await load_moves(tx, document_id)]


async def members_of(db: Database, *columns: str) -> list[tuple[Any, ...]]:
    async with db.read() as tx:
        chosen = [getattr(CleanupMember, name) for name in columns]
        return [tuple(row) for row in await tx.execute(select(*chosen).order_by(CleanupMember.subscriber_id))]


__all__ = ["NOW", "UTC", "accept_due", "live", "members_of", "moves_of", "run_of", "sleepers", "spring", "sweep"]

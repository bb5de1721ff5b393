"""People under rules: what tests of reacting read and bring about."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from nurture.services.reacting import react
from nurture.store.database import Database
from nurture.store.reactions import Done, reactions_of
from nurture.store.tables import METADATA, Event
from nurture.store.tasks import TaskLine, list_tasks
from nurture.store.timeline import load_tags

ENROLMENTS = METADATA.tables["enrolments"]
MESSAGES = METADATA.tables["webhook_messages"]


def rule(name: str, when: dict[str, Any], *then: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rule": name, "when": when, "then": list(then)} | more


async def tags(db: Database, person: int) -> list[str]:
    async with db.read() as tx:
        return await load_tags(tx, person)


async def ways(db: Database, person: int) -> list[tuple[str, str, str | None]]:
    """(by, state, why it ended) in order."""
    async with db.read() as tx:
        query = select(ENROLMENTS.c.by, ENROLMENTS.c.state, ENROLMENTS.c.end_reason).where(ENROLMENTS.c.subscriber_id == person)
        return [tuple(row) for row in await tx.execute(query.order_by(ENROLMENTS.c.id))]


async def tasks(db: Database, person: int | None = None) -> list[TaskLine]:
    async with db.read() as tx:
        return await list_tasks(tx, subscriber_id=person)


async def reactions(db: Database, person: int) -> list[Done]:
    async with db.read() as tx:
        return await reactions_of(tx, person, 100)


async def messages(db: Database) -> list[Any]:
    async with db.read() as tx:
        return list(await tx.execute(select(MESSAGES).order_by(MESSAGES.c.id)))


async def fall(db: Database, reason: str = "three links within 2 s") -> None:
    """Every verdict falls: as tracking writes it when later hits show a machine."""
    async with db.write() as tx:
        await tx.execute(update(Event).where(Event.reacted == 1).values(reacted=2))
        await tx.execute(update(Event).where(Event.folded == 1).values(folded=2))
        await tx.execute(update(Event).values(evidence="machine", reason=reason))


async def reacted(db: Database, now: datetime) -> tuple[int, int]:
    """(acted, undone) of one sweep."""
    done = await react(db, now)
    return done.acted, done.undone

"""A letter with its version and delivery rows for tests, put in by plain inserts."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert

from nurture.domain.delivery import message_id
from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.support.outbox_rows import of_state
from tests.support.people import NOW

_NUMBERS = count(1)
LINKS = ["https://example.com/a", "https://example.com/b", "https://example.com/c?who={{ first_name }}&x=1"]


async def add_letter(db: Database, name: str = "school/first", kind: str = "useful", links: list[str] | None = None) -> tuple[int, int]:
    """(letter id, version id)."""
    tables = METADATA.tables
    async with db.write() as tx:
        letter = (await tx.execute(insert(tables["letters"]).values(name=name, kind=kind).returning(tables["letters"].c.id))).scalar_one()
        values = {"letter_id": letter, "digest": name, "content": {"subject": name, "kind": kind}, "links": links or LINKS, "at": NOW}
        version = (await tx.execute(insert(tables["letter_versions"]).values(**values).returning(tables["letter_versions"].c.id))).scalar_one()
        await tx.execute(tables["letters"].update().where(tables["letters"].c.id == letter).values(current_version_id=version))
    return letter, version


async def add_delivery(
    db: Database, subscriber_id: int, letter: tuple[int, int], *, state: str = "accepted", accepted_at: datetime | None = NOW, **more: Any
) -> int:
    """A row of the ledger in the lane of the sequence `school`."""
    tables = METADATA.tables
    lanes, deliveries = tables["lanes"], tables["deliveries"]
    number = next(_NUMBERS)
    async with db.write() as tx:
        lane = (await tx.execute(lanes.select().where(lanes.c.name == "sequence:school"))).one_or_none()
        lane_id = lane[0] if lane else (await tx.execute(insert(lanes).values(name="sequence:school", priority=50, flag="running").returning(lanes.c.id))).scalar_one()
        values: dict[str, Any] = {
            "letter_id": letter[0], "subscriber_id": subscriber_id, "occasion": str(number), "version_id": letter[1], "lane_id": lane_id,
            "kind": "useful", "message_id": message_id(b"an installation", str(letter[0]), subscriber_id, str(number), "example.com"), "state": state, "due_at": NOW, "created_at": NOW - timedelta(hours=1),
            "fence": 0, "attempts": 0, "dup_risk": 0, "reason": "letter 1 of school", "rule": "order",
            "handed_at": accepted_at,
        } | of_state(state, accepted_at or NOW)
        return int((await tx.execute(insert(deliveries).values(**values | more).returning(deliveries.c.id))).scalar_one())


async def rows_of(db: Database, table: str, **where: Any) -> list[dict[str, Any]]:
    """All rows of a table that have these values, by primary key."""
    found = METADATA.tables[table]
    query = found.select().order_by(*found.primary_key.columns)
    for name, value in where.items():
        query = query.where(found.c[name] == value)
    async with db.read() as tx:
        return [dict(row) for row in (await tx.execute(query)).mappings()]

"""Letters, lanes and rows for tests of the ledger, put in by plain inserts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text

from nurture.domain.delivery import OPEN, message_id
from nurture.store.database import Database
from nurture.store.tables import Delivery, Lane, Letter, LetterVersion
from nurture.store.workspace import ensure_workspace
from tests.support.people import NOW

IDENTITY = b"0123456789abcdef"


async def add_letter(db: Database, name: str = "school/one", kind: str = "useful", lane: str = "sequence:school", **content: Any) -> dict[str, Any]:
    """The letter, one version and its lane; returns the columns that a delivery of it begins with."""
    words = {
        "subject": "A subject", "preheader": "", "html": "<p>Hello {{ first_name }}</p><p>{{ postal_address }} {{ unsubscribe_url }}</p>",
        "text": "Hello\n{{ postal_address }} {{ unsubscribe_url }}", "kind": kind, "size": "short",
    } | content  # fmt: skip
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, IDENTITY)
        letter = (await tx.execute(insert(Letter).values(name=name, kind=kind).returning(Letter.id))).scalar_one()
        row = {"letter_id": letter, "digest": "d", "content": words, "links": [], "at": NOW}
        version = (await tx.execute(insert(LetterVersion).values(row).returning(LetterVersion.id))).scalar_one()
        await tx.execute(text("UPDATE letters SET current_version_id = :v WHERE id = :l"), {"v": version, "l": letter})
        found = (await tx.execute(select(Lane.id).where(Lane.name == lane))).scalar()
        if found is None:
            found = (await tx.execute(insert(Lane).values(name=lane, priority=50, flag="running").returning(Lane.id))).scalar_one()
    return {"letter_id": letter, "version_id": version, "lane_id": found, "kind": kind, "occasion": "1"}


def planned(letter: dict[str, Any], person: int, *, due: datetime = NOW, closes: datetime | None = NOW + timedelta(hours=2), **more: Any) -> dict[str, Any]:
    """A row as the planner writes it."""
    row = letter | {"subscriber_id": person, "due_at": due, "closes_at": closes, "created_at": NOW, "reason": "first", "rule": "next"} | more
    row["message_id"] = message_id(IDENTITY, str(row["letter_id"]), person, row["occasion"], "example.com")
    return row


async def the_rows(db: Database) -> list[Any]:
    """All deliveries, by id."""
    async with db.read() as tx:
        return list((await tx.execute(select(*list(Delivery.__table__.columns)).order_by(Delivery.id))).all())  # type: ignore[attr-defined]


def of_state(state: str, ended: Any, worker: Any = 1) -> dict[str, Any]:
    """What a row of this state must hold besides; `ended`: the moment when it did, `worker`: in whose hands it is, where it is in any."""
    still = state in OPEN
    return {
        "ended_at": None if still else ended, "accepted_at": ended if state == "accepted" else None,
        "folded": int(still and state != "unknown"), "worker_id": worker if state in ("claimed", "sending") else None,
    }  # fmt: skip


async def set_row(db: Database, row_id: int, **columns: Any) -> None:
    """Put a row in a state by hand, where a test begins in the middle; what belongs to the state follows it where it is not named."""
    table = Delivery.__table__  # type: ignore[attr-defined]
    if "state" in columns:
        d, held = table.c, columns["state"] in ("claimed", "sending")
        columns = of_state(columns["state"], func.coalesce(d.ended_at, d.due_at), func.coalesce(d.worker_id, 1) if held else None) | columns
    async with db.write() as tx:
        await tx.execute(table.update().where(table.c.id == row_id).values(**columns))

"""Everything that is kept about one person, row by row."""

from typing import Any

from sqlalchemy import select

from nurture.store.database import Connection
from nurture.store.tables import METADATA

_INNER = {"folded", "reacted", "rule_version", "worker_id", "fence", "claimed_at", "throttle_id", "erased_at", "recommender_id"}
_OF_ONE = {
    "consents": "consents", "tags": "subscriber_tags", "letters": "deliveries", "events": "events", "ways": "enrolments", "moves": "moves",
    "replies": "replies", "tasks": "tasks", "referrals": "referrals",
}  # fmt: skip


async def everything_of(tx: Connection, subscriber_id: int) -> dict[str, Any] | None:
    """`person`, and lists of each of _OF_ONE; None where nobody is there."""
    people = METADATA.tables["subscribers"]
    query = select(people).where(people.c.id == subscriber_id, people.c.erased_at.is_(None))
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    told: dict[str, Any] = {"person": _plain(row)}
    for word, name in _OF_ONE.items():
        table = METADATA.tables[name]
        rows = await tx.execute(table.select().where(table.c.subscriber_id == subscriber_id).order_by(*table.primary_key.columns))
        told[word] = [_plain(found) for found in rows.mappings()]
    return told


def _plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _INNER and value is not None}

"""Documents put straight into the store, for tests of planning and folding that need no YAML and no rendering."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from nurture.domain.delivery import letter_name
from nurture.domain.documents import DOCUMENT_TYPES, Campaign, Cleanup, Sequence, document_name, lane_name, letters_of
from nurture.store.database import Database
from nurture.store.documents import ensure_lane, save_document, save_letter_version
from nurture.store.ledger import deliveries
from nurture.store.tables import Event
from nurture.store.workspace import ensure_workspace
from tests.support.outbox_rows import of_state
from tests.support.people import NOW


def letter(key: str, kind: str = "useful", **more: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "subject": key, "body": "b"} | more


async def install(db: Database, *documents: dict[str, Any], now: datetime = NOW) -> dict[str, int]:
    """Store documents given as their YAML would read; the first key names the type. Returns their ids by name."""
    ids = {}
    async with db.write() as tx:
        await ensure_workspace(tx, now, b"installation-id!")
        for written in documents:
            model = DOCUMENT_TYPES[next(iter(written))]
            document = model.model_validate(written)
            saved = await save_document(tx, document, getattr(document, "state", "draft" if isinstance(document, Campaign | Cleanup) else "live"), now)
            ids[document_name(document)] = saved.id
            for part in letters_of(document):
                content = {"subject": part.subject, "kind": part.kind.value, "size": part.size.value}
                await save_letter_version(tx, letter_name(document_name(document), part.id), part.kind, content, [], now)
            if isinstance(document, Sequence | Campaign | Cleanup):
                await ensure_lane(tx, lane_name(document), getattr(document, "priority", 80))
    return ids


async def rows_of(db: Database, *columns: str) -> list[tuple[Any, ...]]:
    """All deliveries in order of their ids."""
    async with db.read() as tx:
        return [tuple(r) for r in await tx.execute(select(*(deliveries.c[c] for c in columns)).order_by(deliveries.c.id))]


async def end_row(db: Database, at: datetime, state: str = "accepted", **values: Any) -> None:
    """Everything that waits ends so, as a sender would have written it."""
    async with db.write() as tx:
        ended: dict[str, Any] = {"state": state} | of_state(state, at)
        if state == "accepted":
            ended |= {"handed_at": at, "local_day": at.date(), "zone": "UTC"}
        ended |= values
        await tx.execute(update(deliveries).where(deliveries.c.state.in_(("pending", "deferred"))).values(ended))


async def add_event(db: Database, subscriber_id: int, kind: str, at: datetime, **values: Any) -> None:
    async with db.write() as tx:
        row = {
            "uid": f"{kind}-{subscriber_id}-{at.isoformat()}-{values.get('delivery_id')}", "subscriber_id": subscriber_id, "type": kind, "at": at,
            "settles_at": at, "evidence": "human", "reason": "", "rule_version": 1, "folded": 0,
        }  # fmt: skip
        await tx.execute(insert(Event).values(row | values))

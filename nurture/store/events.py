"""What came back, as rows: adding events once, reading those of a delivery or a person, changing a verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, select, update

from nurture.domain.evidence import Hit
from nurture.domain.words import EventType
from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.dialect_parts import hold_uids
from nurture.store.tables import METADATA

EVENTS = METADATA.tables["events"]
DELIVERIES = METADATA.tables["deliveries"]
SUBSCRIBERS = METADATA.tables["subscribers"]
HIT_TYPES = (EventType.OPENED.value, EventType.CLICKED.value, EventType.VISITED.value)
HITS_AT_MOST = 2_000
_e = EVENTS.c
_DEFAULTS: dict[str, Any] = {"rule_version": 1, "folded": 0, "reacted": 0, "reason": "", "evidence": "unknown"}
_COLUMNS = [c.name for c in EVENTS.columns if c.name != "id"]
VERDICT_CHANGED = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """What tracking needs of a delivery. `permission` is the person's own word on tracking, None where they left it to the workspace."""

    id: int
    subscriber_id: int
    state: str
    dup_risk: int
    accepted_at: datetime | None
    handed_at: datetime | None
    permission: str | None

    @property
    def left_at(self) -> datetime | None:
        """When the relay took the letter: at hand-off, as far as is known of a row whose answer was lost."""
        return self.accepted_at or self.handed_at


def read_hit(row: Mapping[str, Any]) -> Hit:
    """The request that became this event."""
    detail = row["detail"] or {}
    page = row["name"] if row["type"] == EventType.VISITED else None
    return Hit(
        row["at"], detail.get("method", "GET"), row["link"], page, row["agent"] or "", row["ip"] or "",
        prefetch=bool(detail.get("prefetch")), trap=bool(detail.get("trap")),
    )  # fmt: skip


async def add_events(tx: Connection, rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Insert events (columns by name); one whose `uid` is known is passed over, whatever moment it names. Returns the uids that went in."""
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row["uid"], row)
    known = await hold_uids(tx, sorted(first)) if first else set()
    return await add_hits(tx, [row for uid, row in first.items() if uid not in known])


async def add_hits(tx: Connection, rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The same for events whose uid and moment were written down together, so that a replay tells both again: nothing need be looked up."""
    ready = [{name: row.get(name, _DEFAULTS.get(name)) for name in _COLUMNS} for row in rows]
    if not ready:
        return set()
    statement = insert(tx, EVENTS).on_conflict_do_nothing().returning(_e.uid)
    return set((await tx.execute(statement, ready)).scalars())


async def event_by_uid(tx: Connection, uid: str) -> dict[str, Any] | None:
    row = (await tx.execute(select(EVENTS).where(_e.uid == uid))).mappings().one_or_none()
    return dict(row) if row else None


async def sent_deliveries(tx: Connection, ids: Iterable[int]) -> dict[int, Sent]:
    """Deliveries whose person is still there, locked on PostgreSQL: two processes judge the hits of one delivery after each other."""
    d, s = DELIVERIES.c, SUBSCRIBERS.c
    query = (
        select(d.id, d.subscriber_id, d.state, d.dup_risk, d.accepted_at, d.handed_at, s.tracking)
        .join(SUBSCRIBERS, s.id == d.subscriber_id)
        .where(d.id.in_(sorted(set(ids))), s.erased_at.is_(None))
        .order_by(d.id)
        .with_for_update(of=DELIVERIES, key_share=True)
    )
    return {row[0]: Sent(*row) for row in await tx.execute(query)}


async def hits_of(
    tx: Connection, delivery_ids: Iterable[int], since: datetime | None = None
) -> dict[int, list[Mapping[str, Any]]]:  # fmt: skip
    """The newest hits of each delivery, oldest first. `since`: none is older, so that older months need not be asked."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    query = select(EVENTS).where(_e.delivery_id.in_(sorted(set(delivery_ids))), _e.type.in_(HIT_TYPES))
    query = query if since is None else query.where(_e.at >= since)
    rows = (await tx.execute(query.order_by(_e.at.desc(), _e.id.desc()).limit(HITS_AT_MOST))).mappings().all()
    for row in reversed(rows):
        found.setdefault(row["delivery_id"], []).append(dict(row))
    return found


async def change_verdicts(tx: Connection, changes: Sequence[tuple[int, str, str, int]]) -> None:
    """(event id, evidence, reason, rule version); an event that the standing or the rules know already is marked for both to look anew."""
    if changes:
        again = case((_e.folded == 1, VERDICT_CHANGED), else_=_e.folded)
        seen = case((_e.reacted == 1, VERDICT_CHANGED), else_=_e.reacted)
        statement = update(EVENTS).where(_e.id == bindparam("event")).values(
            evidence=bindparam("verdict"), reason=bindparam("why"), rule_version=bindparam("rule"), folded=again, reacted=seen
        )  # fmt: skip
        await tx.execute(statement, [{"event": i, "verdict": e, "why": r, "rule": v} for i, e, r, v in changes])


async def note_reasons(tx: Connection, changes: Sequence[tuple[int, str, int]]) -> None:
    """(event id, reason, rule version) where the verdict itself stays: nobody need look at it anew."""
    if changes:
        statement = update(EVENTS).where(_e.id == bindparam("event")).values(reason=bindparam("why"), rule_version=bindparam("rule"))
        await tx.execute(statement, [{"event": i, "why": r, "rule": v} for i, r, v in changes])


async def hit_deliveries(tx: Connection, after: int, limit: int, since: datetime | None = None) -> list[int]:
    """Ids of deliveries that were opened, clicked or visited (`since` then), in order."""
    query = select(_e.delivery_id).where(_e.delivery_id > after, _e.type.in_(HIT_TYPES)).distinct()
    query = query if since is None else query.where(_e.at >= since)
    return list((await tx.execute(query.order_by(_e.delivery_id).limit(limit))).scalars())


async def list_events(
    tx: Connection, *, after: int, limit: int, subscriber_id: int | None = None, types: Sequence[str] = ()
) -> list[dict[str, Any]]:  # fmt: skip
    """Events by id, with the person's address."""
    query = select(EVENTS, SUBSCRIBERS.c.email).join(SUBSCRIBERS, SUBSCRIBERS.c.id == _e.subscriber_id, isouter=True).where(_e.id > after)
    if subscriber_id is not None:
        query = query.where(_e.subscriber_id == subscriber_id)
    if types:
        query = query.where(_e.type.in_(types))
    return [dict(row) for row in (await tx.execute(query.order_by(_e.id).limit(limit))).mappings()]

"""The ledger read as a story, for a virtual clock: what is due next, what was accepted, who waits for their mix."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, func, select, text

from nurture.domain.words import State
from nurture.store.database import Connection
from nurture.store.ledger import pieces
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import DUE

_d = METADATA.tables["deliveries"].c
_l = METADATA.tables["letters"].c
_v = METADATA.tables["letter_versions"].c
_s = METADATA.tables["subscribers"].c
_e = METADATA.tables["enrolments"].c
_doc = METADATA.tables["documents"].c
_o = METADATA.tables["occasions"].c


@dataclass(frozen=True, slots=True)
class Due:
    id: int
    due_at: datetime
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Taken:
    """An accepted letter. `sequence`: the sequence or campaign whose way it was sent on, None outside these; `links`: its targets; `zone`:
    fixed at hand-off.
    """

    id: int
    subscriber_id: int
    email: str
    letter: str
    kind: str
    size: str
    links: list[str]
    version_id: int
    sequence: str | None
    zone: str
    at: datetime


_FIRST_DUE = select(_d.due_at).where(text(DUE)).order_by(_d.due_at).limit(1)
_FIRST_OPENING = select(func.min(_o.opens_at)).where(_o.filled_at.is_(None))
_DUE = (
    select(_d.id, _d.due_at, _d.closes_at)
    .where(text(DUE), _d.due_at <= bindparam("until", type_=_d.due_at.type))
    .order_by(_d.due_at, _d.id)
)
_TAKEN = (
    select(
        _d.id, _d.subscriber_id, _s.email, _l.name, _d.kind, func.coalesce(_v.content["size"].as_string(), "short"), _v.links,
        _d.version_id, _doc.name, func.coalesce(_d.zone, _s.timezone, "UTC"), _d.accepted_at,
    )
    .join(_l.id.table, _l.id == _d.letter_id)
    .join(_v.id.table, _v.id == _d.version_id)
    .join(_s.id.table, _s.id == _d.subscriber_id)
    .outerjoin(_e.id.table, _e.id == _d.enrolment_id)
    .outerjoin(_doc.id.table, _doc.id == _e.sequence_id)
    .where(_d.id.in_(bindparam("ids", expanding=True)), _d.state == State.ACCEPTED.value)
    .order_by(_d.id)
)  # fmt: skip


async def due_next(tx: Connection, within: timedelta) -> list[Due]:
    """The waiting letter that is due first and those due `within` after it, by time; empty when nothing waits."""
    first = (await tx.execute(_FIRST_DUE)).scalar()
    return [Due(*row) for row in await tx.execute(_DUE, {"until": first + within})] if first else []


async def opens_next(tx: Connection) -> datetime | None:
    """When the next occasion of a campaign takes in its people; None when none is to come."""
    opens: datetime | None = (await tx.execute(_FIRST_OPENING)).scalar()
    return opens


async def taken(tx: Connection, ids: Iterable[int]) -> list[Taken]:
    """Those of these deliveries that were accepted, by id."""
    found: list[Taken] = []
    for piece in pieces(sorted(set(ids))):
        found += [Taken(*row) for row in await tx.execute(_TAKEN, {"ids": piece})]
    return found


async def decisions(tx: Connection) -> Sequence[RowMapping]:
    """The planner's last word on every way under way: email, sequence, decision."""
    query = (
        select(_s.email, _doc.name.label("sequence"), _e.decision)
        .join_from(_e.id.table, _s.id.table, _s.id == _e.subscriber_id)
        .join(_doc.id.table, _doc.id == _e.sequence_id)
        .where(_e.state == "active", _e.decision.is_not(None))
        .order_by(_s.email, _doc.name)
    )
    return (await tx.execute(query)).mappings().all()


async def ids_by_email(tx: Connection, emails: Sequence[str]) -> dict[str, int]:
    found: dict[str, Any] = {}
    for piece in pieces(emails):
        found.update((row.email, row.id) for row in await tx.execute(select(_s.email, _s.id).where(_s.email.in_(piece))))
    return found

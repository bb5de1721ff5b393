"""What a person says about their letters, as rows: how they stand, what they chose, the consent log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from nurture.domain.words import Frequency, Kinds, Status, Tracking
from nurture.store.database import Connection
from nurture.store.tables import METADATA

_SUBSCRIBERS, _CONSENTS = METADATA.tables["subscribers"], METADATA.tables["consents"]
_STANDINGS, _ENROLMENTS = METADATA.tables["standings"], METADATA.tables["enrolments"]
_s = _SUBSCRIBERS.c


@dataclass(frozen=True, slots=True)
class Stand:
    """How one person stands to their letters."""

    id: int
    email: str
    status: Status
    locale: str | None
    kinds: Kinds
    frequency: Frequency
    paused_until: datetime | None
    status_at: datetime
    topics: Mapping[str, Any]
    timezone: str | None
    tracking: Tracking | None
    told_at: Mapping[str, str] | None = None


async def stand_of(tx: Connection, subscriber_id: int, *, lock: bool = False) -> Stand | None:
    """None once the person is erased."""
    columns = (
        _s.id, _s.email, _s.status, _s.locale, _s.kinds, _s.frequency, _s.paused_until, _s.status_at, _s.topics, _s.timezone, _s.tracking,
        _s.told_at,
    )  # fmt: skip
    query = select(*columns).where(_s.id == subscriber_id, _s.erased_at.is_(None))
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        return None
    kinds, frequency, tracking = Kinds(row[4]), Frequency(row[5]), Tracking(row[10]) if row[10] else None
    return Stand(row[0], row[1], Status(row[2]), row[3], kinds, frequency, row[6], row[7], row[8] or {}, row[9], tracking, row[11])


async def choose(tx: Connection, subscriber_id: int, now: datetime, **columns: Any) -> None:
    """Write columns of the person (`status`, `kinds`, `topics`, `timezone` ...); the planner looks at them anew."""
    if "status" in columns:
        columns["status_at"] = now
    await tx.execute(update(_SUBSCRIBERS).where(_s.id == subscriber_id).values(changed_at=now, **columns))
    await tx.execute(update(_STANDINGS).where(_STANDINGS.c.subscriber_id == subscriber_id).values(plan_at=now))


async def add_consent(
    tx: Connection, subscriber_id: int, what: str, *, granted: bool, source: str, ip: str | None, now: datetime, wording: str = ""
) -> None:  # fmt: skip
    """One line of the append-only consent log."""
    values = {"subscriber_id": subscriber_id, "what": what, "granted": granted, "wording": wording, "source": source, "ip": ip, "at": now}
    await tx.execute(insert(_CONSENTS).values(**values))


async def log_permissions(
    tx: Connection, levels: Mapping[int, str], source: str, now: datetime, *, ip: str | None = None
) -> None:  # fmt: skip
    """What people allow to be counted, in the same log: a line each, its wording the level. `levels`: by person."""
    shared = {"what": "tracking", "source": source, "ip": ip, "at": now}
    rows = [{"subscriber_id": i, "granted": level != Tracking.NONE, "wording": level, **shared} for i, level in levels.items()]
    if rows:
        await tx.execute(insert(_CONSENTS), rows)


async def end_enrolments(tx: Connection, subscriber_id: int, reason: str, now: datetime) -> int:
    """End every way the person is on; how many."""
    e = _ENROLMENTS.c
    statement = (
        update(_ENROLMENTS)
        .where(e.subscriber_id == subscriber_id, e.ended_at.is_(None))
        .values(state="left", ended_at=now, end_reason=reason)
        .returning(e.id)
    )
    return len((await tx.execute(statement)).all())


async def resume_enrolments(tx: Connection, subscriber_id: int, left_at: datetime) -> int:
    """Take up again the ways that ended when the person left at this moment; how many."""
    e = _ENROLMENTS.c
    statement = (
        update(_ENROLMENTS)
        .where(e.subscriber_id == subscriber_id, e.state == "left", e.ended_at == left_at)
        .values(state="active", ended_at=None, end_reason=None)
        .returning(e.id)
    )
    return len((await tx.execute(statement)).all())


async def find_person(tx: Connection, email: str) -> int | None:
    """The id behind a normalised address."""
    return (await tx.execute(select(_s.id).where(_s.email == email))).scalar_one_or_none()

"""Questions of the weekly hygiene: who never confirmed, whom nothing reaches, the list from end to end in flat memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select, update

from nurture.domain.field_ages import COLUMNS
from nurture.domain.standing import FlagBit
from nurture.domain.words import EventType, Kind, Status
from nurture.store.database import Connection
from nurture.store.events import EVENTS
from nurture.store.ledger import deliveries, pieces, subscribers
from nurture.store.standings import standings

_s, _t, _e, _d = subscribers.c, standings.c, EVENTS.c, deliveries.c


async def unconfirmed(tx: Connection, before: datetime, limit: int) -> list[int]:
    """People who were asked before that moment, and not again since, and never confirmed. Whoever got a letter or bought is no stranger."""
    asked_since = exists().where(_d.subscriber_id == _s.id, _d.kind == Kind.SERVICE.value, _d.created_at >= before)
    query = select(_s.id).join(standings, _t.subscriber_id == _s.id).where(
        _s.status == Status.PENDING.value, _s.status_at < before, _s.erased_at.is_(None), _t.received == 0, ~_t.customer, ~asked_since,
    )  # fmt: skip
    return list((await tx.execute(query.order_by(_s.id).limit(limit))).scalars())


@dataclass(frozen=True, slots=True)
class Unreached:
    subscriber_id: int
    bounces: int
    days: int
    last: str


async def worn_out(
    tx: Connection, least: int, span: timedelta, people: Iterable[int] | None = None, limit: int | None = None
) -> list[Unreached]:  # fmt: skip
    """Who is mailed and bounced softly so often over so long, with no sign of life since the first of these bounces.

    A bounce from before the person came (back) is not theirs to answer for. `people`: only these; None: everybody.
    """
    counted = (
        _e.type == EventType.BOUNCED.value, _e.name == "soft", _e.at >= _s.status_at,
        or_(_t.last_sign_at.is_(None), _e.at > _t.last_sign_at),
        _s.status.in_((Status.SUBSCRIBED.value, Status.PENDING.value)),
    )  # fmt: skip
    query = (
        select(_e.subscriber_id, func.count().label("bounces"), func.min(_e.at).label("first"), func.max(_e.at).label("last"))
        .join(subscribers, _s.id == _e.subscriber_id)
        .join(standings, _t.subscriber_id == _e.subscriber_id)
        .where(*counted)
        .group_by(_e.subscriber_id)
        .having(func.count() >= least)
        .order_by(_e.subscriber_id)
    )
    if people is not None:
        query = query.where(_e.subscriber_id.in_(sorted(set(people))))
    rows = [row for row in await tx.execute(query) if row.last - row.first >= span][:limit]
    said: dict[int, str] = {}
    for row in rows:
        last = select(_e.reason).where(_e.subscriber_id == row.subscriber_id, _e.type == EventType.BOUNCED.value, _e.at == row.last)
        said[row.subscriber_id] = (await tx.execute(last.limit(1))).scalar_one_or_none() or ""
    return [Unreached(r.subscriber_id, r.bounces, (r.last - r.first).days, said[r.subscriber_id]) for r in rows]


async def count_flagged(tx: Connection, flag: FlagBit) -> int:
    """Subscribed people with the flag."""
    query = select(func.count()).select_from(standings).join(subscribers, _s.id == _t.subscriber_id)
    return int((await tx.execute(query.where(_MAILED, _t.flags.op("&")(int(flag)) != 0))).scalar_one())


async def stream_flagged(tx: Connection, flag: FlagBit, after: int, limit: int) -> list[int]:
    """The next subscribed people with the flag, by id."""
    query = select(_s.id).join(standings, _t.subscriber_id == _s.id).where(_MAILED, _t.flags.op("&")(int(flag)) != 0, _s.id > after)
    return list((await tx.execute(query.order_by(_s.id).limit(limit))).scalars())


_KNOWN = ("id", "email", *COLUMNS, "zone_source", "fields", "told_at", "joined_at")
_MAILED = _s.status == Status.SUBSCRIBED.value


async def stream_known(tx: Connection, after: int, limit: int) -> list[Mapping[str, Any]]:
    """The next subscribed people by id, with all that is known of them."""
    query = select(*(_s[n] for n in _KNOWN)).where(_MAILED, _s.id > after).order_by(_s.id).limit(limit)
    return [dict(row) for row in (await tx.execute(query)).mappings()]


async def stream_addresses(tx: Connection, status: Status, after: int, limit: int) -> list[tuple[int, str, str]]:
    """The next people of this status by id: (id, address, name)."""
    query = select(_s.id, _s.email, _s.name).where(_s.status == status.value, _s.id > after).order_by(_s.id).limit(limit)
    return [(row[0], row[1], row[2]) for row in await tx.execute(query)]


async def people_at(tx: Connection, domain: str, statuses: Sequence[Status]) -> list[tuple[int, str]]:
    """(id, address) of people at a domain who have one of these statuses."""
    ends = _s.email.endswith(f"@{domain}", autoescape=True)
    query = select(_s.id, _s.email).where(ends, _s.status.in_([s.value for s in statuses]), _s.erased_at.is_(None))
    return [(row[0], row[1]) for row in await tx.execute(query.order_by(_s.id))]


async def move_address(tx: Connection, subscriber_id: int, email: str, now: datetime) -> None:
    """Write another address; nobody may have it (the caller looked). The planner looks at the person anew."""
    await tx.execute(update(subscribers).where(_s.id == subscriber_id).values(email=email, changed_at=now))
    await tx.execute(update(standings).where(_t.subscriber_id == subscriber_id).values(plan_at=now))


async def last_signs(tx: Connection, ids: Sequence[int]) -> dict[int, datetime | None]:
    """The last human sign of each of these people."""
    found: dict[int, datetime | None] = {}
    for piece in pieces(ids):
        query = select(_t.subscriber_id, _t.last_sign_at).where(_t.subscriber_id.in_(piece))
        found.update((row[0], row[1]) for row in await tx.execute(query))
    return found

"""Whom to classify, what was decided of them, and the composition of each week."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, case, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.classes import Classified
from nurture.store.facts import UNJUDGED, events
from nurture.store.ledger import pieces, subscribers
from nurture.store.standings import standings
from nurture.store.tables import METADATA

moves = METADATA.tables["moves"]
compositions = METADATA.tables["compositions"]
_s = standings.c
Lately = Sequence[tuple[str, str, str]]  # (what, old, new) of moves, oldest first
_NOTHING: Mapping[int, Lately] = {}
_AT = bindparam("at", type_=_s.engagement_at.type)


def _new(name: str) -> BindParameter[Any]:
    return bindparam(f"new_{name}", type_=_s[name].type)


def _when_moved(name: str) -> ColumnElement[Any]:
    return case((_s[name] != _new(name), _AT), else_=_s[f"{name}_at"])


_SAVE = (
    update(standings)
    .where(_s.subscriber_id == bindparam("key"))
    .values({name: _new(name) for name in ("engagement", "downs", "downs_at", "flags", "temperature")})
    .values({f"{name}_at": _when_moved(name) for name in ("engagement", "temperature")})
)


async def touched_people(tx: AsyncConnection, since: datetime, after: int, limit: int) -> list[int]:
    """People with a sign, a wish or a refusal at or after the moment, by id."""
    recent = or_(_s.last_sign_at >= since, _s.refused_at >= since, _s.wanted_at >= since)
    query = select(_s.subscriber_id).where(recent, _s.subscriber_id > after).order_by(_s.subscriber_id).limit(limit)
    return list((await tx.execute(query)).scalars())


async def moves_of_withdrawn(tx: AsyncConnection, people: Sequence[int]) -> dict[int, list[tuple[str, str, str]]]:
    """(what, old, new) of these people's moves since the first of their withdrawn signs that is not judged yet, oldest first."""
    found: dict[int, list[tuple[str, str, str]]] = {}
    m, e = moves.c, events.c
    for piece in pieces(people):
        first = (
            select(e.subscriber_id, func.min(e.at).label("at"))
            .where(text("events.folded > 1"), e.folded == UNJUDGED, e.subscriber_id.in_(piece))  # the words of the partial index
            .group_by(e.subscriber_id)
            .subquery()
        )
        query = select(m.subscriber_id, m.what, m.old, m.new).join(first, first.c.subscriber_id == m.subscriber_id)
        for person, what, old, new in await tx.execute(query.where(m.at >= first.c.at).order_by(m.id)):
            found.setdefault(person, []).append((what, old, new))
    return found


async def save_classes(tx: AsyncConnection, decided: Iterable[Classified], now: datetime, risen: Mapping[int, Lately] = _NOTHING) -> None:
    """Class, flags and temperature of each, and a row for all that moved; the rest of the standing is folding's.

    `risen`: each person's moves since signs that were taken back; a fall from where one of them led is written as taking it back.
    """
    rows, said = [], []
    for new in decided:
        downs_at = None if new.downs_at is None else datetime.fromtimestamp(new.downs_at, UTC)
        rows.append({
            "key": new.subscriber_id, "at": now, "new_engagement": new.engagement.value, "new_downs": new.downs, "new_downs_at": downs_at,
            "new_flags": new.flags, "new_temperature": new.temperature.value,
        })  # fmt: skip
        said += [
            {
                "subscriber_id": new.subscriber_id, "what": m.what, "old": m.old, "new": m.new, "reason": m.reason, "at": now,
                "withdrawn": int(m.falls and any((what, to) == (m.what, m.old) for what, _, to in risen.get(new.subscriber_id, ()))),
            }
            for m in new.moves
        ]  # fmt: skip
    if rows:
        await tx.execute(_SAVE, rows)
    if said:
        await tx.execute(moves.insert(), said)


async def count_classes(tx: AsyncConnection) -> dict[str, int]:
    """Subscribed people by class."""
    query = select(_s.engagement, func.count()).join(subscribers, subscribers.c.id == _s.subscriber_id)
    rows = await tx.execute(query.where(subscribers.c.status == "subscribed").group_by(_s.engagement))
    return {row[0]: row[1] for row in rows}


async def save_composition(tx: AsyncConnection, week: str, counts: Mapping[str, int]) -> None:
    """The list's composition at the end of a weekly run, once a week."""
    await tx.execute(compositions.delete().where(compositions.c.week == week))
    if counts:
        await tx.execute(compositions.insert(), [{"week": week, "engagement": k, "people": v} for k, v in counts.items()])

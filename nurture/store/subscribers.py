"""People as they are stored: read in chunks by id, added and changed in bulk. Nothing here commits.

Every person has a row in `standings` from the first moment. `changed_at` moves with every edit of the row or its tags.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, literal, not_, select, update

from nurture.domain.people import Known
from nurture.domain.words import Engagement, Frequency, Kinds, Status, Temperature
from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.ledger import of_the_house, pieces
from nurture.store.readers import readers
from nurture.store.tables import METADATA, Standing

subscribers = METADATA.tables["subscribers"]
standings = METADATA.tables["standings"]
tags = METADATA.tables["subscriber_tags"]
_s, _t = subscribers.c, tags.c
__all__ = [
    "DEFAULTS", "Person", "add", "add_tags", "change", "drop_tags", "field_names", "find", "find_many", "get", "get_many", "page",
    "readers", "set_status", "stream", "touch", "upsert_one", "with_status", "with_tag",
]  # fmt: skip
_ROWS_AT_ONCE = 1_000  # rows of one INSERT ... RETURNING: about twenty parameters each
DEFAULTS: dict[str, Any] = {
    "name": "", "first_name": "", "patronymic": "", "timezone": None, "zone_source": "default", "locale": None, "country": None,
    "status": Status.SUBSCRIBED.value, "source": "", "topics": {}, "fields": {}, "frequency": Frequency.NORMAL.value,
    "kinds": Kinds.ALL.value, "tracking": None, "paused_until": None, "told_at": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One subscriber with tags (sorted) and classes. Instants are aware UTC."""

    id: int
    email: str
    name: str
    first_name: str
    patronymic: str
    timezone: str | None
    zone_source: str
    locale: str | None
    country: str | None
    status: Status
    status_at: datetime
    source: str
    topics: Mapping[str, Any]
    fields: Mapping[str, Any]
    frequency: str
    kinds: str
    tracking: str | None
    paused_until: datetime | None
    joined_at: datetime
    changed_at: datetime
    engagement: Engagement
    temperature: Temperature
    told_at: Mapping[str, str] | None = None
    tags: tuple[str, ...] = ()

    @property
    def known(self) -> Known:
        """The person as the rule of merging sees them."""
        columns = {n: getattr(self, n) for n in DEFAULTS if n not in ("fields", "topics")}
        return Known(self.id, columns | {"status": self.status.value}, self.fields, self.topics, frozenset(self.tags))


_OWN = [name for name in Person.__dataclass_fields__ if name not in ("tags", "engagement", "temperature")]
_READ = select(*(_s[n] for n in _OWN), standings.c.engagement, standings.c.temperature).outerjoin_from(
    subscribers, standings, standings.c.subscriber_id == _s.id
).where(_s.erased_at.is_(None))


async def get(tx: Connection, subscriber_id: int) -> Person | None:
    return next(iter(await _people(tx, _READ.where(_s.id == subscriber_id))), None)


async def find(tx: Connection, email: str) -> Person | None:
    """By the normalised address."""
    return next(iter(await _people(tx, _READ.where(_s.email == email))), None)


async def emails_of(tx: Connection, ids: Iterable[int]) -> dict[int, str]:
    """Addresses by id."""
    found: dict[int, str] = {}
    for piece in pieces(ids):
        found.update((row.id, row.email) for row in await tx.execute(select(_s.id, _s.email).where(_s.id.in_(piece))))
    return found


async def find_many(tx: Connection, emails: Iterable[str]) -> dict[str, Person]:
    """Normalised address -> person, of those who are known."""
    found: dict[str, Person] = {}
    for piece in pieces(sorted(set(emails)), 5_000):
        found |= {p.email: p for p in await _people(tx, _READ.where(_s.email.in_(piece)))}
    return found


async def page(tx: Connection, after: int, limit: int, condition: ColumnElement[bool] | None = None) -> list[Person]:
    """The next `limit` people by id after the given one, of those who match."""
    query = _READ.where(_s.id > after, not_(of_the_house())).order_by(_s.id).limit(limit)
    return await _people(tx, query if condition is None else query.where(condition))


async def stream(tx: Connection, condition: ColumnElement[bool] | None = None, size: int = 2_000) -> AsyncIterator[list[Person]]:
    """Everybody who matches, by id, in lists of at most `size`: memory stays flat however long the list."""
    last = 0
    while people := await page(tx, last, size, condition):
        yield people
        last = people[-1].id


async def addresses(tx: Connection, ids: Iterable[int]) -> dict[int, str]:
    """Id -> address."""
    found: dict[int, str] = {}
    for piece in pieces(sorted(set(ids))):
        found.update((row.id, row.email) for row in await tx.execute(select(_s.id, _s.email).where(_s.id.in_(piece))))
    return found


async def with_status(tx: Connection, ids: Iterable[int], status: Status) -> list[int]:
    """Of these people those who have this status, in order."""
    found: list[int] = []
    for piece in pieces(sorted(set(ids))):
        found += [row.id for row in await tx.execute(select(_s.id).where(_s.id.in_(piece), _s.status == status.value).order_by(_s.id))]
    return found


async def field_names(tx: Connection, size: int = 5_000) -> list[str]:
    """Every name that stands in anybody's free fields, sorted."""
    names: set[str] = set()
    last = 0
    while rows := (await tx.execute(select(_s.id, _s.fields).where(_s.id > last).order_by(_s.id).limit(size))).all():
        for _, fields in rows:
            names.update(fields)
        last = rows[-1][0]
    return sorted(names)


async def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """New people with their standings; ids in the order of `rows`. A row needs email, status_at, joined_at, changed_at; it may have `tags`.

    An address that another writer put in meanwhile is left alone and has the id 0.
    """
    found: dict[str, int] = {}
    for piece in pieces(rows, _ROWS_AT_ONCE):
        values = [DEFAULTS | {k: v for k, v in row.items() if k != "tags"} for row in piece]
        statement = insert(tx, subscribers).on_conflict_do_nothing().returning(_s.id, _s.email)
        found |= {row.email: row.id for row in await tx.execute(statement, values)}
    await _stand(tx, found.values())
    await add_tags(tx, {found[r["email"]]: r["tags"] for r in rows if r.get("tags") and r["email"] in found})
    return [found.get(row["email"], 0) for row in rows]


async def _stand(tx: Connection, ids: Iterable[int]) -> None:
    """The standing of people who have done nothing yet, for each of these."""
    blank = {n: v for n, v in Standing(subscriber_id=0).model_dump().items() if n != "subscriber_id" and v is not None}
    values = [literal(v, standings.c[n].type).label(n) for n, v in blank.items()]
    for piece in pieces(ids):
        chosen = select(_s.id, *values).where(_s.id.in_(piece))
        await tx.execute(insert(tx, standings).from_select(["subscriber_id", *blank], chosen).on_conflict_do_nothing())


async def get_many(tx: Connection, ids: Iterable[int]) -> dict[int, Person]:
    """Those of these people who are there, by id."""
    found: dict[int, Person] = {}
    for piece in pieces(sorted(set(ids))):
        found |= {person.id: person for person in await _people(tx, _READ.where(_s.id.in_(piece)))}
    return found


async def change(tx: Connection, changes: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    """Set columns by id, rows with the same columns in one statement."""
    shapes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for subscriber_id, values in changes.items():
        bound = {"key": subscriber_id} | {f"new_{n}": v for n, v in values.items()}
        shapes.setdefault(tuple(sorted(values)), []).append(bound)
    for names, rows in shapes.items():
        new = {n: bindparam(f"new_{n}", type_=_s[n].type) for n in names}
        await tx.execute(update(subscribers).where(_s.id == bindparam("key")).values(changed_at=now, **new), rows)


async def upsert_one(tx: Connection, values: Mapping[str, Any], now: datetime) -> tuple[int, bool]:
    """Add the person (`email` normalised, `tags` allowed) or set the given columns of the one who is there; (id, whether new)."""
    (new,) = await add(tx, [{"status_at": now, "joined_at": now, "changed_at": now} | dict(values)])
    if new:
        return new, True
    known = (await tx.execute(select(_s.id).where(_s.email == values["email"]))).scalar_one()
    await change(tx, {known: {k: v for k, v in values.items() if k not in ("email", "tags")}}, now)
    if values.get("tags"):
        await add_tags(tx, {known: values["tags"]})
    return known, False


async def add_tags(tx: Connection, wanted: Mapping[int, Iterable[str]]) -> None:
    rows = [{"subscriber_id": i, "tag": tag} for i, names in wanted.items() for tag in sorted(set(names))]
    if rows:
        await tx.execute(insert(tx, tags).on_conflict_do_nothing(), rows)


async def with_tag(tx: Connection, tag: str, ids: Sequence[int]) -> set[int]:
    """Of these people those who carry the tag."""
    return set((await tx.execute(select(_t.subscriber_id).where(_t.tag == tag, _t.subscriber_id.in_(ids)))).scalars())


async def drop_tags(tx: Connection, unwanted: Mapping[int, Iterable[str]]) -> None:
    for subscriber_id, names in unwanted.items():
        for piece in pieces(sorted(set(names))):
            await tx.execute(delete(tags).where(_t.subscriber_id == subscriber_id, _t.tag.in_(piece)))


async def set_status(tx: Connection, subscriber_id: int, status: Status, now: datetime) -> bool:
    """Whether it changed anything. The caller decides who may raise; the planner looks at the person at once."""
    statement = update(subscribers).where(_s.id == subscriber_id, _s.status != status.value)
    if not (await tx.execute(statement.values(status=status.value, status_at=now, changed_at=now))).rowcount:
        return False
    await touch(tx, [subscriber_id], now)
    return True


async def touch(tx: Connection, ids: Iterable[int], now: datetime) -> None:
    """These people changed: segments are asked anew and the planner looks at them at once."""
    for piece in pieces(sorted(set(ids))):
        await tx.execute(update(subscribers).where(_s.id.in_(piece)).values(changed_at=now))
        await tx.execute(update(standings).where(standings.c.subscriber_id.in_(piece)).values(plan_at=now))


async def _people(tx: Connection, query: Select[Any]) -> list[Person]:
    rows = (await tx.execute(query)).all()
    tagged: dict[int, list[str]] = {}
    for piece in pieces([row.id for row in rows]):
        for subscriber_id, tag in await tx.execute(select(_t.subscriber_id, _t.tag).where(_t.subscriber_id.in_(piece))):
            tagged.setdefault(subscriber_id, []).append(tag)
    return [_person(row, tagged.get(row.id, [])) for row in rows]


def _person(row: Row[Any], names: list[str]) -> Person:
    values = row._asdict()
    values["status"] = Status(values["status"])
    values["engagement"] = Engagement(values["engagement"] or Engagement.NEW)
    values["temperature"] = Temperature(values["temperature"] or Temperature.COLD)
    return Person(**values, tags=tuple(sorted(names)))

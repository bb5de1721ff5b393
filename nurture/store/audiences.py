"""An audience as a sequence sees it: who comes to match, its baseline - who matches already and is passed over - and its size."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.database import Database
from nurture.store.dialect import insert
from nurture.store.enrolments import TAKEN_BACK
from nurture.store.ledger import pieces
from nurture.store.tables import METADATA

_matches = METADATA.tables["matches"]
_enrolments = METADATA.tables["enrolments"]
_people = METADATA.tables["subscribers"]
_standings = METADATA.tables["standings"]
CHANGED_AT_ONCE = 30_000


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """Subscribed people who match now; of them those never enrolled here; active enrolments."""

    matching: int
    enrollable: int
    under_way: int


def _subscribed(matching: Select[tuple[int]]) -> Select[tuple[int]]:
    return matching.where(_people.c.status == "subscribed")


def _had_way(sequence_id: int, person: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(_enrolments.c.sequence_id == sequence_id, _enrolments.c.subscriber_id == person, _enrolments.c.state != TAKEN_BACK)


async def set_baseline(tx: AsyncConnection, sequence_id: int, matching: Select[tuple[int]]) -> None:
    """All subscribed people who match now are passed over by the enrolling sweep; the old baseline is forgotten.

    A person who matches but is not subscribed yet (pending) comes to match when they confirm.
    """
    await tx.execute(delete(_matches).where(_matches.c.sequence_id == sequence_id))
    chosen = _subscribed(matching).with_only_columns(literal(sequence_id).label("sequence_id"), _people.c.id)
    await tx.execute(insert(tx, _matches).from_select(["sequence_id", "subscriber_id"], chosen))


async def open_baseline(tx: AsyncConnection, sequence_id: int) -> None:
    """Those in the baseline who were never enrolled here are taken in by the next sweep; who had their way stays remembered."""
    own = exists().where(_had_way(sequence_id, _matches.c.subscriber_id))
    await tx.execute(delete(_matches).where(_matches.c.sequence_id == sequence_id, ~own))


async def count_audience(tx: AsyncConnection, sequence_id: int | None, matching: Select[tuple[int]] | None) -> AudienceCount:
    """`sequence_id` None: not stored yet; `matching` None: the sequence has no audience."""
    own = exists().where(_had_way(0 if sequence_id is None else sequence_id, _people.c.id))
    match = enrollable = under_way = 0
    if matching is not None:
        subscribed = _subscribed(matching)
        match = int((await tx.execute(subscribed.with_only_columns(func.count(_people.c.id)))).scalar_one())
        free = subscribed if sequence_id is None else subscribed.where(~own)
        enrollable = int((await tx.execute(free.with_only_columns(func.count(_people.c.id)))).scalar_one())
    if sequence_id is not None:
        active = select(func.count()).where(_enrolments.c.sequence_id == sequence_id, _enrolments.c.state == "active")
        under_way = int((await tx.execute(active)).scalar_one())
    return AudienceCount(match, enrollable, under_way)


async def look_again(tx: AsyncConnection, now: datetime, sequence_id: int | None = None) -> None:
    """The planner looks anew at everybody on the way, in this sequence or in any."""
    way = select(_enrolments.c.subscriber_id).where(_enrolments.c.state == "active")
    if sequence_id is not None:
        way = way.where(_enrolments.c.sequence_id == sequence_id)
    await tx.execute(update(_standings).where(_standings.c.subscriber_id.in_(way)).values(plan_at=now))


async def even_share(tx: AsyncConnection, matching: Select[tuple[int]], most: int) -> tuple[int, list[int]]:
    """(how many subscribed people match, at most `most` of them, evenly taken, by id)."""
    found = _subscribed(matching).subquery()
    people = int((await tx.execute(select(func.count()).select_from(found))).scalar_one())
    step = -(-people // most) or 1
    numbered = select(found.c.id, func.row_number().over(order_by=found.c.id).label("place")).subquery()
    taken = select(numbered.c.id).where(numbered.c.place % step == 0).order_by(numbered.c.id)
    return people, list((await tx.execute(taken)).scalars())


async def newly_matching(tx: AsyncConnection, sequence_id: int, matching: Select[Any], limit: int) -> list[int]:
    """Subscribed people who match now and did not before."""
    known = exists().where(_matches.c.sequence_id == sequence_id, _matches.c.subscriber_id == _people.c.id)
    query = matching.where(_people.c.status == "subscribed", ~known).order_by(_people.c.id).limit(limit)
    return list((await tx.execute(query)).scalars())


async def joined_since(tx: AsyncConnection, ids: Iterable[int], since: datetime) -> dict[int, datetime]:
    """Of these people those who joined at or after the moment, and when: their own act is fresh."""
    found: dict[int, datetime] = {}
    for piece in pieces(sorted(set(ids))):
        rows = await tx.execute(select(_people.c.id, _people.c.joined_at).where(_people.c.id.in_(piece), _people.c.joined_at >= since))
        found.update((row.id, row.joined_at) for row in rows)
    return found


async def changed_people(db: Database, since: datetime, at_once: int = CHANGED_AT_ONCE) -> AsyncIterator[list[int]]:
    """People whose row or tags changed at or after the moment, by id, so many at a time: after an import that may be the whole list.

    Each time the index on the change is read from there on and sorted here: without the `+ 0` a long list would be walked by id for the
    few who changed.
    """
    after, person = 0, _people.c.id + 0
    while True:
        async with db.read() as tx:
            query = select(_people.c.id).where(_people.c.changed_at >= since, person > after).order_by(person).limit(at_once)
            found = list((await tx.execute(query)).scalars())
        if found:
            yield found
        if len(found) < at_once:
            return
        after = found[-1]


async def remember_matches(tx: AsyncConnection, sequence_id: int, ids: Iterable[int]) -> set[int]:
    """Those who were not remembered yet."""
    rows = [{"sequence_id": sequence_id, "subscriber_id": i} for i in ids]
    if not rows:
        return set()
    return set((await tx.execute(insert(tx, _matches).on_conflict_do_nothing().returning(_matches.c.subscriber_id), rows)).scalars())


async def forget_entry(tx: AsyncConnection, way: int) -> None:
    """What was remembered of a person when they were taken in on this way, as if they never had been."""
    own = exists().where(
        _enrolments.c.id == way, _enrolments.c.sequence_id == _matches.c.sequence_id,
        _enrolments.c.subscriber_id == _matches.c.subscriber_id,
    )  # fmt: skip
    person = select(_enrolments.c.subscriber_id).where(_enrolments.c.id == way).scalar_subquery()
    await tx.execute(delete(_matches).where(_matches.c.subscriber_id == person, own))


async def remember_all_matching(tx: AsyncConnection, sequence_id: int, matching: Select[Any], among: Iterable[int] | None = None) -> None:
    """The baseline: all who match now (of `among`) are passed over by the enrolling sweep."""
    narrowed = [None] if among is None else list(pieces(sorted(set(among))))
    for ids in narrowed:
        query = matching if ids is None else matching.where(_people.c.id.in_(ids))
        chosen = query.with_only_columns(literal(sequence_id).label("sequence_id"), _people.c.id)
        await tx.execute(insert(tx, _matches).from_select(["sequence_id", "subscriber_id"], chosen).on_conflict_do_nothing())


def _outdated(sequence_id: int, condition: ColumnElement[bool], news: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """Who matches no longer may come to match again; with `news` also whose way has ended and who has come to match once more, by
    something that happened since they entered.
    """
    gone = ~exists().where(_people.c.id == _matches.c.subscriber_id, condition)
    if news is not None:
        way = and_(_enrolments.c.sequence_id == sequence_id, _enrolments.c.subscriber_id == _matches.c.subscriber_id)
        again = exists().where(_people.c.id == _matches.c.subscriber_id, news)
        gone = or_(gone, and_(exists().where(way), ~exists().where(way, _enrolments.c.state == "active"), again))
    return and_(_matches.c.sequence_id == sequence_id, gone)


async def outdated(
    tx: AsyncConnection, sequence_id: int, condition: ColumnElement[bool], news: ColumnElement[bool] | None
) -> list[int]:  # fmt: skip
    """People who are remembered as matching and are to count anew: by reading, since the whole list is asked."""
    query = select(_matches.c.subscriber_id).where(_outdated(sequence_id, condition, news))
    return sorted((await tx.execute(query)).scalars())


async def forget_outdated(
    tx: AsyncConnection, sequence_id: int, condition: ColumnElement[bool], news: ColumnElement[bool] | None, ids: Iterable[int]
) -> None:  # fmt: skip
    """Of these people those who are outdated still."""
    for piece in pieces(ids):
        await tx.execute(delete(_matches).where(_matches.c.subscriber_id.in_(piece), _outdated(sequence_id, condition, news)))

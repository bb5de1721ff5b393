"""An audience as a sequence sees it: its baseline - who matches already and is passed over - and how many wait, match, are on the way."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, exists, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.dialect import insert
from nurture.store.tables import METADATA

_matches = METADATA.tables["matches"]
_enrolments = METADATA.tables["enrolments"]
_people = METADATA.tables["subscribers"]
_standings = METADATA.tables["standings"]


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """Subscribed people who match now; of them those never enrolled here; active enrolments."""

    matching: int
    enrollable: int
    under_way: int


def _subscribed(matching: Select[tuple[int]]) -> Select[tuple[int]]:
    return matching.where(_people.c.status == "subscribed")


async def set_baseline(tx: AsyncConnection, sequence_id: int, matching: Select[tuple[int]]) -> None:
    """All subscribed people who match now are passed over by the enrolling sweep; the old baseline is forgotten.

    A person who matches but is not subscribed yet (pending) comes to match when they confirm.
    """
    await tx.execute(delete(_matches).where(_matches.c.sequence_id == sequence_id))
    chosen = _subscribed(matching).with_only_columns(literal(sequence_id).label("sequence_id"), _people.c.id)
    await tx.execute(insert(tx, _matches).from_select(["sequence_id", "subscriber_id"], chosen))


async def open_baseline(tx: AsyncConnection, sequence_id: int) -> None:
    """Those in the baseline who were never enrolled here are taken in by the next sweep; who had their way stays remembered."""
    own = exists().where(_enrolments.c.sequence_id == sequence_id, _enrolments.c.subscriber_id == _matches.c.subscriber_id)
    await tx.execute(delete(_matches).where(_matches.c.sequence_id == sequence_id, ~own))


async def count_audience(tx: AsyncConnection, sequence_id: int | None, matching: Select[tuple[int]] | None) -> AudienceCount:
    """`sequence_id` None: not stored yet; `matching` None: the sequence has no audience."""
    own = exists().where(_enrolments.c.sequence_id == sequence_id, _enrolments.c.subscriber_id == _people.c.id)
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

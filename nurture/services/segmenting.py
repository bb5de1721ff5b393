"""Segments answered: how many match a question now, and who."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.conditions import Condition
from nurture.domain.errors import NurtureError
from nurture.store import subscribers
from nurture.store.conditions import compile_condition, count
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.segments import all_segments, expanded, segment_condition
from nurture.store.subscribers import Person


@dataclass(frozen=True, slots=True)
class SegmentCount:
    name: str
    title: str
    people: int


async def count_people(db: Database, now: datetime, *, segment: str | None = None, where: Condition | None = None) -> int:
    """How many people match the segment, or the condition. Raises NurtureError for an unknown segment or when not exactly one is given."""
    async with db.read() as tx:
        condition = await _question(tx, segment, where)
        return await count(tx, condition, now, (await load_policy(tx)).timezone)


async def list_people(
    db: Database, now: datetime, *, segment: str | None = None, where: Condition | None = None, after: int = 0, limit: int = 100
) -> list[Person]:  # fmt: skip
    """Those who match, by id after the given one."""
    async with db.read() as tx:
        condition = await _question(tx, segment, where)
        zone = (await load_policy(tx)).timezone
        return await subscribers.page(tx, after, limit, compile_condition(condition, now, zone))


async def list_segments(db: Database, now: datetime) -> list[SegmentCount]:
    """Every segment with its number of people now."""
    async with db.read() as tx:
        zone = (await load_policy(tx)).timezone
        return [
            SegmentCount(stored.name, segment.title, await count(tx, await expanded(tx, segment.where), now, zone))
            for stored, segment in await all_segments(tx)
        ]


async def _question(tx: Connection, segment: str | None, where: Condition | None) -> Condition:
    if (segment is None) is (where is None):
        raise NurtureError("name a segment or write a condition, one of the two")
    if segment is not None:
        return await segment_condition(tx, segment)
    return await expanded(tx, where)  # type: ignore[arg-type]

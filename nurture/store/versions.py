"""Ways that are pinned to an older version of their sequence, and whom an edit meets on their way. Nothing here commits."""

from collections.abc import Sequence

from sqlalchemy import distinct, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.tables import METADATA

enrolments = METADATA.tables["enrolments"]
_e = enrolments.c
_MAY_GO_ON = ("active", "exited")  # an exit that is undone takes the way up again


async def pin_ways(tx: AsyncConnection, sequence_id: int, version: int) -> int:
    """Who is on the way through the newest version finishes this one; those pinned before stay where they are. Returns how many people."""
    on_the_newest = (_e.sequence_id == sequence_id, _e.version.is_(None))
    active = (await tx.execute(select(func.count()).where(*on_the_newest, _e.state == "active"))).scalar_one()
    await tx.execute(update(enrolments).where(*on_the_newest, _e.state.in_(_MAY_GO_ON)).values(version=version))
    return int(active)


async def release_ways(tx: AsyncConnection, sequence_id: int) -> int:
    """All who are pinned go on in the newest version. Returns how many people."""
    pinned = (_e.sequence_id == sequence_id, _e.version.is_not(None))
    active = (await tx.execute(select(func.count()).where(*pinned, _e.state == "active"))).scalar_one()
    await tx.execute(update(enrolments).where(*pinned).values(version=None))
    return int(active)


async def pinned_versions(tx: AsyncConnection) -> list[tuple[int, int]]:
    """(sequence id, version) of all that any way is pinned to."""
    query = select(_e.sequence_id, _e.version).where(_e.version.is_not(None)).distinct().order_by(_e.sequence_id, _e.version)
    return [(row.sequence_id, row.version) for row in await tx.execute(query)]


async def count_pinned(tx: AsyncConnection) -> dict[int, int]:
    """People under way in older versions, by sequence id."""
    query = select(_e.sequence_id, func.count()).where(_e.version.is_not(None), _e.state == "active").group_by(_e.sequence_id)
    return dict([tuple(row) for row in await tx.execute(query)])


async def people_under_way(tx: AsyncConnection, sequence_id: int, most: int) -> tuple[int, Sequence[int]]:
    """(how many people are on their way through the sequence, at most `most` of them, evenly taken)."""
    active = (_e.sequence_id == sequence_id, _e.state == "active")
    people = int((await tx.execute(select(func.count()).where(*active))).scalar_one())
    step = -(-people // most) or 1
    place = func.row_number().over(order_by=_e.subscriber_id).label("place")
    numbered = select(_e.subscriber_id, place).where(*active).subquery()
    taken = select(numbered.c.subscriber_id).where(numbered.c.place % step == 0).order_by(numbered.c.subscriber_id)
    return people, list((await tx.execute(taken)).scalars())


async def count_finished(tx: AsyncConnection, sequence_id: int) -> int:
    """People who are done with all letters of the sequence and not on their way again: an edit does not reach them."""
    busy = select(_e.subscriber_id).where(_e.sequence_id == sequence_id, _e.state == "active")
    done = (_e.sequence_id == sequence_id, _e.state == "done", _e.subscriber_id.not_in(busy))
    return int((await tx.execute(select(func.count(distinct(_e.subscriber_id))).where(*done))).scalar_one())

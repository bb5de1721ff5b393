"""Lanes and their flags: running, paused, cancelled, halted. Claim and intent read the flag; the rows follow in chunks."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.ledger import lanes

_l = lanes.c
BY_HAND = "paused by hand"


async def pause_lane(tx: AsyncConnection, lane_id: int, reason: str) -> None:
    """Stop one lane with the sentence that says what to do; a lane that stands already keeps its first reason."""
    await tx.execute(update(lanes).where(_l.id == lane_id, _l.flag == "running").values(flag="paused", reason=reason))


async def set_lane(tx: AsyncConnection, name: str, flag: str, reason: str | None = None) -> bool:
    """Set a lane's flag by name; False when there is no such lane."""
    statement = update(lanes).where(_l.name == name).values(flag=flag, reason=reason).returning(_l.id)
    return (await tx.execute(statement)).first() is not None


async def paused_because(tx: AsyncConnection, beginning: str) -> list[int]:
    """Lanes that were paused by the engine itself with a reason that begins so."""
    question = select(_l.id).where(_l.flag == "paused", _l.reason.startswith(beginning, autoescape=True))
    return list((await tx.execute(question)).scalars())


async def run_lanes(tx: AsyncConnection, ids: list[int]) -> None:
    await tx.execute(update(lanes).where(_l.id.in_(ids), _l.flag == "paused").values(flag="running", reason=None))


async def notices(tx: AsyncConnection) -> dict[str, str]:
    """Lane name -> why it stands still."""
    found = await tx.execute(select(_l.name, _l.reason).where(_l.flag != "running", _l.reason.is_not(None)).order_by(_l.name))
    return {row.name: row.reason for row in found}

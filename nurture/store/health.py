"""Small questions about the running system: does the database answer, what waits."""

from dataclasses import dataclass

from sqlalchemy import func, select, text

from nurture.store.database import Connection
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import OPEN_STATES


@dataclass(frozen=True, slots=True)
class Waiting:
    """`open`: deliveries under way by state. `unfolded`: events that no standing knows yet."""

    open: dict[str, int]
    unfolded: int
    halted: bool


async def ping(tx: Connection) -> None:
    """Raises when the database does not answer or holds no schema."""
    await tx.execute(select(METADATA.tables["workspace"].c.id).limit(1))


async def waiting(tx: Connection) -> Waiting:
    deliveries, events = METADATA.tables["deliveries"], METADATA.tables["events"]
    by_state = select(deliveries.c.state, func.count()).where(text(OPEN_STATES)).group_by(deliveries.c.state)
    counts = {state: int(count) for state, count in await tx.execute(by_state)}
    unfolded = (await tx.execute(select(func.count()).select_from(events).where(text("folded = 0")))).scalar_one()
    halted = (await tx.execute(select(METADATA.tables["workspace"].c.halted))).scalar_one_or_none()
    return Waiting(counts, int(unfolded), halted is not None)

"""The installation's one row: its identity, whether it is halted and why, and the number of the last claim."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.dialect import insert
from nurture.store.ledger import workspace

_w = workspace.c


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """`identity` keys Message-IDs for ever; `halted` is the reason why nothing is planned or sent, None while all runs."""

    identity: bytes
    halted: str | None
    claims: int


async def ensure_workspace(tx: AsyncConnection, now: datetime, identity: bytes) -> WorkspaceRow:
    """Make the row at the first open; `identity` (16 random bytes) is used only then."""
    await tx.execute(insert(tx, workspace).values(id=1, identity=identity, claims=0, created_at=now).on_conflict_do_nothing())
    return await load_workspace(tx)


async def load_workspace(tx: AsyncConnection) -> WorkspaceRow:
    row = (await tx.execute(select(_w.identity, _w.halted, _w.claims).where(_w.id == 1))).one()
    return WorkspaceRow(bytes(row.identity), row.halted, row.claims)


async def halted_because(tx: AsyncConnection) -> str | None:
    """Why everything stands still; None while all runs."""
    reason: str | None = (await tx.execute(select(_w.halted).where(_w.id == 1))).scalar_one_or_none()
    return reason


async def halt(tx: AsyncConnection, reason: str) -> None:
    """Stop planning and sending everywhere; what is on the wire finishes. The first reason stays until resume()."""
    await tx.execute(update(workspace).where(_w.id == 1, _w.halted.is_(None)).values(halted=reason))


async def resume(tx: AsyncConnection) -> str | None:
    """Go on; returns the reason that had stopped everything, None when nothing had."""
    before = (await load_workspace(tx)).halted
    await tx.execute(update(workspace).where(_w.id == 1).values(halted=None))
    return before

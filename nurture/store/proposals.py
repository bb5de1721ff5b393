"""Proposals of the weekly hygiene, from week to week. Nothing here commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update

from nurture.domain.hygiene import Proposal, ProposalKind, ProposalState, comes_back
from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.ledger import pieces
from nurture.store.tables import METADATA

proposals = METADATA.tables["proposals"]
_p = proposals.c


@dataclass(frozen=True, slots=True)
class Proposed:
    """A stored proposal. `outcome`: what accepting it did, as a sentence."""

    id: int
    kind: ProposalKind
    key: str
    people: int
    detail: dict[str, Any]
    state: ProposalState
    found_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    outcome: str | None


async def keep_found(tx: Connection, found: Iterable[Proposal], now: datetime) -> int:
    """Write what a run found: new ones open, open ones get their new figures, those not found again are gone. How many opened."""
    known = {(row.kind, row.key): row for row in await tx.execute(select(_p.id, _p.kind, _p.key, _p.state, _p.ended_at))}
    fresh: list[dict[str, Any]] = []
    opened = 0
    for one in found:
        row = known.get((one.kind.value, one.key))
        values = {"people": one.people, "detail": dict(one.detail), "seen_at": now}
        if row is None:
            fresh.append({"kind": one.kind.value, "key": one.key, "found_at": now, "state": ProposalState.OPEN.value} | values)
            continue
        state = ProposalState(row.state)
        if state is not ProposalState.OPEN and comes_back(one.kind, state, row.ended_at, now):
            values |= {"state": ProposalState.OPEN.value, "found_at": now, "ended_at": None, "ended_by": None, "outcome": None}
            opened += 1
        await tx.execute(update(proposals).where(_p.id == row.id).values(**values))
    for piece in pieces(fresh, 1_000):
        await tx.execute(insert(tx, proposals).on_conflict_do_nothing(), list(piece))
    gone = update(proposals).where(text("state = 'open'"), _p.seen_at < now)
    await tx.execute(gone.values(state=ProposalState.GONE.value, ended_at=now))
    return opened + len(fresh)


async def list_proposals(
    tx: Connection, *, states: Sequence[ProposalState] = (ProposalState.OPEN,), after: int = 0, limit: int = 100
) -> list[Proposed]:  # fmt: skip
    """By id."""
    wanted = [s.value for s in states]
    chosen = text("proposals.state = 'open'") if wanted == ["open"] else _p.state.in_(wanted)  # the partial index's words
    rows = await tx.execute(select(proposals).where(chosen, _p.id > after).order_by(_p.id).limit(limit))
    return [_read(dict(row)) for row in rows.mappings()]


async def find_proposal(tx: Connection, proposal_id: int, *, lock: bool = False) -> Proposed | None:
    query = select(proposals).where(_p.id == proposal_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return _read(dict(row)) if row else None


async def end_proposal(
    tx: Connection, proposal_id: int, state: ProposalState, by: str, now: datetime, outcome: str | None = None
) -> None:  # fmt: skip
    values = {"state": state.value, "ended_at": now, "ended_by": by, "outcome": outcome}
    await tx.execute(update(proposals).where(_p.id == proposal_id).values(**values))


async def count_open(tx: Connection) -> dict[str, tuple[int, int]]:
    """Kind -> (open proposals, people in them together)."""
    query = select(_p.kind, func.count(), func.sum(_p.people)).where(text("proposals.state = 'open'")).group_by(_p.kind)
    return {row[0]: (row[1], int(row[2])) for row in await tx.execute(query)}


def _read(row: dict[str, Any]) -> Proposed:
    return Proposed(**(row | {"kind": ProposalKind(row["kind"]), "state": ProposalState(row["state"])}))

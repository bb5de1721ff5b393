"""The seed of a draw and what was drawn with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.draws import commit
from nurture.store.dialect import insert
from nurture.store.tables import METADATA

_DRAWS = METADATA.tables["draws"]
_d = _DRAWS.c


@dataclass(frozen=True, slots=True)
class DrawRow:
    """`winners`: (entry, person), best first; empty until `drawn_at`."""

    question: str
    seed: str
    commitment: str
    created_at: datetime
    drawn_at: datetime | None
    entries: tuple[str, ...]
    winners: tuple[tuple[str, int], ...]


async def promise_draw(tx: AsyncConnection, question: str, seed: str, now: datetime) -> None:
    """Fix the seed; one that is fixed already stays, whatever is stored again."""
    values = {"question": question, "seed": seed, "commitment": commit(seed), "created_at": now}
    await tx.execute(insert(tx, _DRAWS).values(**values).on_conflict_do_nothing(index_elements=["question"]))


async def load_draw(tx: AsyncConnection, question: str, *, lock: bool = False) -> DrawRow | None:
    query = select(_DRAWS).where(_d.question == question)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        return None
    winners = tuple((one["entry"], one["subscriber"]) for one in row.winners or ())
    return DrawRow(row.question, row.seed, row.commitment, row.created_at, row.drawn_at, tuple(row.entries or ()), winners)


async def keep_draw(
    tx: AsyncConnection, question: str, entries: Sequence[str], winners: Sequence[tuple[str, int]], now: datetime
) -> None:  # fmt: skip
    """What was drawn, for good."""
    told = [{"entry": entry, "subscriber": person} for entry, person in winners]
    await tx.execute(
        update(_DRAWS).where(_d.question == question, _d.drawn_at.is_(None)).values(drawn_at=now, entries=list(entries), winners=told)
    )

"""Rows whose answer was lost: found, resolved by a person's word, counted for `nurture proof`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import State
from nurture.store.ledger import deliveries, lanes, letters, one_of, pieces, subscribers, workers
from nurture.store.sweeps import Moved

_d = deliveries.c
DOUBTFUL = (State.HELD.value, State.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class Doubts:
    """Which rows are meant; what is not given fits every one. `source`: a lane, such as `campaign:weekly`."""

    state: State = State.HELD
    ids: Collection[int] | None = None
    email: str | None = None
    letter: str | None = None
    source: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found = [text(f"deliveries.state = '{self.state.value}'")]
        given = ((self.email, subscribers.c.email), (self.letter, letters.c.name), (self.source, lanes.c.name))
        return [*found, *(column == value for value, column in given if value)]  # type: ignore[list-item]  # text() stands among them


async def find_doubtful(tx: AsyncConnection, which: Doubts, after: int, limit: int) -> list[tuple[int, int]]:
    """Rows (id, fence) with an id above `after`, by id."""
    question = (
        select(_d.id, _d.fence)
        .join(subscribers, subscribers.c.id == _d.subscriber_id)
        .join(letters, letters.c.id == _d.letter_id)
        .join(lanes, lanes.c.id == _d.lane_id)
        .where(_d.id > after, *which.conditions())
        .order_by(_d.id)
        .limit(limit)
    )
    if which.ids is None:
        return [(i, fence) for i, fence in await tx.execute(question)]
    found: list[tuple[int, int]] = []
    for piece in pieces(sorted(set(which.ids))):
        found += [(i, fence) for i, fence in await tx.execute(question.where(_d.id.in_(piece)))]
    return found[:limit]


async def missing_ids(tx: AsyncConnection, ids: Collection[int]) -> list[int]:
    """Those of `ids` that no delivery has."""
    there: set[int] = set()
    for piece in pieces(sorted(set(ids))):
        there.update((await tx.execute(select(_d.id).where(_d.id.in_(piece)))).scalars())
    return sorted(set(ids) - there)


async def settle(tx: AsyncConnection, rows: Sequence[tuple[int, int]], state: State, now: datetime) -> int:
    """Doubtful rows (id, fence) -> accepted or cancelled, by a person's word. An acceptance is dated to the hand-off."""
    values: dict[str, Any] = {"state": state.value, "ended_at": now, "outcome": "resolved", "worker_id": None, "folded": 0}
    if state is State.ACCEPTED:
        values["accepted_at"] = func.coalesce(_d.accepted_at, _d.handed_at, now)
    else:
        values["dup_risk"] = _d.dup_risk + case((_d.dup_risk == 0, 1), else_=0)  # that it may have come stays known
    done = 0
    for number, fence in rows:
        statement = update(deliveries).where(_d.id == number, _d.fence == fence, one_of(_d.state, DOUBTFUL)).values(**values)
        done += (await tx.execute(statement.returning(_d.id))).first() is not None
    return done


_AGAIN = (
    update(deliveries)
    .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), one_of(_d.state, DOUBTFUL))
    .values(
        state=State.PENDING.value, fence=_d.fence + 1, dup_risk=_d.dup_risk + 1, outcome=None, ended_at=None, worker_id=None, folded=1,
        due_at=bindparam("due"), closes_at=bindparam("closes"),
    )
    .returning(_d.id)
)  # fmt: skip


async def send_again(tx: AsyncConnection, rows: Sequence[Moved]) -> list[int]:
    """Doubtful rows -> pending, at the risk of a second copy. Returns the ids; a person who has another letter under way keeps that one."""
    done: list[int] = []
    for row in rows:
        try:
            async with tx.begin_nested():
                given = {"row": row.id, "held": row.fence, "due": row.due_at, "closes": row.closes_at}
                if (await tx.execute(_AGAIN, given)).first() is not None:
                    done.append(row.id)
        except IntegrityError:
            continue
    return done


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every row counted once. `by_state`; of all rows how many were tried again after a lost answer (`risked`), and of those how many have
    been accepted since (`risked_accepted`): so many people may have two copies, `copies` at most. `since`: the oldest hand-off in doubt.
    `orphans`: rows on the wire of workers that are gone.
    """

    by_state: dict[str, int] = field(default_factory=dict)
    risked: int = 0
    risked_accepted: int = 0
    copies: int = 0
    since: datetime | None = None
    orphans: int = 0


async def count_ledger(tx: AsyncConnection) -> Ledger:
    """One pass over all rows. Each state is counted by its name: to group them would sort the rows in memory, 90 MB for a million."""
    at_risk, accepted = _d.dup_risk > 0, _d.state == State.ACCEPTED.value
    every = select(
        func.count().filter(at_risk), func.count().filter(at_risk & accepted), func.coalesce(func.sum(_d.dup_risk).filter(accepted), 0),
        func.min(_d.handed_at).filter(at_risk | one_of(_d.state, DOUBTFUL)), *[func.count().filter(_d.state == s.value) for s in State],
    )  # fmt: skip
    risked, risked_accepted, copies, since, *by_state = (await tx.execute(every)).one()
    ended = select(func.count()).select_from(deliveries.outerjoin(workers, workers.c.id == _d.worker_id))
    gone = ended.where(text("deliveries.worker_id > 0"), _d.state == State.SENDING.value, workers.c.ended_at.is_not(None))
    counts = {state.value: int(count) for state, count in zip(State, by_state, strict=True) if count}
    return Ledger(counts, int(risked), int(risked_accepted), int(copies), since, int((await tx.execute(gone)).scalar_one()))

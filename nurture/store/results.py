"""What became of claimed and handed rows. An old fence may only write `accepted`: the truth of an acceptance beats every lease."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import State
from nurture.store.ledger import deliveries, one_of
from nurture.store.tables.deliveries import LEASED_STATES

_d = deliveries.c
Hold = tuple[int, int]  # id and fence of a row in somebody's hands


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one try.

    `due_at`: the next try of a deferred row, the end of the grace of an unknown one. `outcome`: the class of a rejection.
    """

    id: int
    fence: int
    state: State
    at: datetime
    code: int | None = None
    enhanced: str | None = None
    answer: str = ""
    relay: str = ""
    outcome: str | None = None
    due_at: datetime | None = None
    counts_attempt: bool = True


def _answer(result: Result) -> dict[str, Any]:
    return {
        "row": result.id, "held": result.fence, "at": result.at, "said": result.code, "class": result.enhanced,
        "words": result.answer, "by": result.relay, "why": result.outcome, "due": result.due_at, "tries": int(result.counts_attempt),
    }  # fmt: skip


_ANSWER = {
    "code": bindparam("said"), "enhanced": bindparam("class"), "answer": bindparam("words"), "relay": bindparam("by"),
    "attempts": _d.attempts + bindparam("tries"), "outcome": bindparam("why"),
}  # fmt: skip
_DUE = func.coalesce(bindparam("due", type_=_d.due_at.type), _d.due_at)
_HELD = (_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.SENDING.value)
_STATEMENTS = {
    State.ACCEPTED: update(deliveries)
    .where(_d.id == bindparam("row"), _d.state != State.ACCEPTED.value)
    .values(state=State.ACCEPTED.value, accepted_at=bindparam("at"), ended_at=bindparam("at"), worker_id=None, folded=0, **_ANSWER),
    State.REJECTED: update(deliveries)
    .where(*_HELD)
    .values(state=State.REJECTED.value, ended_at=bindparam("at"), worker_id=None, folded=0, **_ANSWER),
    State.DEFERRED: update(deliveries).where(*_HELD).values(state=State.DEFERRED.value, due_at=_DUE, worker_id=None, **_ANSWER),
    State.UNKNOWN: update(deliveries).where(*_HELD).values(state=State.UNKNOWN.value, due_at=_DUE, worker_id=None, folded=0, **_ANSWER),
}
_ALWAYS = ("row", "said", "class", "words", "by", "why", "tries")
_USED = {
    State.ACCEPTED: (*_ALWAYS, "at"),
    State.REJECTED: (*_ALWAYS, "held", "at"),
    State.DEFERRED: (*_ALWAYS, "held", "due"),
    State.UNKNOWN: (*_ALWAYS, "held", "due"),
}


async def record(tx: AsyncConnection, results: Iterable[Result]) -> None:
    """Write the ends of tries: accepted, rejected, deferred, unknown; in one commit of the caller's."""
    by_state: dict[State, list[dict[str, Any]]] = {}
    for result in results:
        values = _answer(result)
        by_state.setdefault(result.state, []).append({name: values[name] for name in _USED[result.state]})
    for state, rows in by_state.items():
        await tx.execute(_STATEMENTS[state], rows)


async def fail(tx: AsyncConnection, rows: Sequence[tuple[int, int, str]], outcome: str, now: datetime) -> None:
    """Claimed rows (id, fence, words) that can never be sent as they are: render errors, age."""
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.CLAIMED.value)
        .values(state=State.FAILED.value, outcome=outcome, answer=bindparam("words"), ended_at=now, worker_id=None, folded=0)
    )
    if rows:
        await tx.execute(statement, [{"row": i, "held": fence, "words": words} for i, fence, words in rows])


async def release(tx: AsyncConnection, rows: Sequence[Hold]) -> None:
    """Rows that were not written to the wire go back: claimed or sending -> pending, at the time they were due."""
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), one_of(_d.state, [State.CLAIMED.value, State.SENDING.value]))
        .values(state=State.PENDING.value, worker_id=None)
    )
    if rows:
        await tx.execute(statement, [{"row": i, "held": fence} for i, fence in rows])


async def release_worker(tx: AsyncConnection, worker_id: int) -> int:
    """At an orderly stop: all that this worker claimed and did not hand over goes back. Returns how many."""
    statement = (
        update(deliveries)
        .where(_d.worker_id == worker_id, text(LEASED_STATES), _d.state == State.CLAIMED.value)
        .values(state=State.PENDING.value, worker_id=None)
        .returning(_d.id)
    )
    return len((await tx.execute(statement)).all())

"""What became of claimed and handed rows. An old fence may only write `accepted`: the truth of an acceptance beats every lease."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Update, bindparam, func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import State
from nurture.store.database import Database
from nurture.store.dialect_batch import Batch
from nurture.store.ledger import deliveries, one_of
from nurture.store.tables.deliveries import LEASED_STATES

_d = deliveries.c
Hold = tuple[int, int]  # id and fence of a row in somebody's hands


class Result(NamedTuple):
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


_GIVEN = {
    "row": _d.id.type, "held": _d.fence.type, "at": _d.ended_at.type, "said": _d.code.type, "class": _d.enhanced.type,
    "words": _d.answer.type, "by": _d.relay.type, "why": _d.outcome.type, "due": _d.due_at.type, "tries": _d.attempts.type,
}  # fmt: skip
_HOLD = {"row": _d.id.type, "held": _d.fence.type}


def _ends(state: State) -> Batch:
    """An end of a try: what each state adds to the relay's answer. Only `accepted` asks for neither fence nor state."""

    def build(given: Any) -> Update:
        g = given.c
        held = (_d.id == g.row, _d.fence == g.held, _d.state == State.SENDING.value)
        ended = {"ended_at": g.at, "folded": 0}
        waits = {"due_at": func.coalesce(g.due, _d.due_at)}
        more = {
            State.ACCEPTED: {"accepted_at": g.at, **ended}, State.REJECTED: ended, State.DEFERRED: waits,
            State.UNKNOWN: {"folded": 0, **waits},
        }[state]  # fmt: skip
        return (
            update(deliveries)
            .where(*((_d.id == g.row, _d.state != State.ACCEPTED.value) if state is State.ACCEPTED else held))
            .values(
                state=state.value, worker_id=None, code=g.said, enhanced=g["class"], answer=g.words, relay=g.by,
                attempts=_d.attempts + g.tries, outcome=g.why, **more,
            )
        )  # fmt: skip

    return Batch(_GIVEN, build)


_ENDS = {state: _ends(state) for state in (State.ACCEPTED, State.REJECTED, State.DEFERRED, State.UNKNOWN)}
_BACK = Batch(
    _HOLD,
    lambda given: update(deliveries)
    .where(_d.id == given.c.row, _d.fence == given.c.held, one_of(_d.state, [State.CLAIMED.value, State.SENDING.value]))
    .values(state=State.PENDING.value, worker_id=None),
)


async def record(tx: AsyncConnection, results: Iterable[Result]) -> None:
    """Write the ends of tries: accepted, rejected, deferred, unknown; in one commit of the caller's."""
    by_state: dict[State, list[Result]] = {}
    for result in results:
        by_state.setdefault(result.state, []).append(result)
    for state, ended in by_state.items():
        await _ENDS[state].change(tx, _given(ended))


async def record_accepted(db: Database, results: Sequence[Result]) -> None:
    """The same for a batch that was accepted whole, as nearly always: one statement, durable when this returns."""
    await _ENDS[State.ACCEPTED].alone(db, _given(results))


def _given(results: Iterable[Result]) -> list[tuple[Any, ...]]:
    return [(number, fence, *answer, int(counts)) for number, fence, _, *answer, counts in results]


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
    await _BACK.change(tx, rows)


async def release_worker(tx: AsyncConnection, worker_id: int) -> int:
    """At an orderly stop: all that this worker claimed and did not hand over goes back. Returns how many."""
    statement = (
        update(deliveries)
        .where(_d.worker_id == worker_id, text(LEASED_STATES), _d.state == State.CLAIMED.value)
        .values(state=State.PENDING.value, worker_id=None)
        .returning(_d.id)
    )
    return len((await tx.execute(statement)).all())

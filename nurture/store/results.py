"""What became of claimed and handed rows. An old fence may only write `accepted`: the truth of an acceptance beats every lease."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Update, bindparam, func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import State
from nurture.store.database import Database
from nurture.store.dialect_batch import Batch
from nurture.store.ledger import deliveries, one_of
from nurture.store.tables.deliveries import LEASED

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


Alike = tuple[int | None, str | None, str, int]
"""Code, enhanced code, relay, and 1 where the try counts, as accepted ones do."""
Own = tuple[int, datetime, str]
"""Id of a row, the moment of its answer, the words."""
Answers = dict[Alike, list[Own]]
"""Accepted rows by what they have in common."""
_HOLD = {"row": _d.id.type, "held": _d.fence.type}
_ALIKE = {"said": _d.code.type, "class": _d.enhanced.type, "by": _d.relay.type, "tries": _d.attempts.type}
_OWN = {"at": _d.ended_at.type, "words": _d.answer.type}
_NEXT = {"why": _d.outcome.type, "due": _d.due_at.type}


def _answered(said: Any, words: Any, **more: Any) -> dict[str, Any]:
    told = {"code": said["said"], "enhanced": said["class"], "answer": words, "relay": said["by"], "attempts": _d.attempts + said["tries"]}
    return {"worker_id": None, **told, **more}


def _accepted(given: Any) -> Update:
    """Neither fence nor state is asked for, but that it is not yet known. What a relay answers to letter after letter is given once."""
    at, alike = given.c.at, {name: bindparam(name, type_=kind) for name, kind in _ALIKE.items()}
    row = update(deliveries).where(_d.id == given.c.row, _d.state != State.ACCEPTED.value)
    return row.values(
        state=State.ACCEPTED.value, accepted_at=at, ended_at=at, folded=0, outcome=None, **_answered(alike, given.c.words)
    )  # fmt: skip


def _otherwise(state: State) -> Batch:
    def build(given: Any) -> Update:
        g = given.c
        waits = {"due_at": func.coalesce(g.due, _d.due_at)}
        more = {State.REJECTED: {"ended_at": g.at, "folded": 0}, State.DEFERRED: waits, State.UNKNOWN: {"folded": 0, **waits}}[state]
        row = update(deliveries).where(_d.id == g.row, _d.fence == g.held, _d.state == State.SENDING.value)
        return row.values(state=state.value, outcome=g.why, **_answered(g, g.words, **more))

    return Batch(_HOLD | _OWN | _ALIKE | _NEXT, build)


_ACCEPTED = Batch({"row": _d.id.type} | _OWN, _accepted)
_OTHERWISE = {state: _otherwise(state) for state in (State.REJECTED, State.DEFERRED, State.UNKNOWN)}
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
        if state is State.ACCEPTED:
            await _record_accepted(tx, _by_answer(ended))
        else:
            rows = [(r.id, r.fence, r.at, r.answer, r.code, r.enhanced, r.relay, int(r.counts_attempt), r.outcome, r.due_at) for r in ended]
            await _OTHERWISE[state].change(tx, rows)


async def record_accepted(db: Database, answers: Answers) -> None:
    """The same for a batch that was accepted whole, as nearly always, durable when this returns. One statement where one relay took all."""
    if len(answers) == 1:
        ((alike, rows),) = answers.items()
        await _ACCEPTED.alone(db, rows, **_named(alike))
    elif answers:
        async with db.write() as tx:
            await _record_accepted(tx, answers)


async def _record_accepted(tx: AsyncConnection, answers: Answers) -> None:
    for alike, rows in answers.items():
        await _ACCEPTED.change(tx, rows, **_named(alike))


def _named(alike: Alike) -> dict[str, Any]:
    return dict(zip(_ALIKE, alike, strict=True))


def _by_answer(accepted: Iterable[Result]) -> Answers:
    found: Answers = defaultdict(list)
    for r in accepted:
        found[r.code, r.enhanced, r.relay, int(r.counts_attempt)].append((r.id, r.at, r.answer))
    return found


async def fail(tx: AsyncConnection, rows: Sequence[tuple[int, int, str]], outcome: str, now: datetime) -> None:
    """Claimed rows (id, fence, words) that can never be sent as they are: render errors, age."""
    if not rows:
        return
    statement = (
        update(deliveries)
        .where(_d.id == bindparam("row"), _d.fence == bindparam("held"), _d.state == State.CLAIMED.value)
        .values(state=State.FAILED.value, outcome=outcome, answer=bindparam("words"), ended_at=now, worker_id=None, folded=0)
    )
    await tx.execute(statement, [{"row": i, "held": fence, "words": words} for i, fence, words in rows])


async def release(tx: AsyncConnection, rows: Sequence[Hold]) -> None:
    """Rows that were not written to the wire go back: claimed or sending -> pending, at the time they were due."""
    await _BACK.change(tx, rows)


async def release_worker(tx: AsyncConnection, worker_id: int) -> int:
    """At an orderly stop: all that this worker claimed and did not hand over goes back. Returns how many."""
    statement = (
        update(deliveries)
        .where(_d.worker_id == worker_id, text(LEASED), _d.state == State.CLAIMED.value)
        .values(state=State.PENDING.value, worker_id=None)
        .returning(_d.id)
    )
    return len((await tx.execute(statement)).all())

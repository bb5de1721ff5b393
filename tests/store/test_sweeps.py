"""Rows that lost their window, worker or answer: which are found, what becomes of them, and that the standing hears of each end."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Kind, State
from nurture.store.claims import leave_out
from nurture.store.database import Database
from nurture.store.lanes import set_lane
from nurture.store.outbox import cancel_open, cancel_rows, plan_rows
from nurture.store.results import Result, fail, record, release, release_worker
from nurture.store.sweeps import (
    Moved,
    cancel,
    closed_where_nobody_claims,
    graced,
    hold_unknown,
    orphans,
    reap_rows,
    retry_unknown,
    stranded,
    to_next_window,
)
from nurture.store.workers import end
from tests.store.test_claims import a_worker, claimed_one, intent
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


async def some_rows(db: Database, count: int, **more: Any) -> list[Any]:
    """As many people with a pending row each."""
    letter = await add_letter(db)
    people = await add_people(db, *[f"p{n}@example.com" for n in range(count)])
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p, **more) for p in people])
    return await the_rows(db)


@pytest.mark.parametrize("flag", ["paused", "cancelled", "running"])
async def test_closed_windows_are_looked_for_only_where_no_claim_comes_by(sqlite_db: Database, flag: str) -> None:
    closed, closing, later, claimed, forever = await some_rows(sqlite_db, 5, due=NOW - HOUR)
    await set_row(sqlite_db, closed.id, closes_at=NOW + 9 * SECOND)
    await set_row(sqlite_db, closing.id, closes_at=NOW + 10 * SECOND)
    await set_row(sqlite_db, later.id, closes_at=NOW, due_at=NOW + SECOND)
    await set_row(sqlite_db, claimed.id, closes_at=NOW, state="claimed")
    await set_row(sqlite_db, forever.id, closes_at=None)
    async with sqlite_db.write() as tx:
        await set_lane(tx, "sequence:school", flag)
        assert await closed_where_nobody_claims(tx, NOW) == ([] if flag == "running" else [closed.id])


async def test_what_is_stranded_tells_who_may_not_get_it_any_more(db: Database) -> None:
    rows = await some_rows(db, 3)
    from nurture.store.ledger import subscribers  # noqa: PLC0415 - only to write the change the person makes

    async with db.write() as tx:
        await tx.execute(subscribers.update().where(subscribers.c.id == rows[1].subscriber_id).values(status="unsubscribed"))
        await tx.execute(subscribers.update().where(subscribers.c.id == rows[2].subscriber_id).values(timezone="Asia/Tokyo"))
        found = await stranded(tx, [rows[2].id, rows[1].id], NOW)
    assert [(s.id, s.refusal, s.timezone == "Asia/Tokyo") for s in found] == [(rows[1].id, "left", False), (rows[2].id, None, True)]
    assert {(s.state, s.kind, s.letter) for s in found} == {(State.PENDING, Kind.USEFUL, "school/one")}


@pytest.mark.parametrize(
    ("state", "became"), [("pending", "pending"), ("deferred", "deferred"), ("claimed", "pending"), ("sending", "sending")]
)
async def test_another_window_leaves_a_deferred_row_deferred(sqlite_db: Database, state: str, became: str) -> None:
    (row,) = await some_rows(sqlite_db, 1)
    await set_row(sqlite_db, row.id, state=state, fence=3)
    async with sqlite_db.write() as tx:
        await to_next_window(tx, [Moved(row.id, 2, NOW + 9 * HOUR, None)])
    assert (await the_rows(sqlite_db))[0].due_at == NOW, "an old fence moves nothing"
    async with sqlite_db.write() as tx:
        await to_next_window(tx, [Moved(row.id, 3, NOW + HOUR, NOW + 2 * HOUR)])
    (after,) = await the_rows(sqlite_db)
    assert (after.state, after.due_at == NOW + HOUR, after.fence) == (became, state != "sending", 3)


@pytest.mark.parametrize(("state", "risk"), [("pending", 4), ("deferred", 4), ("claimed", 4), ("unknown", 5)])
async def test_only_a_cancelled_unknown_row_may_have_come(sqlite_db: Database, state: str, risk: int) -> None:
    (row,) = await some_rows(sqlite_db, 1)
    await set_row(sqlite_db, row.id, state=state, fence=3, dup_risk=4)
    async with sqlite_db.write() as tx:
        await cancel(tx, [(row.id, 2, "old")], NOW)
        await cancel(tx, [(row.id, 3, "missed")], NOW)
    (after,) = await the_rows(sqlite_db)
    assert (after.state, after.outcome, after.ended_at, after.dup_risk) == ("cancelled", "missed", NOW, risk)


async def test_the_grace_ends_to_the_second_and_the_oldest_comes_first(db: Database) -> None:
    rows = await some_rows(db, 3)
    for row, due in zip(rows, (NOW, NOW - MINUTE, NOW + SECOND), strict=True):
        await set_row(db, row.id, state="unknown", due_at=due)
    async with db.read() as tx:
        assert await graced(tx, NOW) == [rows[1].id, rows[0].id]


async def test_only_the_rows_of_the_lost_worker_are_taken_back(db: Database) -> None:
    rows = await some_rows(db, 4)
    lost, other = await a_worker(db), await a_worker(db)
    for row, worker, state in zip(rows, (lost, other, lost, other), ("claimed", "claimed", "sending", "sending"), strict=True):
        await set_row(db, row.id, state=state, worker_id=worker.id)
    async with db.write() as tx:
        assert await orphans(tx) == set()
        await end(tx, lost.id, NOW)
        assert await orphans(tx) == {lost.id}
        assert await reap_rows(tx, [lost.id], NOW, MINUTE) == (1, 1)
        assert await release_worker(tx, lost.id) == 0
        assert await release_worker(tx, other.id) == 1
    after = await the_rows(db)
    assert [(r.state, r.worker_id) for r in after] == [("pending", None), ("pending", None), ("unknown", None), ("sending", other.id)]
    assert after[2].due_at == NOW + MINUTE


async def test_an_unknown_row_changes_hands_by_its_fence(sqlite_db: Database) -> None:
    first, second = await some_rows(sqlite_db, 2)
    for row in (first, second):
        await set_row(sqlite_db, row.id, state="unknown", fence=3)
    async with sqlite_db.write() as tx:
        await retry_unknown(tx, [Moved(first.id, 2, NOW, None)])
        await hold_unknown(tx, [(second.id, 2)], NOW)
    assert [r.state for r in await the_rows(sqlite_db)] == ["unknown", "unknown"]
    async with sqlite_db.write() as tx:
        await retry_unknown(tx, [Moved(first.id, 3, NOW + HOUR, NOW + 2 * HOUR)])
        await hold_unknown(tx, [(second.id, 3)], NOW)
    again, held = await the_rows(sqlite_db)
    assert (again.state, again.fence, again.dup_risk, again.due_at, again.closes_at) == ("pending", 4, 1, NOW + HOUR, NOW + 2 * HOUR)
    assert (held.state, held.fence, held.dup_risk) == ("held", 4, 0)


def answered(state: State) -> Callable[[AsyncConnection, Any, int], Awaitable[Any]]:
    return lambda tx, row, _worker: record(tx, [Result(row.id, row.fence, state, NOW)])


ENDS: dict[str, tuple[str, Callable[[AsyncConnection, Any, int], Awaitable[Any]]]] = {
    **{state.value: ("sending", answered(state)) for state in (State.ACCEPTED, State.REJECTED, State.UNKNOWN)},
    "failed": ("claimed", lambda tx, row, _worker: fail(tx, [(row.id, row.fence, "x")], "render", NOW)),
    "left out": ("claimed", lambda tx, row, _worker: leave_out(tx, [intent(row)], NOW)),
    "cancelled": ("claimed", lambda tx, row, _worker: cancel(tx, [(row.id, row.fence, "left")], NOW)),
    "outranked": ("pending", lambda tx, row, _worker: cancel_rows(tx, [row.id], "outranked", NOW)),
    "cancelled open": ("pending", lambda tx, row, _worker: cancel_open(tx, "left", NOW, subscriber_id=row.subscriber_id)),
    "reaped": ("sending", lambda tx, _row, worker: reap_rows(tx, [worker], NOW, HOUR)),
    "held": ("unknown", lambda tx, row, _worker: hold_unknown(tx, [(row.id, row.fence)], NOW)),
}


@pytest.mark.parametrize("name", ENDS)
async def test_every_end_is_folded_anew_and_leaves_the_workers_hands(sqlite_db: Database, name: str) -> None:
    worker, row = await claimed_one(sqlite_db)
    state, move = ENDS[name]
    await set_row(sqlite_db, row.id, state=state)
    async with sqlite_db.write() as tx:
        await set_lane(tx, "sequence:school", "cancelled")
        await move(tx, row, worker.id)
    (after,) = await the_rows(sqlite_db)
    assert after.state != state
    assert (after.folded, after.worker_id) == (0, None)
    assert (after.ended_at is None) == (after.state == "unknown")


@pytest.mark.parametrize(
    ("state", "became"), [("claimed", "pending"), ("sending", "pending"), ("unknown", "unknown"), ("deferred", "deferred")]
)
async def test_what_was_not_written_to_the_wire_goes_back(sqlite_db: Database, state: str, became: str) -> None:
    _, row = await claimed_one(sqlite_db)
    await set_row(sqlite_db, row.id, state=state, fence=3)
    async with sqlite_db.write() as tx:
        await release(tx, [(row.id, 2)])
    assert (await the_rows(sqlite_db))[0].state == state
    async with sqlite_db.write() as tx:
        await release(tx, [(row.id, 3)])
    assert (await the_rows(sqlite_db))[0].state == became


async def test_a_try_that_was_nobodys_fault_is_not_counted(sqlite_db: Database) -> None:
    _, row = await claimed_one(sqlite_db)
    for counts, attempts in ((False, 0), (True, 1), (False, 1)):
        await set_row(sqlite_db, row.id, state="sending")
        async with sqlite_db.write() as tx:
            await record(tx, [Result(row.id, row.fence, State.DEFERRED, NOW, counts_attempt=counts)])
        assert (await the_rows(sqlite_db))[0].attempts == attempts


async def test_an_acceptance_told_again_changes_nothing(sqlite_db: Database) -> None:
    _, row = await claimed_one(sqlite_db)
    for minutes in (0, 5):
        async with sqlite_db.write() as tx:
            await record(tx, [Result(row.id, row.fence, State.ACCEPTED, NOW + minutes * MINUTE, code=250)])
    (after,) = await the_rows(sqlite_db)
    assert (after.accepted_at, after.ended_at, after.attempts) == (NOW, NOW, 1)

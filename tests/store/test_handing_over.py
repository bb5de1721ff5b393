"""The last check before a letter leaves: whose fence, whose worker, which second of the window; and which lanes are asked at all."""

from datetime import timedelta

import pytest

from nurture.store.claims import claim, due_lanes, intend, leave_out
from nurture.store.database import Database
from nurture.store.lanes import set_lane
from nurture.store.outbox import plan_rows
from nurture.store.workers import end
from tests.store.test_claims import a_worker, claimed_one, intent
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


async def test_lanes_are_asked_when_something_is_due_the_important_first(db: Database) -> None:
    people = await add_people(db, *[f"p{n}@example.com" for n in range(5)])
    names = ("low", "high", "later", "taken", "equal")
    made = [await add_letter(db, f"{name}/a", lane=f"sequence:{name}") for name in names]
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p) for letter, p in zip(made, people, strict=True)])
        from nurture.store.ledger import lanes  # noqa: PLC0415 - only to give the lanes their priorities

        for name, priority in zip(names, (10, 90, 50, 50, 10), strict=True):
            await tx.execute(lanes.update().where(lanes.c.name == f"sequence:{name}").values(priority=priority))
    rows = await the_rows(db)
    await set_row(db, rows[2].id, due_at=NOW + SECOND)
    await set_row(db, rows[3].id, state="claimed")
    async with db.read() as tx:
        assert [lane.name for lane in await due_lanes(tx, NOW)] == ["sequence:high", "sequence:low", "sequence:equal"]


async def test_a_claim_takes_from_its_own_lane_and_writes_when(db: Database) -> None:
    worker, row = await claimed_one(db)
    other = await add_letter(db, "other/a", lane="sequence:other")
    (boris,) = await add_people(db, "boris@example.com")
    async with db.write() as tx:
        await plan_rows(tx, [planned(other, boris)])
        assert await claim(tx, row.lane_id, worker.id, 9, NOW + HOUR) == []
        (taken,) = await claim(tx, other["lane_id"], worker.id, 9, NOW + HOUR)
    first, second = await the_rows(db)
    assert (first.claimed_at, second.claimed_at, second.worker_id, taken.subscriber_id) == (NOW, NOW + HOUR, worker.id, boris)


@pytest.mark.parametrize(("left", "leaves"), [(10 * SECOND, True), (10 * SECOND - timedelta(milliseconds=1), False)])
async def test_ten_seconds_of_the_window_are_enough(sqlite_db: Database, left: timedelta, leaves: bool) -> None:
    worker, row = await claimed_one(sqlite_db)
    assert row.closes_at is not None
    async with sqlite_db.write() as tx:
        assert bool(await intend(tx, [intent(row)], worker.id, row.closes_at - left)) is leaves


async def test_an_old_fence_hands_nothing_over_and_gives_nothing_back(db: Database) -> None:
    worker, row = await claimed_one(db)
    await set_row(db, row.id, fence=row.fence + 1)
    async with db.write() as tx:
        assert await intend(tx, [intent(row)], worker.id, NOW) == set()
        await set_lane(tx, "sequence:school", "cancelled")
        await leave_out(tx, [intent(row)], NOW)
    assert (await the_rows(db))[0].state == "claimed"
    async with db.write() as tx:
        assert await leave_out(tx, [intent(row)._replace(fence=row.fence + 1)], NOW) == {row.id: "cancelled"}


async def test_another_worker_hands_nothing_over(db: Database) -> None:
    worker, row = await claimed_one(db)
    other = await a_worker(db)
    async with db.write() as tx:
        assert await intend(tx, [intent(row)], other.id, NOW) == set()
    assert (await the_rows(db))[0].state == "claimed"
    async with db.write() as tx:
        assert await intend(tx, [intent(row)], worker.id, NOW) == {row.id}
        assert await intend(tx, [intent(row)], other.id, NOW) == set(), "it is in other hands"


async def test_a_worker_whose_lease_has_ended_hands_nothing_over(db: Database) -> None:
    worker, row = await claimed_one(db)
    async with db.write() as tx:
        assert await end(tx, worker.id, NOW)
        assert await intend(tx, [intent(row)], worker.id, NOW) == set()


async def test_the_first_try_stays_the_first(db: Database) -> None:
    worker, row = await claimed_one(db)
    await set_row(db, row.id, first_try_at=NOW - HOUR)
    async with db.write() as tx:
        assert await intend(tx, [intent(row)], worker.id, NOW)
    (after,) = await the_rows(db)
    assert (after.first_try_at, after.handed_at) == (NOW - HOUR, NOW)


async def test_each_row_is_held_to_its_own_topic(db: Database) -> None:
    people = await add_people(db, "anna@example.com", "boris@example.com", topics={"roofs": False})
    letter, worker = await add_letter(db), await a_worker(db)
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p) for p in people])
        first, second = await claim(tx, letter["lane_id"], worker.id, 9, NOW)
        both = [intent(first, "roofs"), intent(second, "stoves")]
        assert await intend(tx, both, worker.id, NOW) == {second.id}
        assert await leave_out(tx, both[:1], NOW) == {first.id: "declined"}

"""A fact is folded once, and none is lost to a change that comes in between."""

import asyncio

import pytest

from nurture.services.folding import fold
from nurture.store.arrivals import prove_arrival
from nurture.store.database import Database
from nurture.store.dialect import alone
from nurture.store.facts import mark_rows, take_events, unfolded_events, unfolded_rows
from nurture.store.outbox import plan_rows
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.programme import add_event


@pytest.mark.postgres
async def test_a_row_that_changed_while_it_was_folded_is_folded_again(postgres_db: Database) -> None:
    db = postgres_db
    letter = await add_letter(db)
    anna, boris = await add_people(db, "anna@example.com", "boris@example.com")
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, anna), planned(letter, boris)])
    held, failed = await the_rows(db)
    await set_row(db, held.id, state="held", handed_at=NOW)
    await set_row(db, failed.id, state="failed", outcome="render")
    async with db.write() as folder:
        rows = await unfolded_rows(folder, 10)
        async with db.write() as other:
            assert await prove_arrival(other, [held.id], NOW) == {held.id}
        await mark_rows(folder, rows)
    async with db.read() as tx:
        assert [(r.id, r.state.value) for r in await unfolded_rows(tx, 10)] == [(held.id, "accepted")]


@pytest.mark.postgres
async def test_an_event_that_two_read_is_folded_by_one(postgres_db: Database) -> None:
    [person] = await add_people(postgres_db, "anna@example.com")
    await add_event(postgres_db, person, "converted", NOW, name="purchase")
    async with postgres_db.write() as first, postgres_db.write() as second:
        read = [await unfolded_events(tx, NOW, 10) for tx in (first, second)]
        assert read[0] == read[1]
        taken = await take_events(first, read[0])
        waiting = asyncio.create_task(take_events(second, read[1]))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await first.commit()
        assert (taken, await waiting) == ({event[0] for event in read[0]}, set())


@pytest.mark.postgres
async def test_one_worker_folds_and_the_others_do_not_wait_for_it(postgres_db: Database) -> None:
    [person] = await add_people(postgres_db, "anna@example.com")
    await add_event(postgres_db, person, "converted", NOW, name="purchase")
    async with postgres_db.write() as other:
        assert await alone(other, "folding")
        assert await fold(postgres_db, NOW) is None
    assert await fold(postgres_db, NOW) == 1

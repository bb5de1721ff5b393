"""A fact is folded once, and none is lost to a change that comes in between."""

import pytest

from nurture.store.arrivals import prove_arrival
from nurture.store.database import Database
from nurture.store.facts import mark_rows, unfolded_rows
from nurture.store.outbox import plan_rows
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people


async def test_a_row_that_changed_while_it_was_folded_is_folded_again(db: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite has one writer: nothing changes while another folds")
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

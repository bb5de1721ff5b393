"""A letter that may have arrived stays doubtful wherever its row goes, and any sign that it came settles the doubt."""

from datetime import timedelta

from nurture.services.folding import fold
from nurture.services.reaping import Watcher, reap
from nurture.store.arrivals import prove_arrival
from nurture.store.claims import claim
from nurture.store.database import Database
from nurture.store.events import add_events
from nurture.store.facts import facts_of
from nurture.store.outbox import reopen
from tests.support.outbox_rows import planned, set_row, the_rows
from tests.support.people import NOW
from tests.support.sending import Sink, prepare, send

GRACE = timedelta(minutes=10)
HANDED = {"handed_at": NOW, "local_day": NOW.date(), "zone": "Europe/Berlin"}


async def test_a_doubtful_letter_that_missed_its_window_is_not_forgotten(db: Database) -> None:
    _, letter, (person,) = await prepare(db)
    (row,) = await the_rows(db)
    await set_row(db, row.id, state="unknown", due_at=NOW + GRACE, **HANDED)
    friday = NOW + timedelta(days=2, hours=12)
    assert (await reap(db, Watcher(), friday, lambda: 0.0)).cancelled == 1
    (row,) = await the_rows(db)
    assert (row.state, row.outcome, row.dup_risk) == ("cancelled", "missed", 1)
    async with db.write() as tx:
        ((fact,), _) = (await facts_of(tx, [person], friday))[person]
        assert fact.uncertain, "it counts against other letters as an unknown one does"
        assert await reopen(tx, [planned(letter, person, due=friday, closes=None)], friday)
    assert (await the_rows(db))[0].dup_risk == 1, "the second copy is a known risk"
    await set_row(db, row.id, state="cancelled", outcome="missed", folded=1)
    async with db.write() as tx:
        assert await prove_arrival(tx, [row.id], friday) == {row.id}
    (row,) = await the_rows(db)
    assert (row.state, row.accepted_at, row.folded) == ("accepted", NOW, 0)
    assert await fold(db, friday) == 1


async def test_a_waiting_letter_that_was_never_handed_over_carries_no_doubt(db: Database) -> None:
    lease, _, _ = await prepare(db)
    await send(db, Sink(), lease, now=NOW + timedelta(days=2, hours=12))
    (row,) = await the_rows(db)
    assert (row.outcome, row.dup_risk) == ("missed", 0)


async def test_a_sign_that_came_before_the_crash_was_noticed_is_proof(db: Database) -> None:
    _, _, (person, other) = await prepare(db, 2)
    opened, bounced = await the_rows(db)
    for row in (opened, bounced):
        await set_row(db, row.id, state="sending", **HANDED)
    sign = {"at": NOW + timedelta(seconds=3), "settles_at": NOW + GRACE}
    async with db.write() as tx:
        assert await prove_arrival(tx, [opened.id], NOW) == set(), "a row on the wire is left to its worker"
        await add_events(
            tx,
            [
                {"uid": "o", "subscriber_id": person, "delivery_id": opened.id, "type": "opened", "evidence": "machine", **sign},
                {"uid": "b", "subscriber_id": other, "delivery_id": bounced.id, "type": "bounced", "name": "soft", **sign},
            ],
        )
    for row in (opened, bounced):
        await set_row(db, row.id, state="unknown", due_at=NOW + GRACE)
    done = await reap(db, Watcher(), NOW + GRACE, lambda: 0.0)
    assert (done.proved, done.retried) == (1, 1)
    assert [(r.state, r.outcome, r.dup_risk) for r in await the_rows(db)] == [("accepted", "proved", 0), ("pending", None, 1)]


async def test_proof_stops_a_second_copy_that_is_being_written(db: Database) -> None:
    lease, letter, _ = await prepare(db)
    (row,) = await the_rows(db)
    await set_row(db, row.id, dup_risk=1, **HANDED)
    async with db.write() as tx:
        assert len(await claim(tx, letter["lane_id"], lease.id, 9, NOW)) == 1
        assert await prove_arrival(tx, [row.id], NOW) == {row.id}
    (row,) = await the_rows(db)
    assert (row.state, row.worker_id) == ("accepted", None)

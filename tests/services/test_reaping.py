"""After a crash: what lost workers held, and what becomes of letters whose answer was lost."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.documents import Policy, Sequence
from nurture.domain.envelopes import Phase
from nurture.services.reaping import Reaped, Watcher, reap
from nurture.store.claims import Intent, claim, intend
from nurture.store.database import Database, connect
from nurture.store.documents import save_document
from nurture.store.ledger import subscribers
from nurture.store.outbox import plan_rows
from nurture.store.workers import WorkerLease, beat, end, enlist
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import POLICY, SEQUENCE, Sink, says, send

GRACE = timedelta(minutes=10)


async def in_hands(db: Database, people: int = 2) -> WorkerLease:
    """A worker that claimed all and handed over the first."""
    ids = await add_people(db, *[f"p{n}@example.com" for n in range(people)], timezone="Europe/Berlin")
    letter = await add_letter(db)
    async with db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY), "live", NOW)
        await save_document(tx, Sequence.model_validate(SEQUENCE), "live", NOW)
        await plan_rows(tx, [planned(letter, person) for person in ids])
        lease = await enlist(tx, "first", NOW)
        first, *_ = await claim(tx, letter["lane_id"], lease.id, 512, NOW)
        await intend(tx, [Intent(first.id, first.fence, "Europe/Berlin", NOW.date(), None)], lease.id, NOW)
    return lease


def test_only_the_watchers_own_clock_ends_a_lease() -> None:
    watcher = Watcher(timedelta(seconds=30))
    for moment in (100.0, 110.0, 120.0):
        assert watcher.observe({1: 5, 2: 0}, moment) == {}
    assert watcher.observe({1: 5, 2: 1}, 129.9) == {}
    assert watcher.observe({1: 5, 2: 2}, 130.0) == {1: 5}, "silent for thirty seconds of ours"
    assert watcher.observe({1: 6, 2: 2}, 131.0) == {}, "it moved after all"
    assert watcher.observe({2: 2}, 141.0) == watcher.observe({2: 2}, 151.0) == {}
    assert watcher.observe({2: 2}, 160.0) == {2: 2}
    assert watcher.observe({2: 2}, 171.0) == {}, "whoever looked away for a third of the silence begins anew"
    assert Watcher(timedelta(seconds=30)).observe({2: 2}, 160.0) == {}, "a fresh watcher must watch for itself"


async def watch(db: Database, watcher: Watcher, begin: int, end: int) -> Reaped:
    """Look every five seconds; what the last look did. No look before it did anything."""
    for moment in range(begin, end, 5):
        assert await reap(db, watcher, NOW, lambda moment=moment: float(moment)) == Reaped()  # type: ignore[misc]
    return await reap(db, watcher, NOW, lambda: float(end))


async def test_a_silent_worker_loses_its_rows(db: Database) -> None:
    lease = await in_hands(db)
    watcher = Watcher(timedelta(seconds=30))
    assert await watch(db, watcher, 0, 28) == Reaped()
    assert await reap(db, watcher, NOW + timedelta(days=3), lambda: 29.0) == Reaped(), "no wall clock ends a lease"
    async with db.write() as tx:
        assert await beat(tx, lease.id)
    assert await watch(db, watcher, 34, 63) == Reaped(), "it moved, so the silence begins anew"
    assert await watch(db, watcher, 63, 64) == Reaped(workers=1, returned=1, unknown=1)
    assert [r.state for r in await the_rows(db)] == ["unknown", "pending"]
    async with db.write() as tx:
        assert not await beat(tx, lease.id), "the lost worker hears of it"
    assert await reap(db, watcher, NOW, lambda: 200.0) == Reaped(), "and again changes nothing"


async def test_who_waited_long_for_the_lock_begins_anew(sqlite_db: Database) -> None:
    await in_hands(sqlite_db)
    watcher = Watcher(timedelta(seconds=30))
    assert await watch(sqlite_db, watcher, 0, 25) == Reaped()
    looks = iter([30.0, 45.0])
    assert await reap(sqlite_db, watcher, NOW, lambda: next(looks)) == Reaped(), "nobody could renew meanwhile"
    looks = iter([46.0, 46.0])
    assert await reap(sqlite_db, watcher, NOW, lambda: next(looks)) == Reaped()


async def test_a_worker_that_renews_while_it_is_reaped_keeps_its_rows(postgres_db: Database) -> None:
    """Where nobody waits for the reaper's lock, its look may be older than the renewal."""
    lease = await in_hands(postgres_db)
    watcher = Watcher(timedelta(seconds=30))
    assert await watch(postgres_db, watcher, 0, 25) == Reaped()
    before = [(r.state, r.worker_id) for r in await the_rows(postgres_db)]
    url = postgres_db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def renew() -> bool:
        elsewhere = connect(url)
        async with elsewhere.write() as tx:
            renewed = await beat(tx, lease.id)
        await elsewhere.close()
        return renewed

    looks = []

    def moment() -> float:
        """Asked when `seen` has just been read: the second time with the transaction that reaps."""
        looks.append(30.0)
        if len(looks) == 2:
            with ThreadPoolExecutor(1) as other:
                assert other.submit(asyncio.run, renew()).result()
        return 30.0

    assert (await reap(postgres_db, watcher, NOW, moment), len(looks)) == (Reaped(), 2)
    assert [(r.state, r.worker_id) for r in await the_rows(postgres_db)] == before
    async with postgres_db.write() as tx:
        assert await beat(tx, lease.id)


async def test_what_a_worker_without_a_lease_still_holds_is_taken_back_at_once(sqlite_db: Database) -> None:
    lease = await in_hands(sqlite_db)
    async with sqlite_db.write() as tx:
        assert await end(tx, lease.id, NOW)
    assert await reap(sqlite_db, Watcher(), NOW, lambda: 0.0) == Reaped(returned=1, unknown=1)


async def test_an_unknown_letter_is_tried_once_more_with_the_same_message_id(db: Database) -> None:
    await in_hands(db, 1)
    watcher = Watcher(timedelta(seconds=30))
    await watch(db, watcher, 1, 31)
    (before,) = await the_rows(db)
    assert await reap(db, watcher, NOW + GRACE - timedelta(seconds=1), lambda: 32.0) == Reaped()
    assert (await reap(db, watcher, NOW + GRACE, lambda: 33.0)).retried == 1
    (row,) = await the_rows(db)
    assert (row.state, row.dup_risk, row.message_id) == ("pending", 1, before.message_id)
    assert row.fence > before.fence
    assert NOW + GRACE <= row.due_at < row.closes_at == NOW + timedelta(hours=2), "in its own window, which is still open"
    async with db.write() as tx:
        again = await enlist(tx, "second", NOW)
    lost = Sink(says(None, "the line was cut", phase=Phase.BODY))
    await send(db, lost, again, now=row.due_at)
    assert len(lost.letters) == 1
    assert (await reap(db, watcher, row.due_at + GRACE, lambda: 34.0)).held == 1
    (row,) = await the_rows(db)
    assert (row.state, row.dup_risk) == ("held", 1), "a second unknown waits for a person or for proof"


async def test_the_policy_hold_repeats_nothing(db: Database) -> None:
    await in_hands(db, 1)
    watcher = Watcher(timedelta(seconds=30))
    await watch(db, watcher, 1, 31)
    assert (await reap(db, watcher, NOW + GRACE, lambda: 32.0, policy="hold")).held == 1
    (row,) = await the_rows(db)
    assert (row.state, row.dup_risk) == ("held", 0)


@pytest.mark.parametrize(
    ("change", "later", "outcome"),
    [
        ({"paused_until": NOW + timedelta(days=9)}, GRACE, "paused"),
        ({"status": "unsubscribed"}, GRACE, "left"),
        ({}, timedelta(days=2, hours=12), "missed"),
    ],
)
async def test_an_unknown_letter_that_is_not_wanted_any_more(sqlite_db: Database, change: dict[str, Any], later: timedelta, outcome: str) -> None:
    await in_hands(sqlite_db, 1)
    (row,) = await the_rows(sqlite_db)
    await set_row(sqlite_db, row.id, state="unknown", due_at=NOW + GRACE)
    if change:
        async with sqlite_db.write() as tx:
            await tx.execute(subscribers.update().values(**change))
    assert (await reap(sqlite_db, Watcher(), NOW + later, lambda: 0.0)).cancelled == 1
    assert (await the_rows(sqlite_db))[0].outcome == outcome

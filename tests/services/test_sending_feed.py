"""Batch after batch: what a stop, an error or a change of mind finds that was claimed ahead, and what another look finds again."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.letterbook import LetterBook
from nurture.domain.throttles import rested
from nurture.services.sending import Desk, SendingRules, pace
from nurture.store.claims import last_hand_off
from nurture.store.database import Database
from nurture.store.lanes import notices
from nurture.store.letterbook import BookShelf
from nurture.store.mark import Mark, behind
from nurture.store.outbox import plan_rows
from nurture.store.throttles import change_throttle
from nurture.store.workspace import load_workspace
from tests.support.outbox_rows import IDENTITY, add_letter, planned, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import BASE, Sink, prepare, send


class SlowShelf(BookShelf):
    """The second look waits until it is told: the claim ahead stands before its claim."""

    def __init__(self) -> None:
        super().__init__()
        self.looks, self.waits, self.go = 0, asyncio.Event(), asyncio.Event()

    async def read(self, tx: AsyncConnection) -> LetterBook:
        self.looks += 1
        if self.looks == 2:
            self.waits.set()
            await self.go.wait()
        return await super().read(tx)


async def test_an_error_leaves_no_claim_under_way(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 8)
    desk = Desk(shelf=SlowShelf())
    last = (await the_rows(sqlite_db))[-1].id
    async with sqlite_db.write() as tx:
        refuse = f"WHEN NEW.state = 'sending' AND NEW.id = {last} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        await tx.execute(text(f"CREATE TRIGGER broken BEFORE UPDATE ON deliveries {refuse}"))
    async with asyncio.timeout(5):
        with pytest.raises(IntegrityError, match="the disk is full"):
            await send(sqlite_db, Sink(), lease, rules=SendingRules(BASE, in_flight=8, connections=1), desk=desk)
    assert desk.shelf.waits.is_set()  # type: ignore[attr-defined]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "next batch"]
    async with sqlite_db.write() as tx:
        await tx.execute(text("DROP TRIGGER broken"))
    await send(sqlite_db, Sink(), lease, desk=desk)
    assert {r.state for r in await the_rows(sqlite_db)} == {"accepted"}


async def test_who_leaves_after_the_claim_ahead_gets_nothing(memory_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "CLAIM_AT_ONCE", 40)
    lease, _, people = await prepare(memory_db, 60)
    sink, left = Sink(), list[int]()

    class Leaves(Desk):
        """All of the second batch leave once it is claimed."""

        async def versions(self, tx: Any, ids: Any) -> Any:
            if desk.mark and desk.mark.claims == 2 and not left:
                left.extend(people[40:])
                await tx.execute(text(f"UPDATE subscribers SET status = 'unsubscribed' WHERE id >= {left[0]}"))
                await tx.commit()
            return await super().versions(tx, ids)

    desk = Leaves()
    await send(memory_db, sink, lease, rules=SendingRules(BASE, connections=1), desk=desk)
    assert len(left) == 20
    states = Counter((r.state, r.outcome) for r in await the_rows(memory_db))
    assert states == {("accepted", None): 40, ("cancelled", "left"): 20}
    assert len(sink.letters) == 40


async def test_the_mark_tells_of_nothing_that_is_not_committed(sqlite_db: Database, tmp_path: Path) -> None:
    lease, _, _ = await prepare(sqlite_db, 20)
    told: list[Mark] = []

    class Watched(Desk):
        async def write_mark(self, folder: Path) -> None:
            assert self.mark
            async with sqlite_db.read() as other:
                claims = (await load_workspace(other)).claims
                stands = await last_hand_off(other, self.mark.handed.row) if self.mark.handed else None
            assert behind(self.mark, IDENTITY, claims, stands) is None
            told.append(self.mark)

    await send(sqlite_db, Sink(), lease, rules=SendingRules(BASE, in_flight=8, connections=1, mark_folder=tmp_path), desk=Watched())
    assert {mark.handed is None for mark in told} == {True, False}


async def test_a_batch_that_only_waits_for_its_domain_does_not_end_the_lanes_turn(sqlite_db: Database) -> None:
    lease, letter, _ = await prepare(sqlite_db, 0)
    slow = await add_people(sqlite_db, *[f"p{n}@slow.org" for n in range(45)])
    others = await add_people(sqlite_db, "a@other.org", "b@other.org")
    async with sqlite_db.write() as tx:
        await plan_rows(tx, [planned(letter, person, closes=None, due=NOW - timedelta(hours=1)) for person in slow])
        await plan_rows(tx, [planned(letter, person, closes=None) for person in others])
    sink = Sink()
    await send(sqlite_db, sink, lease, rules=SendingRules(BASE, rate=5, domain_rates={"slow.org": 0.001}))
    assert sorted(e.recipient.rpartition("@")[2] for e in sink.letters) == ["other.org", "other.org", "slow.org"], "claims of twenty"


async def test_waiting_for_a_domain_ends_at_a_stop(sqlite_db: Database) -> None:
    lease, letter, _ = await prepare(sqlite_db, 0)
    people = await add_people(sqlite_db, "a@slow.org", "b@slow.org")
    async with sqlite_db.write() as tx:
        await plan_rows(tx, [planned(letter, person, closes=None) for person in people])
    loop, begun = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    rules = SendingRules(BASE, domain_rates={"slow.org": 0.2})
    await send(sqlite_db, Sink(), lease, rules=rules, go_on=lambda: loop.time() - begun < 0.3)
    assert loop.time() - begun < 2
    assert Counter(r.state for r in await the_rows(sqlite_db)) == {"accepted": 1, "pending": 1}


async def test_a_confirmation_tries_a_domain_that_rests_and_opens_it(sqlite_db: Database) -> None:
    lease, letter, _ = await prepare(sqlite_db, 0)
    receipt = await add_letter(sqlite_db, "service/receipt", kind="service", lane="service")
    old, new = await add_people(sqlite_db, "old@rests.org", "new@rests.org")
    async with sqlite_db.write() as tx:
        await change_throttle(tx, "domain:rests.org", lambda before: rested(before, "not from you", NOW))
        await plan_rows(tx, [planned(letter, old, closes=None), planned(receipt, new, closes=None)])
    sink = Sink()
    going = iter([True] * 12)
    await send(sqlite_db, sink, lease, rules=SendingRules(BASE, lanes="others"))
    assert sink.letters == []
    await send(sqlite_db, sink, lease, rules=SendingRules(BASE, lanes="service"), go_on=lambda: next(going, False))
    assert [e.recipient for e in sink.letters] == ["new@rests.org"]
    await send(sqlite_db, sink, lease)
    assert len(sink.letters) == 2, "it took a letter"


async def test_faults_with_letters_between_them_pause_no_lane(sqlite_db: Database) -> None:
    lease, letter, _ = await prepare(sqlite_db, 0)
    bad = await add_letter(sqlite_db, "school/two", html="<p>{{ fields.nothing.at.all }} {{ unsubscribe_url }}</p>")
    people = await add_people(sqlite_db, *[f"p{n}@example.com" for n in range(10)])
    desk = Desk()
    for start in (0, 5):
        async with sqlite_db.write() as tx:
            await plan_rows(tx, [planned(letter if n == 0 else bad, people[start + n]) for n in range(5)])
        await send(sqlite_db, Sink(), lease, desk=desk)
    assert Counter(r.state for r in await the_rows(sqlite_db)) == {"accepted": 2, "failed": 8}
    async with sqlite_db.read() as tx:
        assert await notices(tx) == {}

"""Letters in doubt: resolved by a person's word, once; proof of arrival; and what `nurture proof` says of all that."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from nurture.domain.errors import NurtureError
from nurture.domain.words import State
from nurture.services.proving import prove
from nurture.services.reaping import Watcher, reap
from nurture.services.resolving import resolve
from nurture.store.arrivals import prove_arrival
from nurture.store.database import Database
from nurture.store.doubts import Doubts, find_doubtful, send_again, settle
from nurture.store.facts import facts_of
from nurture.store.ledger import subscribers
from nurture.store.outbox import plan_rows
from nurture.store.sweeps import Moved
from nurture.store.tables import METADATA
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW
from tests.support.sending import Sink, prepare, send

HANDED = {"handed_at": NOW - timedelta(hours=1), "local_day": NOW.date(), "zone": "Europe/Berlin"}
AUDIT = METADATA.tables["audit"]


async def held(db: Database, people: int = 1, **more: object) -> list[int]:
    """Rows that are held; their ids."""
    await prepare(db, people)
    rows = await the_rows(db)
    for row in rows:
        await set_row(db, row.id, state="held", fence=2, dup_risk=1, folded=1, **HANDED, **more)
    return [row.id for row in rows]


async def test_what_came_is_accepted_at_its_hand_off_and_counts_for_its_person(db: Database) -> None:
    (row,) = await held(db)
    done = await resolve(db, Doubts(), State.ACCEPTED, "anna", NOW)
    assert done.to_json() == {"accepted": 1, "pending": 0, "cancelled": 0, "busy": 0, "passed": 0}
    (found,) = await the_rows(db)
    assert (found.state, found.outcome, found.accepted_at, found.folded) == ("accepted", "resolved", HANDED["handed_at"], 0)
    async with db.read() as tx:
        audit = (await tx.execute(select(AUDIT).where(AUDIT.c.action == "deliveries.resolve"))).one()
    assert (audit.actor, audit.object, audit.detail["as"], audit.detail["accepted"]) == ("anna", "held", "accepted", 1)
    again = await resolve(db, Doubts(ids=[row]), State.CANCELLED, "boris", NOW)
    assert again.to_json()["passed"] == 1, "what was said first stays"
    assert (await the_rows(db))[0].state == "accepted"


async def test_what_is_given_up_stays_a_doubt_for_other_letters(db: Database) -> None:
    await held(db)
    await set_row(db, (await the_rows(db))[0].id, dup_risk=0)
    await resolve(db, Doubts(), State.CANCELLED, "anna", NOW)
    (row,) = await the_rows(db)
    assert (row.state, row.outcome, row.dup_risk, row.ended_at) == ("cancelled", "resolved", 1, NOW)
    async with db.write() as tx:
        ((fact,), _) = (await facts_of(tx, [row.subscriber_id], NOW))[row.subscriber_id]
        assert fact.uncertain


async def test_what_is_sent_again_leaves_once_with_the_same_message_id(db: Database) -> None:
    lease, _, _ = await prepare(db)
    (before,) = await the_rows(db)
    await set_row(db, before.id, state="held", fence=2, dup_risk=1, **HANDED)
    assert (await resolve(db, Doubts(ids=[before.id]), State.PENDING, "anna", NOW)).to_json()["pending"] == 1
    sink = Sink()
    await send(db, sink, lease, now=(await the_rows(db))[0].due_at)
    assert [e.message_id for e in sink.letters] == [before.message_id]
    (row,) = await the_rows(db)
    assert (row.state, row.dup_risk) == ("accepted", 2)
    assert (await resolve(db, Doubts(ids=[before.id]), State.PENDING, "anna", NOW)).to_json()["passed"] == 1
    await send(db, sink, lease)
    assert len(sink.letters) == 1


async def test_who_left_or_has_another_letter_gets_no_second_try(db: Database) -> None:
    first, second, _ = await held(db, 3)
    rows = {r.id: r for r in await the_rows(db)}
    other = await add_letter(db, "school/two")
    async with db.write() as tx:
        await tx.execute(subscribers.update().where(subscribers.c.id == rows[first].subscriber_id).values(status="unsubscribed"))
        await plan_rows(tx, [planned(other, rows[second].subscriber_id)])
    done = await resolve(db, Doubts(), State.PENDING, "anna", NOW)
    assert done.to_json() == {"accepted": 0, "pending": 1, "cancelled": 1, "busy": 1, "passed": 0}
    states = [(r.state, r.outcome) for r in await the_rows(db)]
    assert states[:3] == [("cancelled", "left"), ("held", None), ("pending", None)]


async def test_many_are_narrowed_by_letter_source_and_address(db: Database) -> None:
    ids = await held(db, 4)
    for which, count in (
        (Doubts(letter="school/nothing"), 0), (Doubts(source="campaign:none"), 0), (Doubts(email="p9@example.com"), 0), (Doubts(State.UNKNOWN), 0),
        (Doubts(email="p1@example.com"), 1), (Doubts(ids=ids[:1], letter="school/one"), 1), (Doubts(letter="school/one", source="sequence:school"), 2),
    ):  # fmt: skip
        assert (await resolve(db, which, State.ACCEPTED, "anna", NOW)).counts["accepted"] == count, which


async def test_what_makes_no_sense_is_refused(db: Database) -> None:
    (row,) = await held(db)
    for which, end, words in ((Doubts(), State.FAILED, "becomes accepted"), (Doubts(State.PENDING), State.ACCEPTED, "held or unknown"), (Doubts(ids=[row, 99]), State.ACCEPTED, "no delivery 99")):
        with pytest.raises(NurtureError, match=words):
            await resolve(db, which, end, "anna", NOW)
    assert (await the_rows(db))[0].state == "held"


async def test_the_hold_policy_holds_and_a_sign_settles_it(db: Database) -> None:
    await prepare(db)
    (row,) = await the_rows(db)
    await set_row(db, row.id, state="unknown", due_at=NOW, **HANDED)
    assert (await reap(db, Watcher(), NOW, lambda: 0.0, policy="hold")).held == 1
    async with db.write() as tx:
        assert await prove_arrival(tx, [row.id], NOW) == {row.id}
    assert (await the_rows(db))[0].state == "accepted"
    assert (await prove(db, NOW)).safe


async def test_the_proof_tells_what_is_in_doubt_and_when_all_is_well(db: Database) -> None:
    lease, _, _ = await prepare(db, 6)
    assert (await prove(db, NOW)).safe
    await send(db, Sink(), lease)
    clean = await prove(db, NOW)
    assert (clean.safe, clean.words()) == (True, ["Every letter has its answer, and none went out twice."])
    rows = await the_rows(db)
    await set_row(db, rows[0].id, state="held", dup_risk=1, handed_at=NOW - timedelta(days=2))
    await set_row(db, rows[1].id, state="unknown", accepted_at=None)
    await set_row(db, rows[2].id, dup_risk=1)
    await set_row(db, rows[3].id, state="pending", dup_risk=1)
    told = (await prove(db, NOW)).to_json()
    assert (told["safe"], told["unknown"], told["held"], told["dup_risk"], told["duplicates_possible"]) == (False, 1, 1, 3, 1)
    assert told["since"] == (NOW - timedelta(days=2)).isoformat()
    assert told["states"]["accepted"] == 3
    assert sum(told["states"].values()) == 6
    words = " ".join(told["words"])
    for part in ("1 letter is held", "deliveries resolve", "1 letter is unknown", "1 person may have got a letter twice, 1 copies at most", "oldest letter in doubt"):
        assert part in words, part


async def test_a_sign_that_comes_in_between_is_not_overruled(db: Database) -> None:
    (row,) = await held(db)
    async with db.write() as tx:
        found = await find_doubtful(tx, Doubts(), 0, 10)
        assert await prove_arrival(tx, [row], NOW) == {row}
        assert await settle(tx, found, State.CANCELLED, NOW) == 0
        assert await send_again(tx, [Moved(row, found[0][1], NOW, None)]) == []
    assert (await the_rows(db))[0].state == "accepted"

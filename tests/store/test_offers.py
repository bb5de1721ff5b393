"""What the hand-off asks of a cleanup's letters, and of others because of a cleanup, on both databases."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from nurture.store.claims import Claimed, Intent, claim, intend, leave_out
from nurture.store.database import Database
from nurture.store.ledger import deliveries
from nurture.store.outbox import plan_rows
from nurture.store.tables import Document, Enrolment, Letter, Subscriber
from nurture.store.workers import WorkerLease, enlist
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.programme import add_event

TODAY = date(2026, 3, 2)
SPRING = "cleanup:spring"


async def in_hand(db: Database, *, lane: str = SPRING, held_by: str | None = SPRING, rule: str = "cleanup") -> tuple[WorkerLease, Claimed, dict[str, Any]]:
    """One person whom a cleanup has (or not), one row of a lane in a worker's hands; their way began an hour ago."""
    (anna,) = await add_people(db, "anna@example.com")
    letter = await add_letter(db, "spring/day-1", kind="sales", lane=lane)
    other = await add_letter(db, "summer/day-1", kind="sales", lane="cleanup:summer") if held_by not in (None, lane) else letter
    async with db.write() as tx:
        row = {"type": "cleanup", "name": "spring", "state": "canary", "version": 1, "content": {}, "created_at": NOW, "changed_at": NOW}
        document = (await tx.execute(insert(Document).values(row).returning(Document.id))).scalar_one()
        way = {"sequence_id": document, "subscriber_id": anna, "number": 1, "state": "active", "enrolled_at": NOW - timedelta(hours=1), "history": [], "by": "cleanup", "entry_reacted": 0, "end_reacted": 0}
        enrolment = (await tx.execute(insert(Enrolment).values(way).returning(Enrolment.id))).scalar_one()
        if held_by is not None:
            await tx.execute(update(Subscriber).where(Subscriber.id == anna).values(cleanup_lane=other["lane_id"]))
        worker = await enlist(tx, "epoch", NOW)
        await plan_rows(tx, [planned(letter, anna, rule=rule, enrolment_id=enrolment)])
        (claimed,) = await claim(tx, letter["lane_id"], worker.id, 512, NOW)
    return worker, claimed, letter


async def hand_over(db: Database, worker: WorkerLease, row: Claimed, day: date = TODAY) -> tuple[bool, str]:
    """Whether it may leave, and what became of it otherwise."""
    intent = Intent(row.id, row.fence, "UTC", day, None)
    async with db.write() as tx:
        leaves = bool(await intend(tx, [intent], worker.id, NOW))
        return leaves, "" if leaves else (await leave_out(tx, [intent], NOW))[row.id]


async def test_an_offer_leaves_to_a_person_whom_its_cleanup_has(db: Database) -> None:
    worker, row, _ = await in_hand(db)
    assert await hand_over(db, worker, row) == (True, "")


@pytest.mark.parametrize("kind", ["clicked", "replied", "answered", "converted", "attended"])
async def test_no_further_offer_to_a_person_who_has_answered_before_the_intent(db: Database, kind: str) -> None:
    worker, row, _ = await in_hand(db)
    await add_event(db, row.subscriber_id, kind, NOW - timedelta(minutes=1))
    assert await hand_over(db, worker, row) == (False, "answered")


@pytest.mark.parametrize(
    ("kind", "ago", "evidence"),
    [("clicked", timedelta(minutes=1), "machine"), ("clicked", timedelta(hours=2), "human"), ("opened", timedelta(minutes=1), "human")],
)
async def test_machines_opens_and_what_was_before_the_cleanup_stop_nothing(
    db: Database, kind: str, ago: timedelta, evidence: str
) -> None:
    worker, row, _ = await in_hand(db)
    await add_event(db, row.subscriber_id, kind, NOW - ago, evidence=evidence)
    assert await hand_over(db, worker, row) == (True, "")


async def test_a_click_keeps_no_ordinary_letter_back(db: Database) -> None:
    worker, row, _ = await in_hand(db, lane="sequence:school", held_by=None, rule="order")
    await add_event(db, row.subscriber_id, "clicked", NOW - timedelta(minutes=1))
    assert await hand_over(db, worker, row) == (True, "")


async def test_nothing_else_leaves_to_a_person_whom_a_cleanup_has(db: Database) -> None:
    worker, row, _ = await in_hand(db, lane="sequence:school", held_by=SPRING, rule="order")
    assert await hand_over(db, worker, row) == (False, "paused")


async def test_no_offer_leaves_to_a_person_whom_another_cleanup_has(db: Database) -> None:
    worker, row, _ = await in_hand(db, held_by="cleanup:summer")
    assert await hand_over(db, worker, row) == (False, "paused")


async def test_no_offer_leaves_to_a_person_whom_its_cleanup_let_go(db: Database) -> None:
    worker, row, _ = await in_hand(db, held_by=None)
    assert await hand_over(db, worker, row) == (False, "paused")


async def test_no_second_offer_on_one_local_date_wherever_the_person_has_moved(db: Database) -> None:
    worker, row, letter = await in_hand(db)
    async with db.write() as tx:
        await set_state(tx, row.id, "accepted")
        second = await add_letter_beside(tx, letter)
        await plan_rows(tx, [planned(second, row.subscriber_id, rule="cleanup", enrolment_id=None)])
        (again,) = await claim(tx, letter["lane_id"], worker.id, 512, NOW)
    await set_row(db, row.id, local_day=TODAY)
    assert await hand_over(db, worker, again) == (False, "missed")


async def set_state(tx: Any, row: int, state: str) -> None:
    await tx.execute(update(deliveries).where(deliveries.c.id == row).values(state=state, accepted_at=NOW, ended_at=NOW))


async def add_letter_beside(tx: Any, letter: dict[str, Any]) -> dict[str, Any]:
    new = (await tx.execute(insert(Letter).values(name="spring/day-2", kind="sales", current_version_id=letter["version_id"]).returning(Letter.id))).scalar_one()
    return letter | {"letter_id": new}


@pytest.mark.parametrize(("risk", "day", "leaves"), [(1, TODAY, False), (1, TODAY - timedelta(days=1), True), (0, TODAY, True)])
async def test_an_offer_in_doubt_is_tried_again_on_a_later_date_only(db: Database, risk: int, day: date, leaves: bool) -> None:
    """With `dup_risk` it may have come; a row that was deferred on this date has not."""
    worker, row, _ = await in_hand(db)
    await set_row(db, row.id, dup_risk=risk, local_day=day)
    assert (await hand_over(db, worker, row))[0] is leaves
    if not leaves:
        assert (await the_rows(db))[0].outcome == "missed"

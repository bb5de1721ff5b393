"""Leaving: everything, at once, once."""

from datetime import timedelta

import pytest

from nurture.services.leaving import come_back, leave, say_why
from nurture.services.people import resubscribe
from nurture.services.preferring import Choice, prefer, preferences
from nurture.store import outbox
from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people


async def _enrolled(db: Database, person: int) -> None:
    documents, enrolments = METADATA.tables["documents"], METADATA.tables["enrolments"]
    async with db.write() as tx:
        values = {"type": "sequence", "name": "school", "state": "live", "version": 1, "content": {}, "created_at": NOW, "changed_at": NOW}
        sequence = (await tx.execute(documents.insert().values(**values).returning(documents.c.id))).scalar_one()
        row = {
            "sequence_id": sequence,
            "subscriber_id": person,
            "number": 1,
            "state": "active",
            "by": "api",
            "enrolled_at": NOW,
            "history": [],
        }
        await tx.execute(enrolments.insert().values(**row))


async def test_leaving_ends_everything_in_one_go(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com", locale="de")
    delivery = await add_delivery(db, person, await add_letter(db), state="pending", accepted_at=None)
    await _enrolled(db, person)
    left = await leave(db, person, delivery_id=delivery, now=NOW, how="leave-link", ip="203.0.113.5")
    assert (left.known, left.already, left.locale) == (True, False, "de")
    assert [r["status"] for r in await rows_of(db, "subscribers")] == ["unsubscribed"]
    [row] = await rows_of(db, "deliveries")
    assert (row["state"], row["outcome"]) == ("cancelled", "left")
    [way] = await rows_of(db, "enrolments")
    assert way["state"] != "active"
    assert way["ended_at"] == NOW
    [consent] = await rows_of(db, "consents")
    assert (consent["what"], consent["granted"], consent["source"], consent["ip"]) == ("mail", False, "leave-link", "203.0.113.5")
    [event] = await rows_of(db, "events")
    assert (event["type"], event["evidence"], event["delivery_id"], event["settles_at"]) == ("left", "human", delivery, NOW)


async def test_twice_is_once(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    await leave(db, person, delivery_id=None, now=NOW, how="leave-link")
    again = await leave(db, person, delivery_id=None, now=NOW + timedelta(days=1), how="leave-link")
    assert again.already
    assert len(await rows_of(db, "events")) == len(await rows_of(db, "consents")) == 1
    assert [r["status_at"] for r in await rows_of(db, "subscribers")] == [NOW]


async def test_who_is_erased_may_leave_too(db: Database) -> None:
    assert not (await leave(db, 4711, delivery_id=None, now=NOW, how="leave-link")).known
    assert await rows_of(db, "events") == []


@pytest.mark.parametrize("status", ["bounced", "complained"])
async def test_leaving_never_raises_a_status(db: Database, status: str) -> None:
    [person] = await add_people(db, "anna@example.com", status=status)
    await leave(db, person, delivery_id=None, now=NOW, how="leave-link")
    assert [r["status"] for r in await rows_of(db, "subscribers")] == [status]


async def test_choices_count_at_once_and_can_be_taken_back(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    await add_delivery(db, person, await add_letter(db, kind="sales"), state="pending", accepted_at=None, kind="sales")
    shown = await prefer(db, person, Choice.USEFUL, NOW)
    assert shown is not None
    assert shown.only_useful
    assert [r["outcome"] for r in await rows_of(db, "deliveries")] == ["declined"]
    for choice in (Choice.LESS, Choice.PAUSE):
        shown = await prefer(db, person, choice, NOW + timedelta(seconds=1 if choice is Choice.LESS else 2))
    assert shown is not None
    assert (shown.only_useful, shown.less_often, shown.paused, shown.subscribed) == (True, True, True, True)
    later = await preferences(db, person, NOW + timedelta(days=31))
    assert later is not None
    assert not later.paused
    for n, choice in enumerate((Choice.ALL, Choice.NORMAL, Choice.RESUME)):
        shown = await prefer(db, person, choice, NOW + timedelta(minutes=n + 1))
    assert shown is not None
    assert not (shown.only_useful)
    assert not (shown.less_often)
    assert not (shown.paused)
    assert [r["plan_at"] for r in await rows_of(db, "standings")] == [NOW + timedelta(minutes=3)]


async def test_a_pause_takes_back_what_waits_in_a_way_the_planner_may_undo(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    await add_delivery(db, person, await add_letter(db), state="deferred", accepted_at=None)
    await prefer(db, person, Choice.PAUSE, NOW)
    assert [(r["state"], r["outcome"]) for r in await rows_of(db, "deliveries")] == [("cancelled", "paused")]
    assert [r["paused_until"] for r in await rows_of(db, "subscribers")] == [NOW + timedelta(days=30)]


async def test_a_wish_read_twice_does_not_send_away_who_came_back(db: Database) -> None:
    """A process may die between granting a kept wish and removing it from the spool."""
    [person] = await add_people(db, "anna@example.com")
    later = NOW + timedelta(minutes=5)
    first = await leave(db, person, delivery_id=None, now=later, how="leave-link", asked=NOW)
    assert not first.already
    [event] = await rows_of(db, "events")
    [consent] = await rows_of(db, "consents")
    assert event["at"] == consent["at"] == NOW  # the log tells when the person said so
    back = await resubscribe(db, person, wording="Letters about roofs", source="a call", ip=None, now=NOW + timedelta(hours=1))
    assert back.status == "subscribed"
    assert (await leave(db, person, delivery_id=None, now=NOW + timedelta(hours=2), how="leave-link", asked=NOW)).already
    assert [r["status"] for r in await rows_of(db, "subscribers")] == ["subscribed"]
    assert not (await leave(db, person, delivery_id=None, now=later, how="leave-link")).already


async def test_undoing_gives_the_letter_back_to_the_planner(db: Database) -> None:
    """What fell before they left, or is a service letter, stays where it is."""
    [person] = await add_people(db, "anna@example.com")
    shown, old, service = [await add_letter(db, name, kind) for name, kind in (("school/one", "useful"), ("school/old", "useful"), ("service/words", "service"))]
    for letter, kind, more in ((old, "useful", {"state": "cancelled", "outcome": "left", "ended_at": NOW - timedelta(days=9)}), (service, "service", {}), (shown, "useful", {})):
        await add_delivery(db, person, letter, accepted_at=None, kind=kind, **{"state": "pending"} | more)
    await leave(db, person, delivery_id=None, now=NOW, how="leave-link")
    later = NOW + timedelta(days=1)
    assert not (await come_back(db, person, now=later)).already
    assert {r["letter_id"]: (r["state"], r["outcome"]) for r in await rows_of(db, "deliveries")} == {
        old[0]: ("cancelled", "left"), service[0]: ("pending", None), shown[0]: ("cancelled", "paused"),
    }  # fmt: skip
    [row] = await rows_of(db, "deliveries", letter_id=shown[0])
    async with db.write() as tx:
        again = await outbox.reopen(tx, [{**row, "due_at": later, "closes_at": None}], later)
    assert len(again) == 1


async def test_why_is_one_of_the_words_and_once_a_day(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    for why in ("often", "useless", "<script>", ""):
        await say_why(db, person, why, NOW)
    assert [e["name"] for e in await rows_of(db, "events")] == ["left: often"]


async def test_nothing_is_undone_after_thirty_days(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    await leave(db, person, delivery_id=None, now=NOW, how="leave-link")
    assert (await come_back(db, person, now=NOW + timedelta(days=30, seconds=1))).already
    assert not (await come_back(db, person, now=NOW + timedelta(days=30))).already


@pytest.mark.parametrize("status", ["bounced", "complained", "archived", "pending", "subscribed"])
async def test_only_leaving_is_undone(db: Database, status: str) -> None:
    [person] = await add_people(db, "anna@example.com", status=status)
    assert (await come_back(db, person, now=NOW)).already
    assert [r["status"] for r in await rows_of(db, "subscribers")] == [status]

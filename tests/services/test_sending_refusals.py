"""What must not leave: without a sender, after a refusal by the person, outside its window, in a paused lane."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from nurture.domain.documents import Policy
from nurture.domain.envelopes import Envelope, Reply
from nurture.services.sending import Desk, SendingRules, sweep_stopped_lanes
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.lanes import notices, set_lane
from nurture.store.ledger import subscribers
from nurture.store.outbox import plan_rows
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import BASE, POLICY, Sink, prepare, send


async def test_nothing_leaves_a_real_relay_without_sender_and_postal_address(db: Database) -> None:
    lease, _, _ = await prepare(db, policy=None)
    sink = Sink()
    await send(db, sink, lease)
    async with db.read() as tx:
        reason = (await notices(tx))["sequence:school"]
    assert (sink.letters, (await the_rows(db))[0].state) == ([], "pending")
    assert "sender: {name" in reason
    async with db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY | {"postal_address": None}), "live", NOW)
    desk = Desk()
    await send(db, sink, lease, desk=desk)
    async with db.write() as tx:
        assert sink.letters == []
        await save_document(tx, Policy.model_validate(POLICY), "live", NOW + timedelta(seconds=1))
    sent = await send(db, sink, lease, desk=desk)
    assert sent.accepted == 1, "once the lines are written the lanes run again by themselves"
    async with db.read() as tx:
        assert await notices(tx) == {}


async def test_captured_letters_need_no_sender(db: Database) -> None:
    lease, _, _ = await prepare(db, policy=None)
    assert (await send(db, Sink(), lease, rules=SendingRules(BASE, captures=True))).accepted == 1


async def test_leaving_between_claim_and_intent(db: Database) -> None:
    lease, _, (first, second) = await prepare(db, 2)

    class Leaves(Desk):
        """The person leaves while their letter is being written."""

        async def versions(self, tx: Any, ids: Any) -> Any:
            await tx.rollback()
            async with db.engine.connect() as other:
                await other.execute(subscribers.update().where(subscribers.c.id == first).values(status="unsubscribed"))
                await other.commit()
            return await Desk.versions(self, tx, ids)

    sink = Sink()
    sent = await send(db, sink, lease, desk=Leaves())
    assert [(r.state, r.outcome) for r in await the_rows(db)] == [("cancelled", "left"), ("accepted", None)]
    assert [e.recipient for e in sink.letters] == ["p1@example.com"]
    assert (sent.counts["cancelled"], second - first) == (1, 1)


async def test_a_topic_that_was_left_is_declined(db: Database) -> None:
    lease, _, (person,) = await prepare(db)
    async with db.write() as tx:
        await tx.execute(subscribers.update().where(subscribers.c.id == person).values(topics={"roofs": False}))
    await send(db, Sink(), lease)
    assert [(r.state, r.outcome) for r in await the_rows(db)] == [("cancelled", "declined")]


async def test_a_window_that_closed_moves_the_row_or_gives_its_place_free(db: Database) -> None:
    lease, letter, (anna, boris) = await prepare(db, 2)
    any_time = await add_letter(db, "school/two")
    (third,) = await add_people(db, "third@example.com", timezone="Europe/Berlin")
    async with db.write() as tx:
        await plan_rows(tx, [planned(any_time, third)])
    sink = Sink()
    at_close = NOW + timedelta(hours=2) - timedelta(seconds=9)
    sent = await send(db, sink, lease, now=at_close)
    rows = {r.subscriber_id: r for r in await the_rows(db)}
    assert (rows[anna].state, rows[anna].due_at.date().isoformat()) == ("pending", "2026-03-03"), "short useful letters: Monday, then Tuesday"
    assert rows[third].state == "accepted", "any time is open at once"
    assert sent.counts["moved"] == 3
    for row in (rows[anna], rows[boris]):
        await set_row(db, row.id, due_at=NOW, closes_at=NOW)
    friday = NOW + timedelta(days=2, hours=12)
    sent = await send(db, sink, lease, now=friday)
    assert [r.outcome for r in await the_rows(db)] == ["missed", "missed", None]
    assert letter["lane_id"] == any_time["lane_id"]


async def test_rows_of_a_paused_lane_do_not_keep_a_place_for_ever(db: Database) -> None:
    await prepare(db, 2)
    async with db.write() as tx:
        await set_lane(tx, "sequence:school", "paused", "by hand")
    assert (await sweep_stopped_lanes(db, Desk(), NOW)).counts["missed"] == 0
    sent = await sweep_stopped_lanes(db, Desk(), NOW + timedelta(days=2, hours=12))
    assert sent.counts["missed"] == 2
    assert {r.outcome for r in await the_rows(db)} == {"missed"}


async def test_a_pause_during_the_sweep_is_seen_by_the_intent(db: Database) -> None:
    lease, _, _ = await prepare(db, 60)

    class Pauses(Sink):
        async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, *_: object) -> Reply:
            if len(self.letters) == 10:
                async with db.write() as tx:
                    await set_lane(tx, "sequence:school", "paused", "by hand")
            return await super().deliver(envelope, may_write)

    sink = Pauses()
    await send(db, sink, lease, rules=SendingRules(BASE, in_flight=8, connections=1))
    states = [r.state for r in await the_rows(db)]
    assert states.count("accepted") == len(sink.letters) < 25, "what had its intent leaves, nothing after it"
    assert set(states) == {"accepted", "pending"}

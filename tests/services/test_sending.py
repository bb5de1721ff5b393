"""Sending, whole: real database, real SMTP server, real letters; what two workers, a stop and a broken sweep leave behind."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from nurture.domain.envelopes import Envelope, Reply
from nurture.domain.return_address import read_return
from nurture.domain.tokens import Purpose, read
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules
from nurture.store.claims import CLAIM_AT_ONCE, claim, last_hand_off
from nurture.store.database import Database
from nurture.store.ledger import lanes
from nurture.store.mark import Handed, Mark, behind, read_mark, write_mark
from nurture.store.outbox import plan_rows
from nurture.store.workers import enlist
from tests.support.outbox_rows import IDENTITY, add_letter, planned, set_row, the_rows
from tests.support.people import NOW
from tests.support.sending import BASE, KEY, Sink, prepare, send
from tests.support.smtp import SmtpSink


async def test_a_letter_over_a_real_relay(db: Database, smtp_sink: SmtpSink) -> None:
    lease, _, (person,) = await prepare(db)
    relay = SmtpRelay(smtp_sink.url)
    sent = await send(db, relay, lease)
    await relay.close()
    (row,) = await the_rows(db)
    assert (sent.counts, row.state, row.code, row.accepted_at, row.handed_at) == ({"accepted": 1, "moved": 0, "missed": 0, "failed": 0}, "accepted", 250, NOW, NOW)
    assert (row.zone, row.local_day.isoformat(), row.attempts) == ("Europe/Berlin", "2026-03-02", 1)
    (got,) = smtp_sink.letters
    message = message_from_bytes(got.raw, policy=default)
    assert (got.sender, got.recipient, message["Message-ID"]) == ("anna@example.com", "p0@example.com", row.message_id)
    assert message["List-Id"] == "<school.example.com>"
    leave = message["List-Unsubscribe"].split(">")[0].removeprefix(f"<{BASE}/u/")
    token = read(leave, Purpose.LEAVE, [KEY])
    assert token is not None
    assert (token.delivery, token.subscriber, token.version) == (row.id, person, row.version_id)


async def test_many_letters_over_few_connections(db: Database, smtp_sink: SmtpSink) -> None:
    lease, _, _ = await prepare(db, 150)
    relay = SmtpRelay(smtp_sink.url, connections=3)
    sent = await send(db, relay, lease, rules=SendingRules(BASE, connections=3, in_flight=40))
    await relay.close()
    assert sent.accepted == 150
    assert max(smtp_sink.count().values()) == 1
    assert len(smtp_sink.count()) == 150
    assert smtp_sink.sessions <= 3


async def test_stop_returns_what_was_not_written(db: Database) -> None:
    lease, _, _ = await prepare(db, 60)
    sink = Sink()
    await send(db, sink, lease, rules=SendingRules(BASE, in_flight=8, connections=1), go_on=lambda: len(sink.letters) < 10)
    rows = await the_rows(db)
    assert Counter(r.state for r in rows) == {"accepted": 10, "pending": 50}
    assert sum(r.handed_at is not None for r in rows) <= 10 + 8, "no intent after the stop"


async def test_the_next_batch_is_claimed_while_the_last_of_this_one_leaves(memory_db: Database) -> None:
    lease, _, _ = await prepare(memory_db, CLAIM_AT_ONCE + 20)
    sink, desk, claims = Sink(), Desk(), []

    def stops() -> bool:
        claims.append((len(sink.letters), desk.mark.claims if desk.mark else 0))
        return len(sink.letters) < CLAIM_AT_ONCE - 5

    await send(memory_db, sink, lease, rules=SendingRules(BASE, connections=1), go_on=stops, desk=desk)
    assert max(claimed for letters, claimed in claims if letters < CLAIM_AT_ONCE // 4) == 1, "not sooner than two slices before"
    assert claims[-1] == (CLAIM_AT_ONCE - 5, 2)
    states = Counter(r.state for r in await the_rows(memory_db))
    assert states == {"accepted": CLAIM_AT_ONCE - 5, "pending": 25}, "what was claimed ahead goes back, too"


async def test_a_claim_ahead_keeps_the_hand_off_in_the_mark(memory_db: Database, tmp_path: Path) -> None:
    lease, _, _ = await prepare(memory_db, CLAIM_AT_ONCE + 20)
    sink, kept = Sink(), []

    def looks() -> bool:
        kept.append(read_mark(tmp_path))
        return True

    await send(memory_db, sink, lease, rules=SendingRules(BASE, connections=1, mark_folder=tmp_path), go_on=looks)
    marks = [mark for mark in kept if mark]
    assert [m.claims for m in marks] == sorted(m.claims for m in marks)
    assert {mark.claims for mark in marks if mark.handed is None} == {1}, "only before the very first hand-off"
    assert marks[-1].claims == 2


async def test_what_waits_longer_than_two_seconds_goes_back(db: Database) -> None:
    lease, _, _ = await prepare(db, 6)

    class Slow(Sink):
        async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, *_: object) -> Reply:
            reply = await super().deliver(envelope, may_write)
            await asyncio.sleep(2.1 if len(self.letters) == 1 else 0)
            return reply

    sink = Slow()
    sent = await send(db, sink, lease, rules=SendingRules(BASE, connections=1))
    assert sent.counts["returned"] >= 3
    assert sent.accepted == 6, "and leaves with a fresh intent"
    assert len({e.delivery for e in sink.letters}) == len(sink.letters) == 6


async def test_a_sweep_that_broke_off_leaves_nothing_behind(db: Database) -> None:
    lease, _, _ = await prepare(db, 3)

    class Breaks(Desk):
        async def versions(self, tx: Any, ids: Any) -> Any:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        await send(db, Sink(), lease, desk=Breaks())
    rows = await the_rows(db)
    assert {r.state for r in rows} == {"claimed"}
    await set_row(db, rows[0].id, state="sending", worker_id=lease.id)
    assert (await send(db, Sink(), lease)).accepted == 2
    assert [(r.state, r.due_at) for r in await the_rows(db)] == [("unknown", NOW + timedelta(minutes=10))] + [("accepted", NOW)] * 2


async def test_two_senders_at_once_send_each_letter_once(db: Database) -> None:
    lease, _, _ = await prepare(db, 200)
    async with db.write() as tx:
        other = await enlist(tx, "other", NOW)
    sinks = Sink(), Sink()
    rules = SendingRules(BASE, in_flight=16)
    await asyncio.gather(send(db, sinks[0], lease, rules=rules), send(db, sinks[1], other, rules=rules))
    ids = [e.delivery for s in sinks for e in s.letters]
    assert sorted(ids) == [r.id for r in await the_rows(db)]


async def test_claims_leave_a_mark_that_a_restored_backup_is_held_against(db: Database, tmp_path: Path) -> None:
    lease, _, _ = await prepare(db)
    assert behind(read_mark(tmp_path), IDENTITY, 0) is None
    await send(db, Sink(), lease, rules=SendingRules(BASE, mark_folder=tmp_path))
    mark, (row,) = read_mark(tmp_path), await the_rows(db)
    assert mark == Mark(IDENTITY, 1, Handed(row.id, row.fence, NOW))
    async with db.read() as tx:
        stands = await last_hand_off(tx, row.id)
    assert stands == mark.handed
    assert behind(mark, IDENTITY, 1, stands) is None
    assert "nurture resume" in str(behind(mark, IDENTITY, 0, stands))
    assert behind(mark, b"another database", 0) is None
    (tmp_path / "ledger.mark").write_text("{")
    assert behind(read_mark(tmp_path), IDENTITY, 0) is None
    write_mark(tmp_path, Mark(IDENTITY, 5))
    assert read_mark(tmp_path) == Mark(IDENTITY, 5)


@pytest.mark.parametrize(
    ("stands", "known"),
    [
        (None, False), (Handed(7, 2, NOW), False), (Handed(7, 3, NOW - timedelta(seconds=1)), False), (Handed(7, 3, NOW), True),
        (Handed(7, 3, NOW + timedelta(seconds=1)), True), (Handed(7, 4, NOW - timedelta(days=1)), True),
    ],
)  # fmt: skip
def test_a_backup_made_between_claim_and_hand_off_is_behind_its_mark(stands: Handed | None, known: bool) -> None:
    reason = behind(Mark(IDENTITY, 1, Handed(7, 3, NOW)), IDENTITY, 1, stands)
    assert (reason is None) == known


async def test_an_hour_of_letters_in_a_breath(memory_db: Database) -> None:
    """The simulation's way: an in-memory database, a sink, a virtual clock. Thousands, no waiting."""
    lease, _, _ = await prepare(memory_db, 1000, closes=None)
    start = asyncio.get_running_loop().time()
    assert (await send(memory_db, Sink(), lease)).accepted == 1000
    assert asyncio.get_running_loop().time() - start < 10


async def test_service_and_other_lanes_can_be_kept_apart(db: Database) -> None:
    lease, _, people = await prepare(db)
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    async with db.write() as tx:
        await plan_rows(tx, [planned(receipt, people[0], closes=None)])
    sink = Sink()
    await send(db, sink, lease, rules=SendingRules(BASE, lanes="service"))
    assert [r.kind for r in await the_rows(db) if r.state == "accepted"] == ["service"]
    assert b"List-Unsubscribe" not in sink.letters[0].message
    await send(db, sink, lease, rules=SendingRules(BASE, lanes="others"))
    assert len(sink.letters) == 2


@pytest.mark.postgres
async def test_rows_that_another_worker_holds_are_no_reason_to_spin(postgres_db: Database) -> None:
    db = postgres_db
    lease, letter, _ = await prepare(db)
    async with db.engine.connect() as holder, holder.begin():
        held = await claim(holder, letter["lane_id"], lease.id, 9, NOW)
        assert len(held) == 1
        sent = await asyncio.wait_for(send(db, Sink(), lease), 5)
        assert sent.handed == 0
    async with db.read() as tx:
        assert (await tx.execute(lanes.select())).all()


async def test_an_offer_names_the_letters_that_came_before(db: Database) -> None:
    lease, _, (person,) = await prepare(db)
    sink = Sink()
    await send(db, sink, lease)
    naming = "<p>{% for title in received %}[{{ title }}]{% endfor %} {{ postal_address }} {{ unsubscribe_url }}</p>"
    offer = await add_letter(db, "school/two", kind="sales", html=naming, text="{{ received[0] }} {{ postal_address }} {{ unsubscribe_url }}")
    async with db.write() as tx:
        await plan_rows(tx, [planned(offer, person)])
    await send(db, sink, lease)
    parts = message_from_bytes(sink.letters[-1].message, policy=default)
    assert "[A subject]" in parts.get_body(("html",)).get_content()
    assert parts.get_body(("plain",)).get_content().startswith("A subject")


async def test_each_letter_has_a_return_address_of_its_own(db: Database, smtp_sink: SmtpSink) -> None:
    lease, _, (person,) = await prepare(db)
    relay = SmtpRelay(smtp_sink.url)
    await send(db, relay, lease, rules=SendingRules(BASE, bounce_domain="bounces.example.com"))
    await relay.close()
    (row,) = await the_rows(db)
    (got,) = smtp_sink.letters
    token = read_return(got.sender, [KEY])
    assert token is not None
    assert (token.delivery, token.subscriber, token.version) == (row.id, person, row.version_id)
    assert got.sender.endswith("@bounces.example.com")

"""Sending while something else breaks: a database that answers one statement with an error, a rate so low that letters wait for their place."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, recording
from nurture.services.sending.recording import Clerk
from nurture.store.database import Database
from nurture.store.workspace import load_workspace
from tests.support.outbox_rows import the_rows
from tests.support.sending import BASE, Sink, prepare, says, send
from tests.support.smtp import SmtpSink


class Slow(Sink):
    async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, *_: object) -> Reply:
        reply = await super().deliver(envelope, may_write)
        await asyncio.sleep(0.2)
        return reply


async def test_an_error_between_two_batches_loses_no_answer(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 8)
    third = (await the_rows(sqlite_db))[2].id
    rules = SendingRules(BASE, in_flight=4, connections=2)
    desk, sink = Desk(), Slow()
    async with sqlite_db.write() as tx:
        refuse = f"WHEN NEW.state = 'sending' AND NEW.id = {third} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        await tx.execute(text(f"CREATE TRIGGER broken BEFORE UPDATE ON deliveries {refuse}"))
    with pytest.raises(IntegrityError, match="the disk is full"):
        await send(sqlite_db, sink, lease, rules=rules, desk=desk)
    states = [r.state for r in await the_rows(sqlite_db)]
    assert states[:2] == ["accepted"] * 2, "what was on the wire got its answer, and the answer is kept"
    assert "sending" not in states
    async with sqlite_db.write() as tx:
        await tx.execute(text("DROP TRIGGER broken"))
    assert (await send(sqlite_db, sink, lease, rules=rules, desk=desk)).accepted == 6
    assert sorted(e.delivery for e in sink.letters) == [r.id for r in await the_rows(sqlite_db)], "each exactly once"


async def test_a_low_rate_waits_instead_of_claiming_again_and_again(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 2)
    begun = asyncio.get_running_loop().time()
    sent = await send(sqlite_db, Sink(), lease, rules=SendingRules(BASE, rate=0.35))
    async with sqlite_db.read() as tx:
        claims = (await load_workspace(tx)).claims
    assert (sent.accepted, claims <= 3) == (2, True), f"{claims} claims"
    assert 2.5 < asyncio.get_running_loop().time() - begun < 4


async def test_waiting_for_a_place_ends_at_a_stop(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 2)
    sink, begun = Sink(), asyncio.get_running_loop().time()
    await send(sqlite_db, sink, lease, rules=SendingRules(BASE, rate=0.01), go_on=lambda: asyncio.get_running_loop().time() - begun < 0.3)
    assert asyncio.get_running_loop().time() - begun < 2
    assert [r.state for r in await the_rows(sqlite_db)] == ["accepted", "pending"]


async def test_a_lease_in_doubt_finishes_no_letter_and_a_stop_does(sqlite_db: Database, smtp_sink: SmtpSink) -> None:
    lease, _, _ = await prepare(sqlite_db)
    relay = SmtpRelay(smtp_sink.url)

    def stopped_at_rcpt() -> bool:
        return not any(c.startswith("rcpt") for c in smtp_sink.commands)

    rules = SendingRules(BASE, connections=1)
    sent = await send(sqlite_db, relay, lease, rules=rules, go_on=stopped_at_rcpt, holds=stopped_at_rcpt)
    assert (sent.counts["returned"], len(smtp_sink.at_dot)) == (1, 0)
    assert [(r.state, r.attempts) for r in await the_rows(sqlite_db)] == [("pending", 0)]
    smtp_sink.commands.clear()
    assert (await send(sqlite_db, relay, lease, rules=rules, go_on=stopped_at_rcpt)).accepted == 1
    await relay.close()


async def test_answers_that_cannot_be_recorded_end_the_sweep_and_are_told(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, _, _ = await prepare(sqlite_db)
    monkeypatch.setattr(recording, "RETRIES", (0.01,))

    async def fails(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(recording, "record_accepted", fails)
        with pytest.raises(OperationalError, match="the disk is full"):
            await send(sqlite_db, Sink(), lease)
    assert [r.state for r in await the_rows(sqlite_db)] == ["sending"]
    again = Sink()
    await send(sqlite_db, again, lease)
    assert (again.letters, [r.state for r in await the_rows(sqlite_db)]) == ([], ["unknown"]), "it may have left, so it waits for its grace"


async def test_one_refusal_that_is_recorded_at_the_third_try_is_one_refusal(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, _, _ = await prepare(sqlite_db)
    real, tries = Clerk._write, 0

    async def breaks(self: Clerk, *given: object) -> None:
        nonlocal tries
        tries += 1
        await real(self, *given)  # type: ignore[arg-type]
        if tries < 3:
            raise OperationalError("COMMIT", {}, Exception("the connection was reset"))

    monkeypatch.setattr(Clerk, "_write", breaks)
    await send(sqlite_db, Sink(says(550, "not accepted", enhanced="5.7.26", phase=Phase.BODY)), lease)
    async with sqlite_db.read() as tx:
        assert (tries, (await load_workspace(tx)).halted) == (3, None)

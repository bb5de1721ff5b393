"""Sending, whole: real database, real SMTP server, real letters. What becomes of each row for each answer of the relay."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from nurture.domain.documents import Policy, Sequence
from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.domain.tokens import Purpose, TokenKey, read
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, Sent, send_due, sweep_stopped_lanes
from nurture.services.sending.pace import Pace, Turns
from nurture.store.claims import DueLane, claim
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.lanes import notices, set_lane
from nurture.store.ledger import lanes, subscribers
from nurture.store.mark import Mark, behind, read_mark, write_mark
from nurture.store.outbox import plan_rows
from nurture.store.workers import WorkerLease, enlist
from nurture.store.workspace import load_workspace
from tests.support.outbox_rows import IDENTITY, add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.smtp import DROP, SmtpSink

KEY = TokenKey.derive("a secret")
BASE = "https://letters.example.com"
POLICY = {"policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "postal_address": "1 Main Street, Town"}
SEQUENCE = {
    "sequence": "school", "topic": "roofs",
    "letters": [{"id": "one", "kind": "useful", "subject": "s", "body": "b"}, {"id": "two", "kind": "useful", "subject": "s", "body": "b", "window": "any"}],
}  # fmt: skip


class Sink:
    """A relay without a wire, for the paths where the wire is not the question."""

    def __init__(self, answer: Callable[[Envelope], Reply] | None = None) -> None:
        self.letters: list[Envelope] = []
        self.answer = answer or (lambda e: Reply(e.delivery, Phase.BODY, 250, "2.0.0", "ok", "sink"))

    async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True) -> Reply:
        if not may_write():
            return Reply(envelope.delivery, Phase.CONNECT, None, None, "not written in time", "sink")
        self.letters.append(envelope)
        return self.answer(envelope)


def says(code: int | None, text: str = "", *, enhanced: str | None = None, phase: Phase = Phase.BODY) -> Callable[[Envelope], Reply]:
    return lambda e: Reply(e.delivery, phase, code, enhanced, text, "sink")


async def prepare(db: Database, people: int = 1, policy: dict[str, Any] | None = POLICY, **more: Any) -> tuple[WorkerLease, dict[str, Any], list[int]]:
    """People, a letter, a planned row for each, a worker."""
    ids = await add_people(db, *[f"p{n}@example.com" for n in range(people)], first_name="Ann", timezone="Europe/Berlin")
    letter = await add_letter(db)
    async with db.write() as tx:
        if policy:
            await save_document(tx, Policy.model_validate(policy), "live", NOW)
        await save_document(tx, Sequence.model_validate(SEQUENCE), "live", NOW)
        await plan_rows(tx, [planned(letter, person, **more) for person in ids])
        lease = await enlist(tx, "e", NOW)
    return lease, letter, ids


RULES = SendingRules(base_url=BASE)


async def send(db: Database, relay: Any, lease: WorkerLease, *, now: datetime = NOW, rules: SendingRules = RULES, **more: Any) -> Sent:
    return await send_due(db, relay, lease, rules, [KEY], lambda: now, **more)


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


@pytest.mark.parametrize(
    ("phase", "answer", "state"),
    [
        ("rcpt", "550 5.1.1 no such user", "rejected"),
        ("rcpt", "451 4.3.0 later", "deferred"),
        ("rcpt", DROP, "deferred"),
        ("dot", "550 5.7.1 spam", "rejected"),
        ("dot", "451 4.3.0 later", "deferred"),
        ("dot", DROP, "unknown"),
    ],
)
async def test_every_answer_ends_in_its_state(sqlite_db: Database, smtp_sink: SmtpSink, phase: str, answer: str, state: str) -> None:
    lease, _, people = await prepare(sqlite_db, 3)
    smtp_sink.script(phase, answer, recipient="p1@example.com" if phase == "rcpt" else None, times=1)
    relay = SmtpRelay(smtp_sink.url, connections=1)
    await send(sqlite_db, relay, lease)
    await relay.close()
    rows = await the_rows(sqlite_db)
    assert sorted(r.state for r in rows) == sorted(["accepted", "accepted", state]), "the others are not touched"
    (odd,) = [r for r in rows if r.state != "accepted"]
    if state == "deferred":
        assert NOW < odd.due_at < NOW + timedelta(minutes=1)
    if state == "unknown":
        assert odd.due_at == NOW + timedelta(minutes=10)
    assert len(people) == 3


async def test_a_deferred_letter_comes_again_and_gives_up_after_72_hours(db: Database) -> None:
    lease, _, _ = await prepare(db, closes=None)
    later = Sink(says(451, "later"))
    dues = []
    for _ in range(3):
        (row,) = await the_rows(db)
        await send(db, later, lease, now=max(row.due_at, NOW))
        dues.append((await the_rows(db))[0].due_at - max(row.due_at, NOW))
    assert dues[0] < dues[1] < dues[2]
    (row,) = await the_rows(db)
    assert (row.state, row.attempts, row.first_try_at) == ("deferred", 3, NOW)
    sent = await send(db, later, lease, now=NOW + timedelta(hours=72))
    (row,) = await the_rows(db)
    assert (row.state, row.outcome, len(later.letters), sent.counts["failed"]) == ("failed", "expired", 3, 1)


async def test_a_dead_address_suppresses_the_person_and_a_full_mailbox_does_not_at_once(db: Database) -> None:
    lease, _, (person,) = await prepare(db)
    await send(db, Sink(says(550, "no such user", enhanced="5.1.1", phase=Phase.RCPT)), lease)
    async with db.read() as tx:
        (status,) = (await tx.execute(subscribers.select().with_only_columns(subscribers.c.status).where(subscribers.c.id == person))).scalars()
    (row,) = await the_rows(db)
    assert (row.state, row.outcome, status) == ("rejected", "no_such_address", "bounced")


async def test_three_soft_refusals_over_a_week_are_one_hard(db: Database) -> None:
    lease, letter, (person,) = await prepare(db)
    full = Sink(says(552, "mailbox full", enhanced="5.2.2", phase=Phase.RCPT))
    statuses = []
    for number, day in enumerate((0, 3, 7)):
        now = NOW + timedelta(days=day)
        async with db.write() as tx:
            await plan_rows(tx, [planned(letter, person, occasion=f"soft{number}", due=now, closes=now + timedelta(hours=1))] if number else [])
        await send(db, full, lease, now=now)
        async with db.read() as tx:
            statuses += (await tx.execute(subscribers.select().with_only_columns(subscribers.c.status))).scalars()
    assert statuses == ["subscribed", "subscribed", "bounced"]


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


async def test_a_letter_that_cannot_be_written_fails_alone_and_several_pause_the_lane(db: Database) -> None:
    lease, letter, people = await prepare(db, 4)
    bad = await add_letter(db, "school/two", html="<p>{{ fields.nothing.at.all }} {{ unsubscribe_url }}</p>")
    more = await add_people(db, *[f"q{n}@example.com" for n in range(10)])
    async with db.write() as tx:
        await plan_rows(tx, [planned(bad, p) for p in more[:3]])
    desk, sink = Desk(), Sink()
    await send(db, sink, lease, desk=desk)
    states = [(r.state, r.outcome) for r in await the_rows(db)]
    assert states == [("accepted", None)] * len(people) + [("failed", "render")] * 3
    async with db.write() as tx:
        assert await notices(tx) == {}
        await plan_rows(tx, [planned(bad, p) for p in more[3:]])
    await send(db, sink, lease, desk=desk)
    async with db.read() as tx:
        assert (await notices(tx))["sequence:school"].startswith("render: ")
    assert letter["lane_id"] == bad["lane_id"]


async def test_a_refused_sender_halts_and_nobody_is_blamed(db: Database) -> None:
    lease, _, _ = await prepare(db, 20)
    sink = Sink(says(550, "unauthenticated mail is not accepted", enhanced="5.7.26"))
    await send(db, sink, lease, rules=SendingRules(BASE, connections=1, in_flight=4))
    async with db.read() as tx:
        halted = (await load_workspace(tx)).halted
        statuses = set((await tx.execute(subscribers.select().with_only_columns(subscribers.c.status))).scalars())
    assert halted is not None
    assert "nurture resume" in halted
    assert statuses == {"subscribed"}
    assert {r.state for r in await the_rows(db)} == {"deferred", "pending"}
    assert len(sink.letters) < 12


async def test_a_letter_too_big_for_the_relay_pauses_its_lane(db: Database) -> None:
    lease, _, _ = await prepare(db)
    await send(db, Sink(says(552, "message size exceeds limit", enhanced="5.3.4", phase=Phase.MAIL)), lease)
    async with db.read() as tx:
        assert "too big" in (await notices(tx))["sequence:school"]
    assert (await the_rows(db))[0].state == "deferred"


async def test_a_relay_that_is_away_is_not_asked_for_every_letter(db: Database) -> None:
    lease, _, _ = await prepare(db, 100)
    sink = Sink(says(None, "connection refused", phase=Phase.CONNECT))
    sent = await send(db, sink, lease)
    assert len(sink.letters) < 10
    assert sent.counts["returned"] > 90
    assert all(r.attempts == 0 for r in await the_rows(db)), "nobody's fault burns no try"


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
        async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True) -> Reply:
            if len(self.letters) == 10:
                async with db.write() as tx:
                    await set_lane(tx, "sequence:school", "paused", "by hand")
            return await super().deliver(envelope, may_write)

    sink = Pauses()
    await send(db, sink, lease, rules=SendingRules(BASE, in_flight=8, connections=1))
    states = [r.state for r in await the_rows(db)]
    assert states.count("accepted") == len(sink.letters) < 25, "what had its intent leaves, nothing after it"
    assert set(states) == {"accepted", "pending"}


async def test_stop_returns_what_was_not_written(db: Database) -> None:
    lease, _, _ = await prepare(db, 60)
    sink = Sink()
    await send(db, sink, lease, rules=SendingRules(BASE, in_flight=8, connections=1), go_on=lambda: len(sink.letters) < 10)
    states = [r.state for r in await the_rows(db)]
    assert (states.count("accepted"), states.count("pending")) == (10, 50)


async def test_what_waits_longer_than_two_seconds_goes_back(db: Database) -> None:
    lease, _, _ = await prepare(db, 6)

    class Slow(Sink):
        async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True) -> Reply:
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
    desk = Desk()

    class Breaks(Desk):
        async def versions(self, tx: Any, ids: Any) -> Any:
            raise OSError("the disk is gone")

    broken = Breaks()
    with pytest.raises(OSError, match="disk"):
        await send(db, Sink(), lease, desk=broken)
    assert {r.state for r in await the_rows(db)} == {"claimed"}
    desk.dirty = broken.dirty
    assert (await send(db, Sink(), lease, desk=desk)).accepted == 3


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
    assert behind(tmp_path, IDENTITY, 0) is None
    await send(db, Sink(), lease, rules=SendingRules(BASE, mark_folder=tmp_path))
    assert read_mark(tmp_path) == Mark(IDENTITY, 1)
    assert behind(tmp_path, IDENTITY, 1) is None
    assert "nurture resume" in str(behind(tmp_path, IDENTITY, 0))
    assert behind(tmp_path, b"another database", 0) is None
    (tmp_path / "ledger.mark").write_text("{")
    assert behind(tmp_path, IDENTITY, 0) is None
    write_mark(tmp_path, Mark(IDENTITY, 5))
    assert read_mark(tmp_path) == Mark(IDENTITY, 5)


async def test_an_hour_of_letters_in_a_breath(memory_db: Database) -> None:
    """The simulation's way: an in-memory database, a sink, a virtual clock. Thousands, no waiting."""
    lease, _, _ = await prepare(memory_db, 1000, closes=None)
    start = asyncio.get_running_loop().time()
    assert (await send(memory_db, Sink(), lease)).accepted == 1000
    assert asyncio.get_running_loop().time() - start < 10


def test_lanes_take_turns_by_priority_and_service_goes_first() -> None:
    turns = Turns()
    due = [DueLane(1, "sequence:a", 60), DueLane(2, "campaign:b", 20)]
    chosen = [turns.next(due) for _ in range(80)]
    assert sum(lane is not None and lane.id == 1 for lane in chosen) == 60
    assert turns.next([DueLane(9, "service", 0), *due]) == DueLane(9, "service", 0)
    assert turns.next([]) is None


def test_the_pace_slows_on_request_and_creeps_up_again() -> None:
    pace = Pace()
    assert (pace.rate, pace.claim()) == (None, 512)
    pace.begin(0.0)
    for n in range(1, 101):
        pace.took(n / 100)
    assert pace.seen == pytest.approx(100, rel=0.1)
    pace.slow(2.0)
    pace.slow(2.1)
    assert pace.rate == pytest.approx(pace.seen / 2), "two answers within a second are one"
    first = pace.reserve(3.0, 5.0)
    second = pace.reserve(3.0, 5.0)
    assert first == 0
    assert second == pytest.approx(1 / pace.rate)
    before = pace.rate
    for n in range(1, 4000):
        pace.took(3 + n / 50)
    assert pace.rate is None or pace.rate > before
    limited = Pace(ceiling=14)
    assert (limited.slice(256, 4), limited.claim()) == (14, 56)
    assert [limited.reserve(0.0, 0.1) is None for _ in range(3)] == [False, False, True]


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


async def test_rows_that_another_worker_holds_are_no_reason_to_spin(db: Database) -> None:
    lease, letter, _ = await prepare(db)
    async with db.engine.connect() as holder, holder.begin():
        if db.sqlite:
            pytest.skip("SQLite has one writer: nothing is held while another claims")
        held = await claim(holder, letter["lane_id"], lease.id, 9, NOW)
        assert len(held) == 1
        sent = await asyncio.wait_for(send(db, Sink(), lease), 5)
        assert sent.handed == 0
    async with db.read() as tx:
        assert (await tx.execute(lanes.select())).all()

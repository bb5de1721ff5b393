"""What becomes of each row, person, lane and relay for each answer, and for none."""

from collections import Counter
from datetime import timedelta

import pytest

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules
from nurture.store.database import Database
from nurture.store.lanes import notices
from nurture.store.ledger import subscribers
from nurture.store.outbox import plan_rows
from nurture.store.throttles import load_throttles
from nurture.store.workspace import load_workspace
from tests.support.outbox_rows import add_letter, planned, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import BASE, Sink, prepare, says, send
from tests.support.smtp import DROP, SmtpSink


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


async def test_a_domain_that_refuses_the_sender_rests_and_nobody_is_blamed(db: Database) -> None:
    lease, _, _ = await prepare(db, 20)
    (elsewhere,) = await add_people(db, "x@elsewhere.org")
    letter = await add_letter(db, "school/two")
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, elsewhere)])
    sink = Sink(lambda e: says(250 if "elsewhere" in e.recipient else 550, "unauthenticated", enhanced=None if "elsewhere" in e.recipient else "5.7.26")(e))
    await send(db, sink, lease, rules=SendingRules(BASE, connections=1, in_flight=4))
    async with db.read() as tx:
        assert (await load_workspace(tx)).halted is None
        statuses = set((await tx.execute(subscribers.select().with_only_columns(subscribers.c.status))).scalars())
        (rests,) = [t for t in await load_throttles(tx) if t.state.away(NOW)]
    assert (rests.name, rests.state.away_until, statuses) == ("domain:example.com", NOW + timedelta(minutes=15), {"subscribed"})
    rows = await the_rows(db)
    assert {r.state for r in rows[:-1]} == {"deferred", "pending"}
    assert (rows[-1].state, len(sink.letters) < 12) == ("accepted", True), "everybody else gets their letters"


async def test_a_relay_that_refuses_the_sender_rests_and_then_tries_one_letter(db: Database) -> None:
    lease, _, _ = await prepare(db, 40, closes=None)
    refuses = says(530, "Authentication required", enhanced="5.7.0", phase=Phase.MAIL)
    sink, desk, rules = Sink(refuses), Desk(), SendingRules(BASE, connections=1, in_flight=4)
    await send(db, sink, lease, rules=rules, desk=desk)
    first = len(sink.letters)
    assert 3 <= first < 12
    assert {r.state for r in await the_rows(db)} == {"deferred", "pending"}
    await send(db, sink, lease, rules=rules, desk=desk, now=NOW + timedelta(minutes=14))
    assert len(sink.letters) == first, "it rests"
    await send(db, sink, lease, rules=rules, desk=desk, now=NOW + timedelta(minutes=15))
    assert len(sink.letters) == first + 1, "one letter tries, and is refused: a longer rest"
    await send(db, sink, lease, rules=rules, desk=desk, now=NOW + timedelta(minutes=44))
    assert len(sink.letters) == first + 1
    sink.answer = says(250, "ok")
    mended = await send(db, sink, lease, rules=rules, desk=desk, now=NOW + timedelta(minutes=46))
    assert mended.accepted == 40
    assert all(r.attempts == 1 for r in await the_rows(db)), "no refusal burned a try"
    async with db.read() as tx:
        assert all(t.state.trips == 0 for t in await load_throttles(tx))


async def test_an_acceptance_between_refused_letters_begins_their_count_anew(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 9)
    spam, taken = says(550, "spam", enhanced="5.7.1"), says(250, "ok")
    rules = SendingRules(BASE, connections=1, render_errors=5)
    await send(sqlite_db, Sink(lambda e: taken(e) if e.recipient == "p4@example.com" else spam(e)), lease, rules=rules)
    async with sqlite_db.read() as tx:
        assert await notices(tx) == {}, "four and four are no five in a row"
    assert Counter(r.state for r in await the_rows(sqlite_db)) == {"rejected": 8, "accepted": 1}


async def test_a_try_after_the_window_is_asked_for_at_its_end(sqlite_db: Database) -> None:
    """So that a claim finds the row then and moves it to the next window."""
    ends = NOW + timedelta(seconds=15)
    lease, _, _ = await prepare(sqlite_db, closes=ends)
    await send(sqlite_db, Sink(says(451, "later")), lease)
    (row,) = await the_rows(sqlite_db)
    assert (row.state, row.due_at) == ("deferred", ends)


async def test_a_letter_too_big_for_the_relay_pauses_its_lane(db: Database) -> None:
    lease, _, _ = await prepare(db)
    await send(db, Sink(says(552, "message size exceeds limit", enhanced="5.3.4", phase=Phase.MAIL)), lease)
    async with db.read() as tx:
        assert "too big" in (await notices(tx))["sequence:school"]
    assert (await the_rows(db))[0].state == "deferred"


async def test_a_relay_that_is_away_is_not_asked_for_every_letter(db: Database) -> None:
    lease, _, _ = await prepare(db, 100)
    sink, desk = Sink(says(None, "connection refused", phase=Phase.CONNECT)), Desk()
    sent = await send(db, sink, lease, desk=desk)
    assert desk.pace.rate is None, "only an answer slows: when the relay is back, it is as quick as before"
    assert len(sink.letters) < 10
    assert sent.counts["returned"] > 90
    assert sum(r.handed_at is not None for r in await the_rows(db)) < 60, "nor is an intent committed for it"
    assert all(r.attempts == 0 for r in await the_rows(db)), "nobody's fault burns no try"


async def test_a_relay_that_takes_letters_in_between_is_not_away(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 12)
    lost, sink = says(None, "connection refused", phase=Phase.CONNECT), Sink()

    def every_third(envelope: Envelope) -> Reply:
        return (says(250, "ok") if len(sink.letters) % 3 == 0 else lost)(envelope)

    sink.answer = every_third
    sent = await send(sqlite_db, sink, lease, rules=SendingRules(BASE, connections=1))
    assert (sent.accepted, sent.counts["deferred"], sent.counts["returned"]) == (4, 8, 0), "three in a row are away, two are not"


async def test_a_relay_that_answers_instead_of_opening_a_session_is_away_too(sqlite_db: Database) -> None:
    lease, _, _ = await prepare(sqlite_db, 12)
    sent = await send(sqlite_db, Sink(says(421, "too many connections", phase=Phase.CONNECT)), lease)
    assert sent.counts["deferred"] == 3, "the rest need not try"
    assert Counter(r.state for r in await the_rows(sqlite_db)) == {"deferred": 3, "pending": 9}

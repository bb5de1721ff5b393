"""Slow relays, slow recipient domains, the warm-up's day: what waits, what leaves meanwhile, and what opens again by itself."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.domain.throttles import Throttle, slowed
from nurture.domain.warming import WarmUp
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import Desk, SendingRules, sweep_stopped_lanes
from nurture.store.claims import claim
from nurture.store.database import Database
from nurture.store.lanes import notices
from nurture.store.outbox import plan_rows
from nurture.store.throttles import change_throttle, load_throttles, open_throttles, parked_counts
from nurture.store.workers import enlist
from nurture.store.workspace import load_workspace
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import BASE, Sink, prepare, says, send
from tests.support.smtp import SinkMaker

MINUTE = timedelta(minutes=1)
ONE = SendingRules(BASE, connections=1, in_flight=2)


async def crowd(db: Database, at: dict[str, int], **more: Any) -> Any:
    """A letter for so many people at each domain, mixed; returns the lease."""
    lease, letter, _ = await prepare(db, 0)
    emails = [f"p{n}@{domain}" for domain, count in at.items() for n in range(count)]
    people = await add_people(db, *sorted(emails), timezone="Europe/Berlin")
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, person, **{"closes": None} | more) for person in people])
    return lease


def domains(sink: Sink) -> Counter[str]:
    return Counter(e.recipient.rpartition("@")[2] for e in sink.letters)


def by_domain(answers: dict[str, Callable[[Envelope], Reply]]) -> Callable[[Envelope], Reply]:
    return lambda e: answers.get(e.recipient.rpartition("@")[2], says(250, "ok"))(e)


def in_turn(answers: list[Callable[[Envelope], Reply]]) -> Callable[[Envelope], Reply]:
    left = iter(answers)
    return lambda e: next(left, says(250, "ok"))(e)  # noqa: PLW0108 - each call takes the next


MUCH = says(421, "Our system has detected an unusual rate of mail from your address - gsmtp", enhanced="4.7.28", phase=Phase.RCPT)


async def test_a_written_rate_holds_one_domain_back_and_nobody_else(db: Database) -> None:
    lease = await crowd(db, {"gmail.com": 9, "other.org": 40})
    sink, moments = Sink(), dict[str, float]()
    loop = asyncio.get_running_loop()
    sink.answer = lambda e: moments.setdefault(e.recipient, loop.time()) and says(250, "ok")(e)  # type: ignore[func-returns-value]
    sent = await send(db, sink, lease, rules=SendingRules(BASE, domain_rates={"gmail.com": 5}))
    assert sent.accepted == 49
    google = sorted(at for who, at in moments.items() if "gmail" in who)
    others = sorted(at for who, at in moments.items() if "other" in who)
    assert google[-1] - google[0] > 1, "nine letters at five a second: one at once, the others every fifth of a second"
    assert others[-1] < google[4], "nobody else waited"


async def test_a_parked_row_is_touched_once_however_long_it_waits(sqlite_db: Database) -> None:
    lease = await crowd(sqlite_db, {"gmail.com": 30, "other.org": 5})
    sink, desk, until = Sink(), Desk(), asyncio.get_running_loop().time() + 1.2
    rules = SendingRules(BASE, domain_rates={"gmail.com": 5})
    await send(sqlite_db, sink, lease, rules=rules, desk=desk, go_on=lambda: asyncio.get_running_loop().time() < until)
    rows = await the_rows(sqlite_db)
    waiting = [r for r in rows if r.state == "pending"]
    assert domains(sink)["other.org"] == 5
    assert 3 <= domains(sink)["gmail.com"] <= 9
    assert len(waiting) == 30 - domains(sink)["gmail.com"]
    assert {r.fence for r in waiting} == {1}, "claimed and put aside once"
    async with sqlite_db.write() as tx:
        (throttle,) = await load_throttles(tx)
        assert await parked_counts(tx) == {throttle.id: len(waiting)}
        assert await claim(tx, waiting[0].lane_id, lease.id, 100, NOW) == [], "no claim comes by them"
        assert len(await claim(tx, waiting[0].lane_id, lease.id, 2, NOW, throttle.id)) == 2


async def test_a_rate_that_is_taken_away_lets_all_go(db: Database) -> None:
    lease = await crowd(db, {"gmail.com": 20})
    sink = Sink()
    slow = SendingRules(BASE, domain_rates={"gmail.com": 0.01})
    await send(db, sink, lease, rules=slow, desk=Desk())
    assert domains(sink)["gmail.com"] == 1
    await send(db, sink, lease, desk=Desk())
    assert domains(sink)["gmail.com"] == 20


async def test_a_domain_that_complains_repeatedly_slows_by_itself_and_opens_again(db: Database) -> None:
    lease = await crowd(db, {"gmail.com": 40, "other.org": 40})
    sink, desk = Sink(by_domain({"gmail.com": MUCH})), Desk()
    stop = asyncio.get_running_loop().time() + 0.5
    await send(db, sink, lease, rules=ONE, desk=desk, go_on=lambda: asyncio.get_running_loop().time() < stop or domains(sink)["other.org"] < 40)
    async with db.read() as tx:
        (gmail,) = [t for t in await load_throttles(tx) if t.name == "domain:gmail.com"]
        assert not [t for t in await load_throttles(tx) if t.name.startswith("relay:")]
    assert gmail.state.rate is not None
    assert "unusual rate" in gmail.state.reason
    assert domains(sink)["other.org"] == 40, "nobody else is slowed"
    assert desk.pace.limit is None
    tried = domains(sink)["gmail.com"]
    assert 3 <= tried < 20
    assert all(r.attempts == 0 for r in await the_rows(db) if r.state != "accepted"), "asking for less burns no try"
    sink.answer = says(250, "ok")
    await send(db, sink, lease, desk=desk, now=NOW + timedelta(minutes=11))
    assert {r.state for r in await the_rows(db)} == {"accepted"}


async def test_two_complaints_of_a_domain_mean_nothing_yet(db: Database) -> None:
    lease = await crowd(db, {"gmail.com": 2, "other.org": 3})
    sink = Sink(by_domain({"gmail.com": MUCH}))
    await send(db, sink, lease)
    async with db.read() as tx:
        assert await load_throttles(tx) == []


async def test_an_acceptance_between_complaints_begins_the_count_anew(sqlite_db: Database) -> None:
    lease = await crowd(sqlite_db, {"gmail.com": 12})
    answers = [MUCH, MUCH, says(250, "ok")] * 4
    await send(sqlite_db, Sink(in_turn(answers)), lease, rules=ONE)
    async with sqlite_db.read() as tx:
        assert await load_throttles(tx) == []


@pytest.mark.parametrize("refuses", [says(550, "unauthenticated", enhanced="5.7.26"), says(530, "Authentication required", phase=Phase.MAIL)])
async def test_an_acceptance_between_refusals_begins_the_count_anew(sqlite_db: Database, refuses: Callable[[Envelope], Reply]) -> None:
    lease = await crowd(sqlite_db, {"gmail.com": 12})
    await send(sqlite_db, Sink(in_turn([refuses, refuses, says(250, "ok")] * 4)), lease, rules=ONE)
    assert Counter(r.state for r in await the_rows(sqlite_db)) == {"deferred": 8, "accepted": 4}
    async with sqlite_db.read() as tx:
        assert await load_throttles(tx) == []


async def test_a_relay_that_asks_for_less_is_slowed_for_every_worker(db: Database) -> None:
    lease = await crowd(db, {"other.org": 21})
    async with db.write() as tx:
        other = await enlist(tx, "f", NOW)
    answers = [says(250, "ok")] * 20 + [says(454, "Throttling failure: Maximum sending rate exceeded.")]
    await send(db, Sink(in_turn(answers)), lease, rules=ONE)
    async with db.read() as tx:
        (stored,) = await load_throttles(tx)
    assert (stored.name, stored.state.slowed_at) == ("relay:sink", NOW)
    desk = Desk()
    await send(db, Sink(), other, rules=SendingRules(BASE, relays=("sink",)), desk=desk)
    assert stored.state.rate is not None
    assert desk.pace.limit is not None
    assert abs(desk.pace.limit - stored.state.rate / 2) < 1e-6, "two workers share it"
    later = Desk()
    await send(db, Sink(), other, rules=SendingRules(BASE, relays=("sink",)), desk=later, now=NOW + timedelta(minutes=11))
    assert later.pace.limit is None, "open again"


async def test_the_relay_that_takes_over_has_a_rate_of_its_own(db: Database) -> None:
    lease = await crowd(db, {"other.org": 60})
    async with db.write() as tx:
        for relay, rate in (("first", 2.0), ("second", 30.0)):
            await change_throttle(tx, f"relay:{relay}", lambda before, rate=rate: slowed(before, rate, "slow down", NOW))  # type: ignore[misc]
    loop, desk, used = asyncio.get_running_loop(), Desk(), "first"
    rules = SendingRules(BASE, relays=("first", "second", "third"), in_use=lambda: used)
    begun = loop.time()
    slow, quick, open_ = Sink(), Sink(), Sink()
    await send(db, slow, lease, rules=rules, desk=desk, go_on=lambda: loop.time() - begun < 0.5)
    assert (len(slow.letters), desk.pace.limit) == (1, 1.0)
    used, begun = "second", loop.time()
    await send(db, quick, lease, rules=rules, desk=desk, go_on=lambda: loop.time() - begun < 0.5)
    assert (5 <= len(quick.letters) <= 9, desk.pace.limit) == (True, 15.0), len(quick.letters)
    used = "third"
    await send(db, open_, lease, rules=rules, desk=desk)
    assert (len(slow.letters) + len(quick.letters) + len(open_.letters), desk.pace.limit) == (60, None)


async def test_letters_of_a_slow_domain_do_not_keep_their_peoples_places_for_ever(db: Database) -> None:
    lease = await crowd(db, {"gmail.com": 3}, closes=NOW + timedelta(hours=2))
    slow = SendingRules(BASE, domain_rates={"gmail.com": 0.01})
    await send(db, Sink(), lease, rules=slow)
    assert (await sweep_stopped_lanes(db, Desk(), NOW)).counts.total() == 0
    swept = await sweep_stopped_lanes(db, Desk(), NOW + timedelta(hours=2))
    assert swept.counts["moved"] + swept.counts["missed"] == 2


async def test_a_confirmation_waits_for_no_domain(db: Database) -> None:
    lease = await crowd(db, {"gmail.com": 5})
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    (person,) = await add_people(db, "new@gmail.com")
    async with db.write() as tx:
        await plan_rows(tx, [planned(receipt, person, closes=None)])
    sink = Sink()
    await send(db, sink, lease, rules=SendingRules(BASE, domain_rates={"gmail.com": 0.01}))
    assert sink.letters[0].recipient == "new@gmail.com"
    assert len(sink.letters) == 2, "and of the others one"


async def test_another_relay_takes_over_from_one_that_refuses_the_sender(db: Database, smtp_sinks: SinkMaker) -> None:
    first, second = smtp_sinks(), smtp_sinks()
    first.script("mail", "550 5.7.1 Sender address rejected: not owned by user")
    lease = await crowd(db, {"other.org": 12})
    relay = SmtpRelay(f"{first.url} {second.url}", connections=1)
    rules = SendingRules(BASE, connections=1, in_flight=2, relays=relay.names, avoid=relay.avoid)
    desk = Desk()
    await send(db, relay, lease, rules=rules, desk=desk)
    states = Counter(r.state for r in await the_rows(db))
    assert 3 <= states["deferred"] <= 5
    assert states["accepted"] == len(second.letters) == 12 - states["deferred"]
    async with db.read() as tx:
        assert await notices(tx) == {}, "no lane stands still"
        assert (await load_workspace(tx)).halted is None
    assert not desk.gate.closed
    first.clear()
    await send(db, relay, lease, rules=rules, desk=desk, now=NOW + timedelta(minutes=20))
    assert len(first.letters) == states["deferred"], "after its rest it is the preferred one again"
    await relay.close()


async def test_resume_tries_at_once_what_rests(db: Database) -> None:
    lease = await crowd(db, {"other.org": 9})
    sink = Sink(says(535, "bad password", enhanced="5.7.8", phase=Phase.AUTH))
    await send(db, sink, lease, rules=ONE)
    sink.answer = says(250, "ok")
    await send(db, sink, lease, rules=ONE, now=NOW + MINUTE)
    assert domains(sink)["other.org"] < 7
    async with db.write() as tx:
        assert await open_throttles(tx) == ["relay:sink"]
    await send(db, sink, lease, rules=ONE, now=NOW + MINUTE)
    assert {r.state for r in await the_rows(db)} == {"accepted", "deferred"}, "those refused wait for their own next try"
    await send(db, sink, lease, rules=ONE, now=NOW + 20 * MINUTE)
    assert {r.state for r in await the_rows(db)} == {"accepted"}


async def test_the_warm_up_bounds_each_day_exactly(db: Database) -> None:
    lease = await crowd(db, {"other.org": 60})
    plan, days = WarmUp(NOW.date(), 8, 2.0, 100), []
    for day in range(4):
        sink, at = Sink(), NOW + timedelta(days=day)
        async with db.write() as tx:
            mine = await enlist(tx, f"w{day}", at)
        rules = SendingRules(BASE, warm_up=plan, in_flight=4)
        await asyncio.gather(send(db, sink, lease, rules=rules, now=at), send(db, sink, mine, rules=rules, now=at))
        await send(db, sink, lease, rules=rules, now=at + timedelta(hours=3))
        days.append(len(sink.letters))
    assert days == [8, 16, 32, 4]


async def test_before_the_warm_up_only_service_letters_leave_and_they_count(db: Database) -> None:
    lease = await crowd(db, {"other.org": 5})
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    (person,) = await add_people(db, "new@example.com")
    async with db.write() as tx:
        await plan_rows(tx, [planned(receipt, person, closes=None)])
    sink, plan = Sink(), WarmUp(NOW.date() + timedelta(days=1), 3)
    await send(db, sink, lease, rules=SendingRules(BASE, warm_up=plan))
    assert domains(sink) == {"example.com": 1}
    await set_row(db, (await the_rows(db))[-1].id, accepted_at=NOW + timedelta(days=1))
    await send(db, sink, lease, rules=SendingRules(BASE, warm_up=plan), now=NOW + timedelta(days=1))
    assert domains(sink) == {"example.com": 1, "other.org": 2}


async def test_letters_behind_a_full_day_go_to_their_next_window(db: Database) -> None:
    lease = await crowd(db, {"other.org": 5}, closes=NOW + timedelta(hours=2))
    plan = WarmUp(NOW.date(), 2)
    await send(db, Sink(), lease, rules=SendingRules(BASE, warm_up=plan))
    late = NOW + timedelta(hours=2)
    assert (await sweep_stopped_lanes(db, Desk(), late, plan)).counts["moved"] == 3
    assert (await sweep_stopped_lanes(db, Desk(), late, None)).counts.total() == 0


async def test_what_two_workers_write_at_once_is_one_halving(db: Database) -> None:
    def half(before: Throttle) -> Throttle:
        return slowed(before, 100, "slow down", NOW)

    async def write() -> None:
        async with db.write() as tx:
            await change_throttle(tx, "relay:x", half)

    await asyncio.gather(*(write() for _ in range(4)))
    async with db.read() as tx:
        (stored,) = await load_throttles(tx)
    assert stored.state.rate == 50

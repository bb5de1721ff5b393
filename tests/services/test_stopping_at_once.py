"""Pause, cancel and halt in the middle of a running send: the flag's commit is the end, and all figures come from rows."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from nurture.domain.documents import Campaign
from nurture.mail.relay import SmtpRelay
from nurture.services.sending import SendingRules
from nurture.services.steering import cancel, pause
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.outbox import plan_rows
from nurture.store.workers import enlist
from nurture.store.workspace import halt
from nurture.store.workspace import resume as go_on
from tests.support.outbox_rows import add_letter, planned, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import BASE, prepare, send
from tests.support.smtp import SmtpSink

PEOPLE = 60
WEEKLY = {
    "campaign": "weekly", "segment": "all", "schedule": {"weekly": "tue"},
    "letter": {"id": "one", "kind": "news", "subject": "s", "body": "b"},
}  # fmt: skip
Stop = Callable[[Database], Awaitable[Any]]


async def halting(db: Database) -> None:
    async with db.write() as tx:
        await halt(tx, "by hand")


STOPS: dict[str, Stop] = {
    "pause": lambda db: pause(db, "campaign", "weekly", NOW), "cancel": lambda db: cancel(db, "weekly", NOW), "halt": halting,
}  # fmt: skip
HANDED = ("sending", "accepted")


async def begin(db: Database, relay: SmtpRelay) -> "asyncio.Task[Any]":
    """A campaign under way, at a hundred letters a second over two sessions."""
    lease, _, _ = await prepare(db, 0)
    letter = await add_letter(db, "weekly/one", lane="campaign:weekly")
    people = await add_people(db, *(f"c{n}@example.com" for n in range(PEOPLE)), timezone="Europe/Berlin")
    async with db.write() as tx:
        await save_document(tx, Campaign.model_validate(WEEKLY), "running", NOW)
        await plan_rows(tx, [planned(letter, person, closes=None) for person in people])
    rules = SendingRules(BASE, rate=100, connections=2, in_flight=6)
    return asyncio.create_task(send(db, relay, lease, rules=rules))


async def reached(sink: SmtpSink, letters: int) -> None:
    async with asyncio.timeout(20):
        while len(sink.at_dot) < letters:  # noqa: ASYNC110 - the sink lives in a thread of its own
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("how", STOPS)
async def test_nothing_leaves_after_the_flag_but_what_was_handed_over(db: Database, smtp_sink: SmtpSink, how: str) -> None:
    relay = SmtpRelay(smtp_sink.url, connections=2)
    sending = await begin(db, relay)
    await reached(smtp_sink, 10)
    stopping = asyncio.create_task(STOPS[how](db))
    await flagged(db, how)
    handed = {row.id for row in await the_rows(db) if row.state in HANDED}
    await asyncio.gather(stopping, sending)
    await relay.close()
    rows = {row.id: row for row in await the_rows(db)}
    accepted = {i for i, row in rows.items() if row.state == "accepted"}
    assert accepted <= handed, "no intent after the flag"
    assert len(smtp_sink.letters) == len(accepted), "what arrived is what the rows say, one for one"
    assert 10 <= len(accepted) < PEOPLE - 10, "in the middle of it"
    left = Counter((row.state, row.outcome) for i, row in rows.items() if i not in accepted)
    expected = {"pause": ("cancelled", "paused"), "cancel": ("cancelled", "cancelled"), "halt": ("pending", None)}[how]
    assert left == {expected: PEOPLE - len(accepted)}, "every other row has followed"


async def flagged(db: Database, how: str) -> None:
    """Return once the flag is committed."""
    question = "SELECT count(*) FROM workspace WHERE halted IS NOT NULL" if how == "halt" else "SELECT count(*) FROM lanes WHERE flag <> 'running'"
    async with asyncio.timeout(20):
        while True:
            async with db.read() as tx:
                if (await tx.execute(text(question))).scalar_one():
                    break
            await asyncio.sleep(0.001)
    if not db.sqlite:
        await asyncio.sleep(0.05)  # an intent that was being written at that very moment counts as before it


async def test_after_a_halt_the_rest_leaves_once(sqlite_db: Database, smtp_sink: SmtpSink) -> None:
    relay = SmtpRelay(smtp_sink.url, connections=2)
    sending = await begin(sqlite_db, relay)
    await reached(smtp_sink, 5)
    await halting(sqlite_db)
    await sending
    async with sqlite_db.write() as tx:
        assert await go_on(tx) == "by hand"
        lease = await enlist(tx, "again", NOW)
    await send(sqlite_db, relay, lease)
    assert sorted(smtp_sink.count().values()) == [1] * PEOPLE, "everybody once"
    await relay.close()

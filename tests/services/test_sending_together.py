"""Several senders over one outbox: two processes that share nothing but the database, and a receipt among a full outbox."""

import asyncio
import json
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

from nurture.services.sending import SendingRules
from nurture.store.database import Database
from nurture.store.outbox import plan_rows
from nurture.store.workers import enlist
from tests.support.full_outbox import fill
from tests.support.outbox_rows import add_letter, planned, the_rows
from tests.support.people import NOW, add_people
from tests.support.sending import BASE, Sink, send
from tests.support.smtp import SmtpSink

LETTERS = 1_000  # a process claims up to 512 at once


async def test_two_processes_send_each_letter_once(db: Database, db_url: str, smtp_sink: SmtpSink) -> None:
    """No letter twice, none left behind, and neither process gives up because the other holds the database."""
    await fill(db, LETTERS, 200, datetime.now(UTC))
    told = json.dumps({"database": db_url, "smtp": smtp_sink.url, "connections": 2, "in_flight": 64})
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    senders = [await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.support.one_sender", told, **pipes) for _ in range(2)]
    for sender in senders:
        assert sender.stdout is not None
        assert (await sender.stdout.readline()).strip() == b"ready"
    said = await asyncio.gather(*[sender.communicate(b"\n") for sender in senders])
    assert [sender.returncode for sender in senders] == [0, 0], said
    assert min(json.loads(out)["accepted"] for out, _ in said) > 0, "both had their part"
    assert Counter(letter.recipient for letter in smtp_sink.letters) == Counter(f"p{n}@example.com" for n in range(LETTERS))
    assert {(r.state, r.attempts, r.worker_id) for r in await the_rows(db)} == {("accepted", 1, None)}


async def test_a_receipt_leaves_while_a_full_outbox_is_sent(db: Database) -> None:
    """The hand for service letters takes its turn at the database between two steps of the other one."""
    await fill(db, 2_000, 200, NOW)
    (anna,) = await add_people(db, "anna@example.com")
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    async with db.write() as tx:
        lease, other = await enlist(tx, "others", NOW), await enlist(tx, "service", NOW)
    others, services = Sink(), Sink()

    async def keeps_asking() -> None:
        while not services.letters:
            await send(db, services, other, rules=SendingRules(BASE, lanes="service", connections=1, in_flight=16))
            await asyncio.sleep(0.01)

    asking = asyncio.create_task(keeps_asking())
    sending = asyncio.create_task(send(db, others, lease, rules=SendingRules(BASE, lanes="others"), now=NOW + timedelta(minutes=1)))
    while len(others.letters) < 100:  # noqa: ASYNC110 - the sink tells nobody
        await asyncio.sleep(0.005)
    async with db.write() as tx:
        await plan_rows(tx, [planned(receipt, anna, closes=None)])
    await asking
    assert len(others.letters) < 1_200, "it did not wait for the outbox"
    assert (await sending).accepted == 2_000


"""A cleanup outside in, on both databases: YAML -> a real SMTP server -> a click, a leaving, silence -> archived -> back by one's own press."""

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select, update

from api.app import create_app
from nurture.bootstrap import open_app
from nurture.definitions.loading import load_text
from nurture.domain.words import Status
from nurture.services.cleaning import begin, result
from nurture.services.defining import apply
from nurture.services.leaving import leave
from nurture.services.sending import SendingRules, send_due
from nurture.settings import Settings
from nurture.store.tables import Standing, Subscriber
from nurture.store.workers import enlist
from tests.support.cleaning import asleep, sweep
from tests.support.people import add_people
from tests.support.programme import add_event
from tests.support.smtp import SmtpSink

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = "http://nurture.test"
FILES = """
policy: default
sender: {name: Anna, address: anna@example.com}
postal_address: 1 Main Street, Town
cost_per_thousand: 2.5
---
cleanup: spring
closing: {id: closing, kind: about, subject: We close your subscription, body: "If that is fine, do nothing."}
offers:
  - {id: day-1, kind: sales, subject: The best, call_to_action: "https://example.com/1", body: "Look at [this](https://example.com/1)."}
  - {id: day-2, kind: sales, subject: The last, call_to_action: "https://example.com/2", body: "And at [this](https://example.com/2)."}
"""


def text_of(raw: bytes) -> str:
    part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    assert part is not None
    return part.get_content()


async def test_a_cleanup_from_the_file_to_the_archive_and_back(db_url: str, tmp_path: Path, smtp_sink: SmtpSink) -> None:
    clock = [MONDAY + timedelta(hours=9)]
    settings = Settings(data_dir=tmp_path, database_url=db_url, smtp_url=smtp_sink.url, base_url=BASE, secret_key="a long secret for the journey")
    async with open_app(settings, lambda: clock[0]) as app:
        loaded = load_text(FILES)
        assert not loaded.errors, loaded.errors
        await apply(app.db, loaded.documents, clock[0], templates=app.templates)
        people = await add_people(app.db, *[f"p{n}@example.com" for n in range(10)], now=MONDAY - 900 * DAY)
        async with app.db.write() as tx:
            await tx.execute(update(Standing).values(asleep(MONDAY)))
            lease = await enlist(tx, "journey", clock[0])
        await begin(app.db, "spring", clock[0])

        async def live(days: int) -> None:
            for _ in range(days):
                await sweep(app.db, clock[0])
                clock[0] += timedelta(hours=2, minutes=55)  # in the last minutes of the window
                await send_due(app.db, app.relay, lease, SendingRules(BASE), app.keys, app.clock)
                await sweep(app.db, clock[0])
                clock[0] += DAY - timedelta(hours=2, minutes=55)

        await live(1)
        first = {letter.recipient for letter in smtp_sink.letters}
        assert len(first) == 5, "the canary is half of the nine"
        clicker, leaver, *_ = sorted(first)
        ids = {f"p{n}@example.com": person for n, person in enumerate(people)}
        await add_event(app.db, ids[clicker], "clicked", clock[0] - timedelta(hours=12))
        await leave(app.db, ids[leaver], delivery_id=None, now=clock[0] - timedelta(hours=12), how="leave-page")
        await live(5)
        assert len(smtp_sink.to(clicker)) == len(smtp_sink.to(leaver)) == 1
        offer = text_of(smtp_sink.letters[0].raw)
        assert "Not interested? Leave these letters" in offer
        assert f"{BASE}/u/" in offer
        await live(16)
        sheet = await result(app.db, "spring", clock[0])
        assert (sheet.state, sheet.people) == ("finished", 10)
        assert {word: n for word, n in sheet.table["all"].items() if n} == {"revived": 1, "left": 1, "silent": 8}
        archived = sorted(ids.items())
        async with app.db.read() as tx:
            gone = set((await tx.execute(select(Subscriber.email).where(Subscriber.status == Status.ARCHIVED))).scalars())
        assert len(gone) == 7, "the silent, but not the one who was held out"
        assert all(len(smtp_sink.to(address)) == 3 for address in gone)
        address = min(gone)
        closing = text_of(smtp_sink.to(address)[-1].raw)
        assert "Yes, keep my subscription" in closing
        link = re.search(rf"{BASE}(/stay/[A-Za-z0-9_-]{{44}})", closing)
        assert link is not None
        transport = httpx2.ASGITransport(app=create_app(app), client=("203.0.113.9", 4711))
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as browser:
            assert (await browser.get(link[1])).status_code == 200
            assert await status_of(app, address) == Status.ARCHIVED, "to open the page changes nothing"
            assert (await browser.post(link[1])).status_code == 200
            assert (await browser.post("/stay/" + "x" * 44)).status_code == 404
        assert await status_of(app, address) == Status.SUBSCRIBED
        assert archived


async def status_of(app: object, address: str) -> str:
    async with app.db.read() as tx:  # type: ignore[attr-defined]
        return (await tx.execute(select(Subscriber.status).where(Subscriber.email == address))).scalar_one()


pytestmark = pytest.mark.timeout(300)

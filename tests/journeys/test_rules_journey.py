"""A click in an offer makes a reader hot; a rule tags them, sets a task, tells another system and takes them into a sequence; then the
verdict falls, and all of it is taken back.

The real application, jobs and databases, captured letters, a real receiver of webhooks; only the clock is the test's.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from nurture.bootstrap import open_app
from nurture.definitions.loading import load_text
from nurture.mail.capture import read_captured
from nurture.queue.embedded import EmbeddedBell
from nurture.services.defining import apply
from nurture.services.enrolling import enrol
from nurture.services.explaining import story, why
from nurture.services.reaping import Watcher
from nurture.settings import Settings
from nurture.worker import ClockWatch, Hand, Work, steady_clock
from tests.api.conftest import CHROME, Clock
from tests.support.people import add_people
from tests.support.programme import rows_of
from tests.support.receiver import Receiver, receiver
from tests.support.rules import tags, tasks, ways

FILES = """
policy: default
sender: {name: Anna, address: anna@example.com}
postal_address: 1 Main Street, Town
mix: none
---
sequence: offers
mix: none
letters:
  - id: offer
    kind: sales
    window: any
    subject: "{{ first_name | default('Hello') }}, the offer"
    call_to_action: https://example.com/offer
    body: |
      [The offer](https://example.com/offer)

      Or [this](https://example.com/this), or [that](https://example.com/that).
---
sequence: seller
letters: [{id: call, kind: useful, window: any, subject: A word, body: Hello}]
---
rule: hot
when: {moved: temperature, to: hot}
if: {not: {in_sequence: seller}}
then: [{tag: hot}, {task: "Call {{ name }}"}, {enter: seller}, {webhook: "%s"}]
---
rule: looked
when: {did: clicked, kind: sales, link: "https://example.com/offer"}
then: [{tag: looked}]
"""


class House:
    """The open application, its jobs, and a browser."""

    def __init__(self, app: Any, api: Any, client: httpx2.AsyncClient, clock: Clock) -> None:
        self.app, self.api, self.client, self.clock, self.stop = app, api, client, clock, asyncio.Event()

    async def sweep(self, **later: float) -> None:
        """Time passes; then the jobs run as the worker runs them."""
        self.clock.forward(**later)
        watch = ClockWatch(self.clock(), steady_clock())
        work = Work(self.app, self.stop, EmbeddedBell(), Watcher(self.app.settings.lease_silence), watch, None)
        await work.plan()
        await work.call()

    async def send(self) -> None:
        hand = Hand(self.app, "others", self.stop, ClockWatch(self.clock(), steady_clock()))
        await hand.send()
        await hand.retire()

    async def click(self, delivery: int, *numbers: int) -> None:
        raw = read_captured(self.app.settings.data_dir / "captured", delivery)
        assert raw
        found = re.search(rb"/c/([A-Za-z0-9_=\r\n-]+?)/\d", raw)
        assert found
        token = re.sub(r"=\r\n", "", found[1].decode()).removeprefix("=")
        for number in numbers:
            answer = await self.client.get(f"/c/{token}/{number}")
            assert answer.status_code in (302, 303, 307), answer.text
        await self.api.state.recorder.fold_now()


@pytest.fixture
def hook() -> Any:
    with receiver() as kept:
        yield kept


@pytest.fixture
async def house(db_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = Clock()
    settings = Settings(data_dir=tmp_path / "data", database_url=db_url, secret_key="a secret of the tests", webhooks_to_loopback=True)
    async with open_app(settings, clock) as app:
        api = create_app(app)
        transport = httpx2.ASGITransport(app=api, client=("203.0.113.9", 4711))
        async with api.router.lifespan_context(api), httpx2.AsyncClient(transport=transport, base_url="http://n.test", headers={"User-Agent": CHROME}) as client:
            yield House(app, api, client, clock)


async def test_from_a_click_to_a_call_and_back_when_it_was_a_machine(house: House, hook: Receiver) -> None:
    db, clock = house.app.db, house.clock
    loaded = load_text(FILES % hook.url())
    assert not loaded.errors
    await apply(db, loaded.documents, clock(), templates=house.app.templates)
    (person,) = await add_people(db, "mia@example.com", name="Mia Berg")
    await enrol(db, "offers", [person], clock(), "hand")
    await house.sweep(minutes=1)
    ((clock.now,),) = await rows_of(db, "due_at")
    await house.send()
    assert [row[1] for row in await rows_of(db, "id", "state")] == ["accepted"]

    clock.forward(seconds=30)
    clicked = clock()
    await house.click((await rows_of(db, "id"))[0][0], 0)
    await house.sweep(seconds=30)
    assert await tags(db, person) == []
    await house.sweep(seconds=31)
    assert await tags(db, person) == ["looked"]
    await house.sweep(minutes=10)
    assert await tags(db, person) == ["hot", "looked"]
    assert [(t.text, t.state) for t in await tasks(db)] == [("Call Mia Berg", "open")]
    assert [way[:2] for way in await ways(db, person)] == [("hand", "done"), ("rule:hot", "active")]
    assert (await rows_of(db, "state"))[1:] == [("pending",)]
    assert "entered by rule hot: became hot (was cold)" in " ".join(w.reason for w in await why(db, person))
    assert [json.loads(body)["type"] for _, _, body in hook.got] == ["rule.acted"]

    later, clock.now = clock(), clicked
    clock.forward(milliseconds=600)
    await house.click((await rows_of(db, "id"))[0][0], 1, 2)  # came in then, but the machine that took these hits told of them only now
    clock.now = later
    await house.sweep(seconds=5)
    assert await tags(db, person) == []
    assert [(t.state, "the verdict fell" in str(t.ended_by)) for t in await tasks(db)] == [("cancelled", True)]
    assert [way[:2] for way in await ways(db, person)] == [("hand", "done"), ("rule:hot", "withdrawn")]
    assert (await rows_of(db, "state", "outcome"))[1:] == [("cancelled", "not_wanted")]
    assert [json.loads(body)["type"] for _, _, body in hook.got] == ["rule.acted", "rule.withdrawn"]
    assert [h.detail["state"] for h in await story(db, person) if h.what == "rule"].count("undone") == 2

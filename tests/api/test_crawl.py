"""Every link in every letter that comes with Nurture, and in the one that confirms, fetched fifty times as scanners do: nothing but events changes."""

import asyncio
import email
import email.policy
import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from nurture.definitions.loading import load_files
from nurture.domain.documents import Policy
from nurture.services.defining import apply
from nurture.services.sending import SendingRules, send_due
from nurture.store.documents import load_policy, save_document
from nurture.store.outbox import plan_rows
from nurture.store.tables import METADATA
from nurture.store.workers import enlist
from tests.api.conftest import House
from tests.support.outbox_rows import planned
from tests.support.people import add_people
from tests.support.sending import Sink

ROOT = Path(__file__).parents[2]
BASE = "http://nurture.test"
AGENTS = ("Barracuda Sentinel (EE)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Mozilla/5.0", "curl/8.5.0", "")
FORM = {"site": {"title": "Letters about roofs", "text": "Two letters a week."}}
TIMES = 50


async def letters_to(house: House) -> list[bytes]:
    """All shipped letters, each to somebody, and the letter that asks another whether they want any."""
    loaded = load_files([ROOT / "sequences"])
    db, now = house.app.db, house.clock()
    await apply(db, loaded.documents, now, templates=house.app.templates)
    async with db.write() as tx:
        forms = Policy.model_validate({"policy": "default", "forms": FORM}).forms
        await save_document(tx, (await load_policy(tx)).model_copy(update={"forms": forms}), "live", now)
    assert (await house.client.post("/subscribe/site", data={"email": "mia@example.org"})).status_code == 200
    letters, lanes = METADATA.tables["letters"], METADATA.tables["lanes"]
    async with db.write() as tx:
        [lane, *_] = [row.id for row in await tx.execute(select(lanes.c.id).where(lanes.c.name.like("sequence:%")))]
        await tx.execute(lanes.update().values(flag="running"))
        known = (await tx.execute(select(letters.c.id, letters.c.current_version_id, letters.c.kind).where(letters.c.kind != "service"))).all()
        rows = [{"letter_id": i, "version_id": v, "kind": k, "lane_id": lane, "occasion": "crawl"} for i, v, k in known]
    people = await add_people(db, *(f"p{n}@example.com" for n in range(len(rows))), first_name="Anna", timezone="Europe/Berlin")
    async with db.write() as tx:  # one each: nobody gets so many on one day
        await plan_rows(tx, [planned(row, person, due=now) for row, person in zip(rows, people, strict=True)])
        lease = await enlist(tx, "crawl", now)
    sink = Sink()
    await send_due(db, sink, lease, SendingRules(base_url=BASE), list(house.app.keys), house.clock)
    assert len(sink.letters) > len(known) * 0.9
    return [envelope.message for envelope in sink.letters]


def links_of(message: bytes) -> set[str]:
    """Every address of this service in it: in both parts, in attributes and in headers."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    said = [str(part.get_content()) for part in parsed.walk() if part.get_content_maintype() == "text"]
    told = [re.sub(r"\s", "", str(v)) for k, v in parsed.items() if k.lower().startswith("list-")]
    found = {html.unescape(u) for text in said + told for u in re.findall(r"https?://[^\s\"'<>)\]]+", text)}
    return {urlsplit(u)._replace(scheme="", netloc="").geturl().rstrip(".,") for u in found if u.startswith(BASE)}


async def everything(house: House, *but: str) -> dict[str, Any]:
    async with house.app.db.read() as tx:
        return {name: [tuple(r) for r in (await tx.execute(table.select())).all()] for name, table in METADATA.tables.items() if name not in but}


@pytest.fixture
async def house(small_house: House) -> House:
    return small_house  # on either database: test_public.py


@pytest.fixture
async def links(house: House) -> set[str]:
    found = set().union(*map(links_of, await letters_to(house)))
    kinds = {link.split("/")[1] for link in found}
    assert {"o", "c", "u", "preferences", "confirm"} <= kinds, kinds
    return found


async def test_looking_changes_nothing_but_events_and_a_post_does_what_it_says_twice_the_same(house: House, links: set[str]) -> None:
    await looking_fifty_times(house, links)
    await posting_twice(house, links)


async def looking_fifty_times(house: House, links: set[str]) -> None:
    await house.folded()
    before = await everything(house, "events")
    some: dict[str, list[str]] = {}
    for link in sorted(links):
        some.setdefault(link.split("/")[1], []).append(link)
    for among in some.values():  # one of each kind fifty times, each of the others once by either method
        calls = [house.client.request(m, among[0], headers={"User-Agent": AGENTS[n % len(AGENTS)]}) for n in range(TIMES) for m in ("GET", "HEAD")]
        calls += [house.client.request(m, link, headers={"User-Agent": AGENTS[0]}) for link in among[1:] for m in ("GET", "HEAD")]
        answers = await asyncio.gather(*calls)
        assert {a.status_code for a in answers} <= {200, 302}, [str(a.url) for a in answers if a.status_code not in (200, 302)]
        assert not any("set-cookie" in a.headers for a in answers)
    await house.folded()
    assert await everything(house, "events") == before
    assert len((await everything(house))["events"]) > 4 * TIMES


async def posting_twice(house: House, links: set[str]) -> None:
    """Leaving, whatever the body; confirming. Opens and clicks take no POST."""
    one = {link.split("/")[1]: link for link in sorted(links)}
    for kind in ("o", "c"):
        assert (await house.client.post(one[kind])).status_code in (404, 405)
    before = await everything(house, "events")
    for kind, status in (("preferences", None), ("confirm", "subscribed"), ("u", "unsubscribed")):
        states = []
        for body in ({}, {"List-Unsubscribe": "One-Click"}):
            answer = await house.client.post(one[kind], data=body)
            assert (answer.status_code, answer.headers.get("location")) == (200, None), (kind, answer.text)
            await house.folded()
            now = await everything(house, "events")
            states.append({name: now[name] for name in ("subscribers", "consents", "enrolments")})
        assert states[0] == states[1], kind
        if status is None:
            assert states[0]["subscribers"] == before["subscribers"]
        else:
            assert status in {cell for row in states[0]["subscribers"] for cell in row if isinstance(cell, str)}, kind


@pytest.mark.soak
async def test_fifty_of_every_single_link(house: House, links: set[str]) -> None:
    before = await everything(house, "events")
    for link in sorted(links):
        await asyncio.gather(*(house.client.request(m, link, headers={"User-Agent": AGENTS[n % len(AGENTS)]}) for n in range(TIMES) for m in ("GET", "HEAD")))
    await house.folded()
    assert await everything(house, "events") == before

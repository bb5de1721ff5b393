"""Every page in a real browser, on a phone and on a desk, in light and dark: nothing scrolls sideways, nothing complains, charts are seen."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage

from nurture.definitions.loading import load_text
from nurture.services.campaigning import open_occasions, start
from nurture.services.defining import apply
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.shipped import shipped
from nurture.store.database import Database
from nurture.store.workspace import ensure_workspace
from nurture.weekly import tidy_once
from tests.support.asked import ask_people
from tests.support.browser import CHARTS, SIDEWAYS, SIZES, at_a_port, in_the_browser, serving, shot
from tests.support.databases import sqlite_file
from tests.support.desk import open_desk
from tests.support.history import fill
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, rows_of

pytestmark = in_the_browser
PAGES = {
    "overview": "/", "letters": "/letters", "coming": "/letters?view=coming", "letter": "/letters/1", "people": "/people", "person": "/people/1",
    "sequences": "/sequences", "campaigns": "/campaigns", "campaign": "/campaigns/spring", "before": "/campaigns/spring/preflight", "draft": "/campaigns/new",
    "ahead": "/ahead", "pace": "/pace", "replies": "/replies", "hygiene": "/hygiene", "users": "/users", "audit": "/audit", "recommenders": "/recommenders",
    "questions": "/questions", "question": "/questions/biggest-problem", "quiz": "/questions/roof-check",
    "login": "/login?next=/people", "missing": "/people/999999",
}  # fmt: skip
CAMPAIGN = """segment: everybody
title: All readers
where: {all: []}
---
campaign: spring
title: The first warm weekend of the year
segment: everybody
holdout: 20%
letter:
  id: one
  kind: news
  subject: "{{ first_name | default('Hello') }}, spring is here, and so are we with everything that a garden may need"
  call_to_action: https://example.com/a/rather/long/address/that/does/not/break/anywhere/by/itself/spring-2026
  body: "Hello {{ first_name }}, [come and see](https://example.com/a/rather/long/address/that/does/not/break/anywhere/by/itself/spring-2026)"
variants:
  - subject: "{{ first_name | default('Hello') }}, the first warm weekend"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> AsyncIterator[str]:
    """A served dashboard over a small list with history, which every test of this file only reads."""
    folder = tmp_path_factory.mktemp("pages")
    async with sqlite_file(sqlite_template, folder) as db:
        await fill(db, people=30, weeks=12)
        await ask_people(db, NOW)
        await add_people(db, "mia.holm@gmail.com", "miaholm+roofs@gmail.com", "tom@gmial.com", name="Mia Holm", fields={"roof": "slate"}, now=NOW - timedelta(days=500))
        await a_campaign(db)
        with at_a_port(open_desk(db, folder / "data")) as (app, listener):
            await tidy_once(app)
            async with serving(app, listener) as address:
                yield address


async def a_campaign(db: Database) -> None:
    """One with variants and a holdout whose letters have gone, with some clicks."""
    now = NOW
    async with db.write() as tx:
        await ensure_workspace(tx, now, b"installation-id!")
    await apply(db, load_text(CAMPAIGN).documents, now, templates=shipped("templates"))
    await start(db, "spring", now - timedelta(days=4))
    await open_occasions(db, now - timedelta(days=4))
    await plan(db, now - timedelta(days=4))
    await end_row(db, now - timedelta(days=3))
    await fold(db, now)
    for delivery, person in (await rows_of(db, "id", "subscriber_id"))[-6:]:
        await add_event(db, person, "clicked", now - timedelta(days=2), delivery_id=delivery)
    await plan(db, now)


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("phone", "dark"), ("small", "light"), ("desk", "light"), ("desk", "dark")])
async def test_every_page_fits_and_shows_its_charts(address: str, chromium: Browser, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = await chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "404" not in message.text:
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    for name, path in PAGES.items():
        answer = await page.goto(address + path, wait_until="load")
        assert answer is not None
        assert answer.status == (404 if name == "missing" else 200), name
        assert await page.evaluate(SIDEWAYS) == [], f"{name} scrolls sideways at {width} px"
        drawn = await page.evaluate(CHARTS)
        assert all(w > 20 and h > 5 for w, h, _ in drawn), (name, drawn)
        if name == "overview":
            assert len(drawn) >= 8, drawn
        await shot(page, f"{name}-{size}-{scheme}")
    await context.close()
    assert not said, said


async def test_the_letter_stands_in_its_frame_and_its_links_do_nothing(address: str, chromium: Browser) -> None:
    page = await chromium.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{address}/letters/1", wait_until="networkidle")
    frame = next(f for f in page.frames if f.url.endswith("/preview"))
    assert "Hello" in await frame.inner_text("body")
    assert not [u for u in asked if not u.startswith(address)]
    await page.close()


async def test_the_tabs_and_filters_work_without_script(address: str, chromium: Browser) -> None:
    context = await chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(f"{address}/letters")
    await page.select_option("select[name=kind]", "sales")
    await page.click("button:has-text('Show')")
    assert "kind=sales" in page.url
    assert await page.locator("a.row .k-sales").count() == await page.locator("a.row").count() > 0
    await page.goto(f"{address}/people")
    await page.fill("input[name=q]", "Reader7 ")
    await page.click("button:has-text('Show')")
    assert await page.locator("a.row").count() == 1
    await context.close()

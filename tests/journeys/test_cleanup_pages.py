"""The pages of cleanups in a real browser: a draft is written by hand, the finished one is read and printed, on a phone and on a desk."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from nurture.services.cleaning import begin
from tests.support.browser import CHARTS, SIDEWAYS, SIZES, at_a_port, in_the_browser, serving, shot
from tests.support.cleaning import NOW, live, sleepers, spring
from tests.support.databases import sqlite_file
from tests.support.desk import open_desk
from tests.support.programme import add_event, install, letter

pytestmark = in_the_browser
DAY = timedelta(days=1)
PAGES = {"list": "/cleanups", "new": "/cleanups/new", "draft": "/cleanups/autumn", "start": "/cleanups/autumn/start", "sheet": "/cleanups/spring",
         "print": "/cleanups/spring/print"}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def address(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[str]:
    """One cleanup that is over, with answers of every sort, and one draft."""
    async with sqlite_file(sqlite_template, tmp_path) as db:
        await install(db, spring(1, title="Spring cleaning", silent="keep"), {**spring(), "cleanup": "autumn", "title": "Autumn cleaning", "closing": letter("closing", "about")})
        await sleepers(db, 60)
        await sleepers(db, 5, "buyer", tags=("customer",))
        await sleepers(db, 9, "active", engagement="active")
        await begin(db, "spring", NOW)
        sent = await live(db, NOW, NOW + DAY)
        for person, _, _ in sent[:7]:
            await add_event(db, person, "clicked", NOW + DAY)
        await live(db, NOW + DAY, NOW + 9 * DAY)
        with at_a_port(open_desk(db, tmp_path / "data", NOW + 200 * DAY)) as (app, listener):
            async with serving(app, listener) as address:
                yield address


async def test_every_page_fits_and_a_draft_is_written_by_hand(address: str, chromium: Browser) -> None:
    for size in ("phone", "desk"):
        width, height = SIZES[size]
        context = await chromium.new_context(viewport={"width": width, "height": height}, java_script_enabled=True)
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda m, said=said: said.append(m.text) if m.type in ("error", "warning") else None)
        for name, path in PAGES.items():
            answer = await page.goto(address + path, wait_until="load")
            assert answer is not None
            assert answer.status == 200, name
            assert await page.evaluate(SIDEWAYS) == [], f"{name} scrolls sideways at {width} px"
            drawn = await page.evaluate(CHARTS)
            assert all(w > 20 and h > 5 for w, h, _ in drawn), (name, drawn)
            assert len(drawn) >= {"sheet": 4, "print": 2, "draft": 1}.get(name, 0), name
            await shot(page, f"cleanup-{name}-{size}")
        assert not said, said
        await context.close()
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(address + "/cleanups")
    await page.click("text=Write a cleanup")
    await page.fill("#title", "Winter cleaning")
    await page.fill("#s1", "The best we have")
    await page.fill("#b1", "Look at this, please.")
    await page.click("button:has-text('Keep the draft')")
    assert page.url == f"{address}/cleanups/winter-cleaning"
    await page.click("a:has-text('Start')")
    await page.click("button:has-text('Start')")
    assert "watched for a day" in await page.inner_text("main")
    await context.close()

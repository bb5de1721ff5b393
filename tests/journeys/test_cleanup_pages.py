"""The pages of cleanups in a real browser: a draft is written by hand, the finished one is read and printed, on a phone and on a desk."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser

from api.app import create_app
from nurture.services.cleaning import begin
from nurture.store.database import Database
from tests.journeys.test_pages import CHARTS, SIDEWAYS, chromium
from tests.support.cleaning import NOW, live, sleepers, spring
from tests.support.desk import open_desk
from tests.support.programme import add_event, install, letter

__all__ = ["chromium"]
pytestmark = pytest.mark.browser
DAY = timedelta(days=1)
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
PAGES = {"list": "/cleanups", "new": "/cleanups/new", "draft": "/cleanups/autumn", "start": "/cleanups/autumn/start", "sheet": "/cleanups/spring",
         "print": "/cleanups/spring/print"}  # fmt: skip


@pytest.fixture
async def address(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[str]:
    """One cleanup that is over, with answers of every sort, and one draft."""
    await install(sqlite_db, spring(1, title="Spring cleaning", silent="keep"), {**spring(), "cleanup": "autumn", "title": "Autumn cleaning", "closing": letter("closing", "about")})
    people = await sleepers(sqlite_db, 60)
    await sleepers(sqlite_db, 5, "buyer", tags=("customer",))
    await sleepers(sqlite_db, 9, "active", engagement="active")
    await begin(sqlite_db, "spring", NOW)
    sent = await live(sqlite_db, NOW, NOW + DAY)
    for person, _, _ in sent[:7]:
        await add_event(sqlite_db, person, "clicked", NOW + DAY)
    await live(sqlite_db, NOW + DAY, NOW + 9 * DAY)
    app = open_desk(sqlite_db, tmp_path / "data", NOW + 200 * DAY)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = app.settings.model_copy(update={"base_url": address})
        config = uvicorn.Config(create_app(replace(app, settings=settings), demo=True), log_level="warning", lifespan="on")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag to look at, no event to wait for
            await asyncio.sleep(0.02)
        yield address
        server.should_exit = True
        await serving
    assert people


async def test_every_page_fits_and_a_draft_is_written_by_hand(address: str, chromium: Browser) -> None:
    shots = os.environ.get("NURTURE_TEST_SHOTS")
    for size, (width, height) in SIZES.items():
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
            if shots:
                await page.screenshot(path=f"{shots}/cleanup-{name}-{size}.png", full_page=True)
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

"""A reader's own pages and the archive in a real browser: phone and desk, with script and without; a hostile letter can do nothing."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from nurture.bootstrap import App
from nurture.definitions.loading import load_text
from nurture.domain.tokens import Purpose, Token, sign
from nurture.services.defining import apply
from nurture.services.publishing import publish
from nurture.store.documents import letter_catalogue
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace
from tests.support.browser import SIDEWAYS, SIZES, at_a_port, in_the_browser, serving, shot
from tests.support.databases import sqlite_file
from tests.support.desk import open_desk
from tests.support.ledger import add_delivery, rows_of
from tests.support.people import NOW, add_people

pytestmark = in_the_browser
SCHOOL = """
policy: default
sender: {name: Anna Roof, address: anna@example.com}
postal_address: 12 Slate Lane, 10115 Berlin
topics: {roofs: Roof letters, walls: Wall letters}
forms: {site: {title: Letters about roofs, text: Two letters a week with what roofers know., topics: [roofs, walls], ask: [first_name, tracking]}}
recommend: {form: site}
---
sequence: school
letters:
  - {id: five, kind: useful, subject: "{{ first_name | default('Hello') }}, five questions before you buy a roof", preheader: Ten minutes now, archive: true, template: letters/recipe}
  - {id: bad, kind: useful, subject: A very unusually long title of a letter about Dampfschifffahrtsgesellschaftsdachdeckermeister, archive: true, body: "Words"}
"""
HOSTILE = """<html><head><title>x</title><script>top.hurt = 1</script></head><body onload="top.hurt=2"><p>Words</p><img src="x" onerror="parent.hurt=3">
<svg onload="top.hurt=4"></svg><iframe src="/people"></iframe><a id="a" href="javascript:top.hurt=5">tap</a><form action="/logout" method="post"><button id="b">go</button></form>
<style>@import url(/people); p { color: red }</style><meta http-equiv="refresh" content="0; url=/people"><a id="ok" href="https://example.com/a">on</a> 12 Slate Lane, 10115 Berlin</body></html>"""


@dataclass
class Served:
    app: App
    address: str
    paths: dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def served(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Served]:
    """The pages over a small list; whoever calls from this machine is signed in to the dashboard, as the most that could be stolen."""
    async with sqlite_file(sqlite_template, tmp_path) as db:
        with at_a_port(open_desk(db, tmp_path / "data")) as (app, listener):
            paths = await settled(app)
            async with serving(app, listener) as address:
                yield Served(app, address, paths)


async def settled(app: App) -> dict[str, str]:
    """A reader with two letters, one of them hostile, both in the archive; the paths of her pages."""
    async with app.db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    await apply(app.db, load_text(SCHOOL, "school.yaml").documents, NOW, templates=app.templates)
    [mia] = await add_people(app.db, "mia@example.org", name="Mia Fir", first_name="Mia", fields={"town": "Ulm"}, tags=("roof",))
    async with app.db.read() as tx:
        letters = await letter_catalogue(tx)
    versions = METADATA.tables["letter_versions"]
    async with app.db.write() as tx:
        row = (await tx.execute(versions.select().where(versions.c.id == letters["school/bad"].version_id))).mappings().one()
        await tx.execute(versions.update().where(versions.c.id == row["id"]).values(content=row["content"] | {"html": HOSTILE}))
    tokens = {}
    for name in ("five", "bad"):
        letter = letters[f"school/{name}"]
        delivery = await add_delivery(app.db, mia, (letter.id, letter.version_id))
        tokens[name] = {p: sign(Token(p, delivery, mia, letter.version_id), app.keys[0]) for p in Purpose}
    assert await publish(app.db, NOW, app.settings.base_url) == 2
    five = tokens["five"]
    return {
        "form": "/subscribe/site", "recommended": f"/subscribe/site?r={five[Purpose.REFERRAL]}", "archive": "/archive", "public": "/archive/letters/school/five",
        "hostile": "/archive/letters/school/bad", "own": f"/archive/{five[Purpose.ARCHIVE]}", "own-hostile": f"/archive/{tokens['bad'][Purpose.ARCHIVE]}",
        "preferences": f"/preferences/{five[Purpose.PREFERENCES]}", "recommenders": "/recommenders",
    }  # fmt: skip


async def fits(page: Page, name: str) -> None:
    assert await page.evaluate(SIDEWAYS) == [], f"{name} scrolls sideways"
    unlabelled = "() => [...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).map(i => i.name)"
    assert await page.evaluate(unlabelled) == [], name
    await shot(page, f"reader-{name}")


@pytest.mark.parametrize(("size", "script", "language"), [("small", True, "de"), ("desk", False, "ru")])
async def test_every_page_fits(served: Served, chromium: Browser, size: str, script: bool, language: str) -> None:
    width, height = SIZES[size]
    scheme = "dark" if script else "light"
    context = await chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale=language, java_script_enabled=script)  # type: ignore[arg-type]
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    for name, path in served.paths.items():
        answer = await page.goto(served.address + path, wait_until="load")
        assert answer is not None
        assert answer.status == 200, name
        await fits(page, f"{name}-{size}-{language}")
        if "hostile" not in name:
            assert not said, (name, said)
        said.clear()
    for choice in ("data", "erase"):
        await page.goto(served.address + served.paths["preferences"])
        await page.click(f"button[value={choice}]")
        await fits(page, f"{choice}-{size}-{language}")
    assert not said
    await context.close()


async def test_choosing_seeing_and_erasing_without_script(served: Served, chromium: Browser) -> None:
    context = await chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}, accept_downloads=True)
    page = await context.new_page()
    where = served.address + served.paths["preferences"]
    await page.goto(where)
    await page.click("button[name=tracking][value=none]")
    assert await page.get_attribute("button[name=tracking][value=none]", "aria-pressed") == "true"
    assert [p["tracking"] for p in await rows_of(served.app.db, "subscribers")] == ["none"]
    async with page.expect_download() as taken:
        await page.click("button[value=download]")
    assert (await taken.value).suggested_filename == "my-data.json"
    await page.click("button[value=data]")
    assert "Ulm" in await page.inner_text("main")
    await page.click("form[method=get] button")
    await page.click("button[value=erase]")
    await page.click("button[value=erase_now]")
    assert await page.inner_text("h1") == "You are erased"
    assert [p["email"] for p in await rows_of(served.app.db, "subscribers")] == [f"erased:{(await rows_of(served.app.db, 'subscribers'))[0]['id']}"]
    await page.goto(served.address + served.paths["own"])
    assert await page.inner_text("h1") == "This letter is not shown any more"
    await context.close()


@pytest.mark.parametrize(("name", "directly"), [("hostile", False), ("own-hostile", True)])
async def test_a_hostile_letter_can_do_nothing(served: Served, chromium: Browser, name: str, directly: bool) -> None:
    """In its frame, and where somebody opens the frame's own address: no script, no origin, no form, no request but for itself."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    path = served.paths[name]
    frame_path = f"{path}/letter" if name.startswith("own") else path.replace("/letters/", "/framed/")
    await page.goto(served.address + (frame_path if directly else path), wait_until="networkidle")
    frame = next(f for f in page.frames if f.url.endswith(frame_path))
    assert await frame.evaluate("window.origin") == "null"
    assert "Words" in await frame.inner_text("body")
    assert await page.evaluate("window.hurt") is None
    assert await frame.locator("script, iframe, form, svg, meta[http-equiv], [onerror], [onload], a[href^=javascript]").count() == 0
    cookie = "() => { try { return document.cookie } catch (e) { return e.name } }"
    assert await frame.evaluate(cookie) == "SecurityError"
    allowed = {f"{served.address}{path}", f"{served.address}{frame_path}", f"{served.address}/static/public.css"}
    assert {url for url in asked if not re.search(r"/(favicon|static/)|/archive/[^/]*/x$|/x$", url)} <= allowed
    async with context.expect_page() as opened:
        await frame.click("#ok") if await frame.locator("#ok").count() else await frame.click("a:has-text('on')")
    assert (await opened.value).url in ("about:blank", "https://example.com/a", "chrome-error://chromewebdata/")
    await context.close()

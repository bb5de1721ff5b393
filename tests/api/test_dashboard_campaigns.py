"""Campaigns on the dashboard, by somebody who never saw YAML: a form, a look, a test letter, the start, the result, once more."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser

from nurture.bootstrap import App
from nurture.services.campaigning import open_occasions
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.store.database import Database
from nurture.store.documents import load_document
from nurture.store.workspace import ensure_workspace
from tests.support.desk import HOST, browser, open_desk, token_of
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, install, letter, rows_of

DAY = timedelta(days=1)
ROOFS = {"segment": "roofs", "title": "Roof readers", "where": {"tag": "roof"}}
FILLED = {
    "name": "", "title": "The spring note", "segment": "roofs", "when": "weekly", "day": "wed", "at": "", "kind": "news",
    "subject": "{{ first_name | default('Hello') }}, spring", "body": "Hello {{ first_name }},\r\n\r\n[come](https://example.com/s)", "action": "https://example.com/s",
}  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def app(sqlite_db: Database, tmp_path: Path) -> App:
    async with sqlite_db.write() as tx:
        await ensure_workspace(tx, NOW, b"installation-id!")
    return replace(open_desk(sqlite_db, tmp_path / "data"), clock=Clock())


@pytest.fixture
async def desk(app: App) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(app, demo=True) as opened:
        yield opened


async def post(desk: httpx2.AsyncClient, path: str, **fields: str) -> Any:
    token = token_of((await desk.get("/campaigns/new")).text)
    return await desk.post(path, data={"csrf": token, **fields}, headers={"Origin": HOST})


def words(page: str) -> str:
    main = LexborHTMLParser(page).css_first("main")
    assert main
    return " ".join(main.text(separator=" ").split())


async def test_from_the_form_to_the_result(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, ROOFS)
    people = await add_people(app.db, "a@example.com", "b@example.com", tags=("roof",), first_name="Ann")
    await add_people(app.db, "nameless@example.com", tags=("roof",))
    form = await desk.get("/campaigns/new")
    assert "Roof readers (3)" in form.text
    kept = await post(desk, "/campaigns/new", **FILLED)
    assert (kept.status_code, kept.headers["location"]) == (303, "/campaigns/the-spring-note"), words(kept.text)
    async with app.db.read() as tx:
        stored = await load_document(tx, "campaign", "the-spring-note")
    assert stored
    assert stored.state == "draft"
    assert stored.document.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True) == {
        "campaign": "the-spring-note", "title": "The spring note", "segment": "roofs", "schedule": {"weekly": "wed"},
        "letter": {
            "id": "letter", "kind": "news", "subject": FILLED["subject"], "body": FILLED["body"].replace("\r\n", "\n"),
            "call_to_action": "https://example.com/s",
        },
    }  # fmt: skip
    page = words((await desk.get("/campaigns/the-spring-note")).text)
    assert "A draft: nothing leaves until you start it." in page
    assert "First_name may be empty, and a hole would stand there." in page
    looked = words((await desk.get("/campaigns/the-spring-note/preflight")).text)
    assert "In the segment 3 Get it next 3 Have to wait 0 Never get it 0" in looked
    assert "look first_name is empty for 1, such as nameless@example.com" in looked
    assert "Start it" in looked
    framed = await desk.get("/campaigns/the-spring-note/letter?for=a@example.com")
    assert "Hello Ann" in framed.text
    assert "sandbox" in framed.headers["content-security-policy"]
    tried = await post(desk, "/campaigns/the-spring-note/test", to="me@example.org")
    assert '"[Test] Anna, spring" went to me@example.org. It was captured, since no mail server is set.' in words(tried.text)
    assert await rows_of(app.db, "id") == []
    assert (await post(desk, "/campaigns/the-spring-note/start")).headers["location"] == "/campaigns"
    app.clock.now = NOW + DAY + timedelta(hours=2)  # type: ignore[attr-defined]  # Wednesday begins at UTC+14
    await open_occasions(app.db, app.clock())
    await plan(app.db, app.clock())
    assert "People 3 Sent 0 To come 3 Without it 0" in words((await desk.get("/campaigns/the-spring-note")).text)
    await end_row(app.db, NOW + 2 * DAY)
    app.clock.now = NOW + 6 * DAY  # type: ignore[attr-defined]
    await fold(app.db, app.clock())
    await plan(app.db, app.clock())
    assert "People 3 Sent 3 To come 0 Without it 0 Opened 0 Clicked 0 Left 0 Complained 0" in words((await desk.get("/campaigns/the-spring-note")).text)
    again = await post(desk, "/campaigns/the-spring-note/resend", subject="Once more")
    assert "3 people get the letter again, in their own hours." in words(again.text)
    assert len(people) == 2


async def test_a_draft_is_changed_by_the_same_form(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, ROOFS)
    await post(desk, "/campaigns/new", **FILLED)
    form = LexborHTMLParser((await desk.get("/campaigns/new?of=the-spring-note")).text)
    assert form.css_first("input[name=title]").attributes["value"] == "The spring note"
    assert form.css_first("select[name=day] option[selected]").attributes["value"] == "wed"
    assert form.css_first("textarea").text() == FILLED["body"].replace("\r\n", "\n")
    changed = await post(desk, "/campaigns/new", **FILLED | {"name": "the-spring-note", "title": "Later", "when": "at", "at": "2026-04-01T10:00"})
    assert changed.headers["location"] == "/campaigns/the-spring-note"
    assert "Once, on 1 April 2026 at 10:00 on each reader's own clock" in words((await desk.get("/campaigns/the-spring-note")).text)
    another = await post(desk, "/campaigns/new", **FILLED)
    assert another.headers["location"] == "/campaigns/the-spring-note-2", "no name is taken from another"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"segment": "nobody"}, 'There is no segment "nobody"'),
        ({"subject": "{{ first_name"}, "template"),
        ({"body": ""}, "a letter needs"),
        ({"action": "javascript:alert(1)"}, "is not a call to action"),
        ({"when": "at", "at": "soon"}, ""),
        ({"kind": "spam"}, ""),
    ],
)
async def test_what_cannot_be_kept_says_so_and_keeps_the_words(app: App, desk: httpx2.AsyncClient, more: dict[str, str], says: str) -> None:
    await install(app.db, ROOFS)
    answer = await post(desk, "/campaigns/new", **FILLED | more)
    assert answer.status_code == 422
    page = LexborHTMLParser(answer.text)
    assert page.css(".fault")
    assert says.lower() in words(answer.text).lower()
    assert page.css_first("input[name=title]").attributes["value"] == "The spring note"
    async with app.db.read() as tx:
        assert await load_document(tx, "campaign", "the-spring-note") is None


async def test_only_forms_of_this_house_are_taken(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, ROOFS, {"campaign": "news", "segment": "roofs", "letter": letter("one", "news")})
    for path in ("/campaigns/new", "/campaigns/news/test", "/campaigns/news/resend"):
        for headers, token in (({"Origin": "https://evil.example"}, token_of((await desk.get("/campaigns/new")).text)), ({"Origin": HOST}, "x" * 32)):
            answer = await desk.post(path, data={**FILLED, "to": "me@example.org", "csrf": token}, headers=headers)
            assert answer.status_code == 403, path
    async with browser(app) as stranger:
        for path in ("/campaigns/new", "/campaigns/news", "/campaigns/news/preflight", "/campaigns/news/letter"):
            assert (await stranger.get(path)).headers["location"].startswith("/login")
    assert (await desk.get("/campaigns/none")).status_code == 404
    await post(desk, "/campaigns/new", **FILLED)
    wrong = await post(desk, "/campaigns/the-spring-note/test", to="nobody")
    assert wrong.status_code == 422
    assert "is not an e-mail address" in words(wrong.text)
    early = await post(desk, "/campaigns/news/resend")
    assert (early.status_code, "has sent nothing" in words(early.text)) == (409, True)


async def test_a_campaign_that_says_more_than_the_form_is_not_changed_by_it(app: App, desk: httpx2.AsyncClient) -> None:
    await install(
        app.db, ROOFS, {"campaign": "library", "segment": "roofs", "letters": "library"},
        {"campaign": "tested", "segment": "roofs", "letter": letter("one", "news"), "variants": [{"subject": "x"}], "holdout": "5%"},
    )  # fmt: skip
    for name, says in (("library", "The next library letter that each reader never had"), ("tested", "in 2 variants")):
        page = (await desk.get(f"/campaigns/{name}")).text
        assert says in words(page)
        assert "Change it" not in words(page)
    assert "The next library letter that each reader never had" in words((await desk.get("/campaigns")).text)

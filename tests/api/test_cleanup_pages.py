"""The pages of cleanups and their routes of the API: written in a form, looked at, started, halted, read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from api.dashboard.cleanup_form import Draft
from nurture.bootstrap import App
from nurture.services.cleaning import begin
from nurture.store.database import Database
from nurture.store.documents import letter_catalogue, load_letter_versions
from tests.api.test_dashboard_plans import Clock
from tests.support.cleaning import NOW, live, sleepers, spring
from tests.support.desk import HOST, browser, open_desk, token_of
from tests.support.programme import add_event, install

DAY = timedelta(days=1)
TYPED = {
    "title": "Who is still with us?", "audience": "passive", "event": "", "silent": "archive", "offer_subject_1": "{{ first_name }}, the best we have",
    "offer_body_1": "Look at this.", "offer_link_1": "https://example.com/best", "offer_subject_2": "And one more", "offer_body_2": "A second one.",
    "closing_subject": "We are about to close your subscription", "closing_body": "If that is fine, do nothing.", "asking_subject": "", "asking_body": "",
}  # fmt: skip


@pytest.fixture
async def app(sqlite_db: Database, tmp_path: Path) -> App:
    return replace(open_desk(sqlite_db, tmp_path / "data"), clock=Clock())


@pytest.fixture
async def desk(app: App) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(app, demo=True) as opened:
        yield opened


async def send(desk: httpx2.AsyncClient, page: str, **fields: str) -> httpx2.Response:
    token = token_of((await desk.get(page)).text)
    return await desk.post(page, data={"csrf": token, **fields}, headers={"Origin": HOST})


async def test_somebody_who_never_saw_yaml_writes_looks_and_starts(app: App, desk: httpx2.AsyncClient) -> None:
    await sleepers(app.db, 30)
    assert "No cleanup yet" in (await desk.get("/cleanups")).text
    kept = await send(desk, "/cleanups/new", **TYPED)
    assert (kept.status_code, kept.headers["location"]) == (303, "/cleanups/who-is-still-with-us")
    page = (await desk.get("/cleanups/who-is-still-with-us")).text
    assert "Here is what would happen if you started it now" in page
    assert "<dd>27</dd>" in page
    assert "<dd>3</dd>" in page
    asked = (await desk.get("/cleanups/who-is-still-with-us/start")).text
    assert "27 people get the offers, 14 of them first" in asked
    begun = await send(desk, "/cleanups/who-is-still-with-us/start")
    assert begun.headers["location"] == "/cleanups/who-is-still-with-us"
    page = (await desk.get("/cleanups/who-is-still-with-us")).text
    assert "they are watched for a day" in page
    assert page.count('class="chart gauge"') == 2
    listed = (await desk.get("/cleanups")).text
    assert "canary" in listed


async def test_the_form_says_what_is_missing_and_loses_nothing(app: App, desk: httpx2.AsyncClient) -> None:
    wrong = await send(desk, "/cleanups/new", **TYPED | {"title": "", "offer_body_2": ""})
    assert wrong.status_code == 422
    assert "Give it a name." in wrong.text
    assert "Offer 2 has no text." in wrong.text
    assert "A second one." not in wrong.text
    assert "{{ first_name }}, the best we have" in wrong.text
    broken = await send(desk, "/cleanups/new", **TYPED | {"offer_body_1": "Hello {{ first_name"})
    assert broken.status_code == 422
    assert 'role="alert"' in broken.text
    assert (await send(desk, "/cleanups/new", **TYPED)).status_code == 303
    again = await send(desk, "/cleanups/new", **TYPED)
    assert "is taken" in again.text
    elsewhere = await desk.post("/cleanups/new", data=TYPED, headers={"Origin": "https://elsewhere.example"})
    assert elsewhere.status_code == 403
    assert app


async def test_progress_halt_and_the_sheet(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, spring(1, silent="keep"))
    people = await sleepers(app.db, 30)
    await begin(app.db, "spring", NOW)
    sent = await live(app.db, NOW, NOW + DAY)
    await add_event(app.db, sent[0][0], "clicked", NOW + DAY)
    assert (await send(desk, "/cleanups/spring")).status_code == 405
    paused = await desk.post(
        "/cleanups/spring/pause", data={"csrf": token_of((await desk.get("/cleanups/spring")).text)}, headers={"Origin": HOST}
    )
    assert paused.status_code == 303
    page = (await desk.get("/cleanups/spring")).text
    assert "It stands still" in page
    assert ">Resume<" in page
    await desk.post("/cleanups/spring/resume", data={"csrf": token_of(page)}, headers={"Origin": HOST})
    await live(app.db, NOW + DAY, NOW + 9 * DAY)
    page = (await desk.get("/cleanups/spring")).text
    assert "It is over, and everybody has a verdict." in page
    assert "Came back" in page
    assert ">Pause<" not in page
    printed = (await desk.get("/cleanups/spring/print")).text
    assert "<nav" not in printed
    assert "Against those who got nothing" in printed
    assert printed.count("<svg") >= 2
    assert "<script" not in page + printed
    assert people


async def test_a_stop_is_asked_once_more(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, spring())
    await sleepers(app.db, 10)
    await begin(app.db, "spring", NOW)
    assert "Stop this cleanup for good?" in (await desk.get("/cleanups/spring/cancel")).text
    await send(desk, "/cleanups/spring/cancel")
    assert "It was stopped" in (await desk.get("/cleanups/spring")).text
    assert (await desk.get("/cleanups/nowhere")).status_code == 404
    assert (await desk.get("/cleanups/spring/explode")).status_code == 404


def test_a_draft_names_itself_after_its_title() -> None:
    assert Draft.typed({"title": "Wer ist noch da, ümlaut & Co.?"}).name == "wer-ist-noch-da-umlaut-co"
    assert Draft.typed({"title": "Кто с нами?"}).name == "cleanup"
    document = Draft.typed(TYPED | {"asking_subject": "Still there?", "event": "2026-05-01"}).document()
    assert [o["id"] for o in document["offers"]] == ["day-1", "day-2"]
    assert (document["event"], document["repermission"]["subject"]) == ("2026-05-01", "Still there?")
    assert "closing" not in Draft.typed(TYPED | {"silent": "keep"}).document()


async def test_the_letters_of_a_form_carry_their_buttons(app: App, desk: httpx2.AsyncClient) -> None:
    await send(desk, "/cleanups/new", **TYPED)
    async with app.db.read() as tx:
        catalogue = await letter_catalogue(tx)
        versions = await load_letter_versions(tx, [row.version_id for row in catalogue.values()])
    html = {v.name.partition("/")[2]: v.content["html"] for v in versions.values()}
    assert "Not interested? Leave these letters" in html["day-1"]
    assert "Yes, keep my subscription" in html["closing"]
    assert "{{ stay_url }}" in html["closing"]

"""The pages of what is to come: the weeks ahead, and campaigns with the buttons that steer them."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import event

from api.dashboard.campaigns import schedule_words
from nurture.bootstrap import App
from nurture.domain.documents import Campaign
from nurture.services import forecasting
from nurture.services.campaigning import open_occasions, start
from nurture.services.enrolling import enrol
from nurture.services.planning import plan
from nurture.services.steering import list_documents
from nurture.store.database import Database
from nurture.store.documents import load_document, set_state
from nurture.store.lanes import set_lane
from tests.support.desk import HOST, browser, open_desk, token_of
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, install, letter

DAY = timedelta(days=1)
SCHOOL = {
    "sequence": "school", "mix": "3:1", "cadence": "2 per week", "stale_after": "60d",
    "letters": [letter("one", title="The first one"), letter("offer", "sales")],
}  # fmt: skip
ROOFS = {"segment": "roofs", "title": "Roof readers", "where": {"tag": "roof"}}


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def app(sqlite_db: Database, tmp_path: Path) -> App:
    return replace(open_desk(sqlite_db, tmp_path / "data"), clock=Clock())


@pytest.fixture
async def desk(app: App) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(app, demo=True) as opened:
        yield opened


def news(schedule: Any = None, **more: Any) -> dict[str, Any]:
    return {"campaign": "news", "segment": "roofs", "schedule": schedule or {"weekly": "tue"}, "letter": letter("one", "news")} | more


async def school(app: App, people: int, prefix: str = "p") -> list[int]:
    ids = await add_people(app.db, *(f"{prefix}{n}@example.com" for n in range(people)), tags=("roof",), timezone="Pacific/Auckland")
    await enrol(app.db, "school", ids, NOW, "hand")
    return ids


async def text_of(desk: httpx2.AsyncClient, path: str) -> str:
    answer = await desk.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(LexborHTMLParser(answer.text).text(separator=" ").split())


async def press(desk: httpx2.AsyncClient, step: str) -> httpx2.Response:
    page = await desk.get("/campaigns/news/cancel")
    return await desk.post(f"/campaigns/news/{step}", data={"csrf": token_of(page.text)}, headers={"Origin": HOST})


async def state_of(app: App) -> tuple[str, str]:
    [line] = await list_documents(app.db, "campaign")
    return line.state, line.standing.split(";")[0]


async def test_the_weeks_ahead_show_each_day_and_what_is_held(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, SCHOOL, ROOFS, news())
    await school(app, 4)
    await start(app.db, "news", NOW)
    page = LexborHTMLParser((await desk.get("/ahead")).text)
    said = " ".join(page.text(separator=" ").split())
    assert "Letters in 30 days 24 to 4 people" in said  # one of the school, five Tuesdays each
    assert "Worked out Mon 2 Mar, 09:00 (UTC)" in said
    assert "Tue 10 Mar: 4 news" in said
    assert "4 Sales held by 3:1" in said
    wide, narrow = page.css("svg.month")
    assert "24 in all" in (wide.attributes["aria-label"] or "")
    assert "Tue 10 Mar: news 4" in [t.text() for t in narrow.css("g title")]
    assert "figures stand for all" not in said


async def test_the_weeks_ahead_are_worked_out_once_an_hour(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, SCHOOL, ROOFS, news())
    assert "No letter leaves in the next 30 days" in await text_of(desk, "/ahead")
    await school(app, 2)
    assert "to 2 people" in await text_of(desk, "/ahead"), "an empty calendar is not kept"
    await school(app, 1, "late")
    app.clock.now = NOW + timedelta(minutes=59)  # type: ignore[attr-defined]
    assert "to 2 people" in await text_of(desk, "/ahead")
    app.clock.now = NOW + timedelta(minutes=61)  # type: ignore[attr-defined]
    assert "to 3 people" in await text_of(desk, "/ahead")
    assert (await press(desk, "start")).status_code == 303
    assert "18 in all" in (await desk.get("/ahead")).text, "a campaign started here is seen at once"


async def test_of_a_long_list_a_sample_is_looked_at_and_said_so(
    app: App, desk: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasting, "LOOKED_AT", 5)
    await install(app.db, SCHOOL)
    await school(app, 12)
    said = await text_of(desk, "/ahead")
    assert "one person in 3 was looked at, and the figures stand for all" in said
    assert "Letters in 30 days 12 to 12 people" in said


async def test_a_person_sees_their_letters_by_the_minute_of_their_clock(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, SCHOOL, ROOFS, news())
    [person] = await school(app, 1)
    await start(app.db, "news", NOW)
    page = LexborHTMLParser((await desk.get(f"/people/{person}")).text)
    (section,) = page.css("section[aria-labelledby=ahead]")
    said = " ".join(section.text(separator=" ").split())
    assert "Tue 3 Mar 11:13 News one Campaign news of 2026-03-03; goes in its window" in said  # it is Monday night in London
    assert "Mon 9 Mar 10:13 Useful" in said
    assert "The first one Letter 1 of school; goes in its window" in said
    assert "Sales offer Sales held by 3:1: 2 useful letters due first" in said


async def test_each_state_of_a_campaign_is_one_sentence_and_its_buttons(app: App, desk: httpx2.AsyncClient) -> None:
    assert "No campaign yet" in await text_of(desk, "/campaigns")
    await install(app.db, ROOFS, news(title="The weekly note"))
    await school_free(app, 3)
    app.clock.now += timedelta(minutes=1)  # type: ignore[attr-defined]
    draft = await text_of(desk, "/campaigns")
    assert "The weekly note draft A draft: nothing leaves until you start it. Started now, its first letters are of Tue 3 Mar." in draft
    assert "News one , every Tuesday, on each reader's own clock, to: Roof readers. Start Cancel" in draft
    assert '3 people are in "Roof readers" today' in await text_of(desk, "/campaigns/news/start")
    assert await state_of(app) == ("draft", ""), "looking starts nothing"
    assert (await press(desk, "start")).headers["location"] == "/campaigns"
    assert "running It runs; its next letters are of Tue 3 Mar." in await text_of(desk, "/campaigns")
    await press(desk, "pause")
    assert await state_of(app) == ("running", "paused by hand")
    assert "paused It stands still: nobody gets a letter of it until you resume it. News" in await text_of(desk, "/campaigns")
    await press(desk, "resume")
    assert "Pause Cancel" in await text_of(desk, "/campaigns")
    asked = await text_of(desk, "/campaigns/news/cancel")
    assert "This is for good." in asked
    assert "running" in await text_of(desk, "/campaigns"), "asking cancels nothing"
    await press(desk, "cancel")
    assert (await state_of(app))[0] == "cancelled"
    over = await text_of(desk, "/campaigns")
    assert "It was cancelled, which is for good." in over
    assert not LexborHTMLParser((await desk.get("/campaigns")).text).css(".buttons")
    again = await press(desk, "start")
    assert (again.status_code, "was cancelled; write it under another name" in again.text) == (409, True)


async def school_free(app: App, people: int) -> list[int]:
    return await add_people(app.db, *(f"r{n}@example.com" for n in range(people)), tags=("roof",))


async def test_the_newest_letters_are_counted_as_under_way_sent_and_left_out(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, ROOFS, news())
    await school_free(app, 3)
    await start(app.db, "news", NOW)
    app.clock.now = opened = NOW + timedelta(hours=1)  # Tuesday begins at UTC+14  # type: ignore[attr-defined]
    await open_occasions(app.db, opened)
    await plan(app.db, opened)
    assert "The letters of Tue 3 Mar Under way 3 Sent 0 Left out 0" in await text_of(desk, "/campaigns")
    await end_row(app.db, NOW + DAY)
    app.clock.now = NOW + DAY  # type: ignore[attr-defined]
    assert "Under way 0 Sent 3 Left out 0" in await text_of(desk, "/campaigns")


async def test_a_campaign_that_the_engine_stopped_says_why(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, ROOFS, news("now"))
    await start(app.db, "news", NOW)
    assert "Its letters are leaving; when the last one is through, it is finished." in await text_of(desk, "/campaigns")
    async with app.db.write() as tx:
        await set_lane(tx, "campaign:news", "paused", "its template cannot be written")
    app.clock.now += DAY  # type: ignore[attr-defined]
    assert "until you resume it. Its template cannot be written." in await text_of(desk, "/campaigns")
    async with app.db.write() as tx:
        stored = await load_document(tx, "campaign", "news")
        assert stored
        await set_state(tx, stored.id, "finished", NOW)
    app.clock.now += DAY  # type: ignore[attr-defined]
    assert "It has run and is over." in await text_of(desk, "/campaigns")


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("now", "once, as soon as it is started"), ({"weekly": "fri"}, "every Friday, on each reader's own clock"),
        ({"at": "2026-03-10 10:00", "zone": "workspace"}, "once, on 10 March 2026 at 10:00 on the clock of Europe/Berlin"),
        ({"cron": "0 10 * * 2"}, "at 10:00 on Tuesday, on each reader's own clock"),
    ],
)  # fmt: skip
def test_a_schedule_is_told_in_words(schedule: Any, told: str) -> None:
    campaign = Campaign.model_validate(news(schedule))
    assert schedule_words(campaign.schedule, "Europe/Berlin") == told


async def test_a_date_that_has_passed_is_said(app: App, desk: httpx2.AsyncClient) -> None:
    await install(app.db, ROOFS, news({"at": "2026-02-10 10:00"}))
    assert "A draft whose date has passed: give it a new one and apply it again." in await text_of(desk, "/campaigns")
    refused = await press(desk, "start")
    assert (refused.status_code, "lies in the past" in refused.text) == (409, True)


@pytest.mark.parametrize("step", ["start", "pause", "resume", "cancel"])
async def test_nobody_steers_a_campaign_without_signing_in_or_from_elsewhere(app: App, desk: httpx2.AsyncClient, step: str) -> None:
    await install(app.db, ROOFS, news())
    async with browser(app) as stranger:
        for answer in (
            await stranger.get(f"/campaigns/news/{step}"),
            await stranger.post(f"/campaigns/news/{step}", headers={"Origin": HOST}),
        ):
            assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")
    token = token_of((await desk.get("/campaigns/news/cancel")).text)
    for headers, carried in (({"Origin": "https://evil.example"}, token), ({}, token), ({"Origin": HOST}, "x" * 32)):
        assert (await desk.post(f"/campaigns/news/{step}", data={"csrf": carried}, headers=headers)).status_code == 403
    assert await state_of(app) == ("draft", "")


@pytest.mark.parametrize("path", ["/campaigns/none/start", "/campaigns/news/explode", "/campaigns/%3Cscript%3E/cancel"])
async def test_an_unknown_campaign_or_step_is_a_page(app: App, desk: httpx2.AsyncClient, path: str) -> None:
    await install(app.db, ROOFS, news())
    answer = await desk.get(path)
    assert (answer.status_code, "That did not work" in answer.text) == (404, True)


async def test_hostile_titles_stay_words(app: App, desk: httpx2.AsyncClient) -> None:
    bad = '"><script>alert(1)</script>{{ 7 * 7 }}'
    shown = letter("one", "news", title=bad)
    await install(app.db, ROOFS | {"title": bad}, news(title=bad) | {"letter": shown})
    [person] = await school_free(app, 1)
    await start(app.db, "news", NOW)
    for path in ("/campaigns", "/campaigns/news/start", f"/people/{person}", "/ahead"):
        answer = await desk.get(path)
        tree = LexborHTMLParser(answer.text)
        assert not tree.css("script"), path
        assert "49" not in tree.text() if path.startswith("/campaigns") else "alert(1)" in answer.text or path == "/ahead"


async def test_the_pages_ask_as_much_for_many_as_for_few(app: App) -> None:
    await install(app.db, SCHOOL, ROOFS, news())
    await start(app.db, "news", NOW)
    asked: list[dict[str, int]] = []
    for people in (3, 60):
        await school(app, people, f"n{people}-")
        statements: list[str] = []
        event.listen(app.db.engine.sync_engine, "before_cursor_execute", lambda *a, kept=statements: kept.append(a[2]))
        async with browser(app, demo=True) as desk:
            await desk.get("/pace")  # the documents are parsed once
            asked.append({})
            for path in ("/ahead", "/campaigns", "/campaigns/news/start", "/people/1"):
                statements.clear()
                assert (await desk.get(path)).status_code == 200
                asked[-1][path] = len([s for s in statements if s.startswith("SELECT")])
    assert asked[0] == asked[1], json.dumps(asked, indent=1)
    assert asked[0]["/campaigns"] <= 8

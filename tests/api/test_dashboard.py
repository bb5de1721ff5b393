"""The dashboard through the real application: who gets in, what each page says, and that no name can break it."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import event, insert, select, update

from api.dashboard import words
from nurture.bootstrap import App
from nurture.domain.answers import RejectedClass
from nurture.domain.words import Engagement, EventType, Flag, Kind, State, Status, Temperature, ZoneSource
from nurture.store.database import Database
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace, halt
from tests.support.desk import HOST, browser, open_desk
from tests.support.history import act_on, delivery, fill, prepare
from tests.support.people import NOW, add_people
from tests.support.programme import install, letter

PAGES = (
    "/", "/letters", "/letters?view=coming", "/letters?view=stopped", "/people", "/sequences", "/campaigns", "/cleanups", "/cleanups/new",
    "/ahead", "/pace", "/questions",
)  # fmt: skip
NAUGHTY = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "{{ 7 * 7 }}", "</title><svg onload=alert(1)>",
    "javascript:alert(1)", "Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい", "مرحبا", "\u202e\u200bhidden", "&lt;b&gt;", "%s%n", "<!--", "]]>", "a" * 900,
)  # fmt: skip


@pytest.fixture
async def app(sqlite_db: Database, tmp_path: Path) -> App:
    return open_desk(sqlite_db, tmp_path / "data")


@pytest.fixture
async def desk(app: App) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(app, demo=True) as opened:
        yield opened


@pytest.mark.parametrize("path", [*PAGES, "/people/1", "/letters/1", "/letters/1/preview"])
async def test_nobody_looks_without_signing_in(app: App, path: str) -> None:
    await fill(app.db, people=2, weeks=2)
    async with browser(app) as stranger:
        answer = await stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert "reader0" not in answer.text


@pytest.mark.parametrize(("client", "host"), [("203.0.113.7", HOST), ("127.0.0.1", "http://attacker.example:8000")])
async def test_the_demo_is_open_on_this_machine_only(app: App, client: str, host: str) -> None:
    async with browser(app, demo=True, client=client, host=host) as desk:
        assert (await desk.get("/")).status_code == 303


@pytest.mark.parametrize("path", PAGES)
async def test_pages_of_an_empty_workspace_say_what_to_do(desk: httpx2.AsyncClient, path: str) -> None:
    answer = await desk.get(path)
    assert answer.status_code == 200
    assert "nurture import" in answer.text or "nurture apply" in answer.text or "letter" in answer.text.lower()


@pytest.mark.parametrize("path", PAGES)
async def test_pages_carry_no_script_and_no_inline_style(app: App, desk: httpx2.AsyncClient, path: str) -> None:
    await fill(app.db, people=13, weeks=4)
    answer = await desk.get(path)
    assert answer.status_code == 200
    tree = LexborHTMLParser(answer.text)
    assert not tree.css("script, style, [style], [onclick], [onload]")
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    outside = [n.attributes.get("src") or n.attributes.get("href") or "" for n in tree.css("[src], link[href]")]
    assert all(address.startswith("/") for address in outside)


async def test_the_overview_shows_the_figures_of_the_report(app: App, desk: httpx2.AsyncClient) -> None:
    await fill(app.db, people=65)
    page = (await desk.get("/")).text
    text = " ".join(LexborHTMLParser(page).text(separator=" ").split())
    assert "65 people get your letters" in text
    assert "usual 80%" in text
    assert "Kept: of 325 offers that were checked one by one" in text
    assert "65 letters in the next 14 days" in text
    charts = LexborHTMLParser(page).css("svg.chart")
    assert len(charts) >= 10
    assert "Nobody has acted yet" in text
    assert all(c.attributes.get("aria-label") and c.css_first("title") for c in charts)


async def test_the_overview_shows_when_people_act(app: App, desk: httpx2.AsyncClient) -> None:
    await fill(app.db, people=13, weeks=4)
    await act_on(app.db, 12)
    page = LexborHTMLParser((await desk.get("/")).text)
    (section,) = page.css("section[aria-labelledby=acts]")
    said = " ".join(section.text(separator=" ").split())
    charts = section.css("svg.heat-map")
    assert len(charts) == 2  # for a desk and for a phone
    assert "12 acts by weekday and hour; most on" in (charts[0].attributes.get("aria-label") or "")
    assert all(day in said for day in words.WEEKDAYS)
    assert "Too few letters to tell: 0 to 0 people at their own hour" in said


async def test_the_overview_says_how_sure_it_is_and_draws_the_curves(app: App, desk: httpx2.AsyncClient) -> None:
    people = await add_people(app.db, *(f"p{n}@example.com" for n in range(60)), now=NOW - timedelta(days=400))
    events = [
        {"uid": f"{kind}{person}", "subscriber_id": person, "type": kind, "name": name, "at": NOW - timedelta(days=days + person)}
        for person in people
        for kind, name, days in (("clicked", None, 300), ("converted", "purchase", 200))
        if kind == "clicked" or person % 3 == 0
    ]
    shared = {"evidence": "human", "reason": "", "rule_version": 1, "folded": 1}
    async with app.db.write() as tx:
        await tx.execute(insert(METADATA.tables["events"]), [shared | e | {"settles_at": e["at"]} for e in events])
        standings = METADATA.tables["standings"].c
        await tx.execute(METADATA.tables["standings"].update().where(standings.subscriber_id <= 30).values(engagement="fan"))
        await tx.execute(METADATA.tables["standings"].update().values(last_sign_at=NOW - timedelta(days=250)))
    page = LexborHTMLParser((await desk.get("/")).text)
    text = " ".join(page.text(separator=" ").split())
    assert "100% fans: clearly more than the usual 3%" in text
    assert "Half of those who answered have fallen silent after" in text
    assert "20 of 60 have bought, half of these within" in text
    labels = [c.attributes["aria-label"] for c in page.css("svg.chart.lines")]
    assert sum("still show a sign" in label or "have bought" in label for label in labels) == 4  # each for a desk and for a phone
    assert page.css("svg.usual-bar rect.error")


@pytest.mark.parametrize("reason", [None, "the clock <jumped>"])
async def test_what_keeps_letters_back_stands_on_the_overview(app: App, desk: httpx2.AsyncClient, reason: str | None) -> None:
    await fill(app.db, people=2, weeks=2)
    if reason:
        async with app.db.write() as tx:
            await ensure_workspace(tx, NOW, b"0123456789abcdef")
            await halt(tx, reason)
    page = (await desk.get("/")).text
    assert ("What keeps letters back" in page) is bool(reason)
    assert ("halted: the clock &lt;jumped&gt;" in page) is bool(reason)


async def test_an_unearned_offer_is_shown_in_plain_sight(app: App, desk: httpx2.AsyncClient) -> None:
    letters, _, lane = await prepare(app.db)
    (person,) = await add_people(app.db, "a@example.com")
    async with app.db.write() as tx:
        row = delivery(person, letters["offer"], lane, "sales", "UTC", NOW - timedelta(days=5))
        await tx.execute(insert(METADATA.tables["deliveries"]), [row])
    assert "1 offers left before they were earned" in (await desk.get("/")).text


async def test_hostile_names_stay_words_on_every_page(app: App, desk: httpx2.AsyncClient) -> None:
    letters, sequence, lane = await prepare(app.db)
    deliveries, moves, events = (METADATA.tables[n] for n in ("deliveries", "moves", "events"))
    people = []
    for number, text in enumerate(NAUGHTY):
        people += await add_people(
            app.db, f"n{number}@example.com", name=text, first_name=text, source=text, country=text[:40], tags=(text[:80],), fields={text: text}
        )
    documents = METADATA.tables["documents"]
    async with app.db.write() as tx:
        for number, (person, text) in enumerate(zip(people, NAUGHTY, strict=True)):
            state = ("accepted", "rejected", "pending")[number % 3]
            row = delivery(person, letters["quote"], lane, "useful", "UTC", NOW - timedelta(days=3, minutes=number), state=state, reason=text, answer=text)
            await tx.execute(insert(deliveries), [row])
            await tx.execute(insert(moves), [{"subscriber_id": person, "what": "engagement", "old": "new", "new": "fan", "reason": text, "at": NOW}])
            seen = {"uid": f"u{number}", "subscriber_id": person, "type": "clicked", "at": NOW, "settles_at": NOW, "url": text, "evidence": "human",
                    "reason": text, "rule_version": 1, "folded": 1}  # fmt: skip
            await tx.execute(insert(events), [seen])
        content = (await tx.execute(select(documents.c.content).where(documents.c.id == sequence))).scalar_one()
        await tx.execute(update(documents).where(documents.c.id == sequence).values(content=content | {"title": NAUGHTY[0]}))
    for path in (*PAGES, *(f"/people/{p}" for p in people), "/letters/1", *(f"/people?q={t[:40]}" for t in NAUGHTY[:6])):
        answer = await desk.get(path)
        assert answer.status_code == 200, path
        tree = LexborHTMLParser(answer.text)
        assert not tree.css("script, [onerror], [onmouseover], [onload], a[href^='javascript']"), path
        assert "49" not in (await desk.get(f"/people/{people[3]}")).text.split("<h1>")[1].split("</h1>")[0]


def test_every_word_of_the_ledger_has_plain_words() -> None:
    assert set(words.STATES) == {s.value for s in State}
    assert set(words.KINDS) == {k.value for k in Kind}
    assert set(words.EVENTS) == {e.value for e in EventType}
    assert set(words.ZONES) == {z.value for z in ZoneSource}
    assert set(words.STATUSES) == {s.value for s in Status}
    assert set(words.ENGAGEMENT) == set(words.ONE) == {e.value for e in Engagement}
    assert set(words.TEMPERATURES) == {t.value for t in Temperature}
    assert set(words.FLAGS) == {f.value for f in Flag}
    assert {c.value for c in RejectedClass} <= set(words.OUTCOMES)


async def test_a_person_is_found_by_name_in_any_letters(app: App, desk: httpx2.AsyncClient) -> None:
    await add_people(app.db, "i@example.com", name="Ирина Петрова")
    await add_people(app.db, "p@example.com", name="100% Percent_Name")
    assert "i@example.com" in (await desk.get("/people", params={"q": "ирина"})).text
    assert "p@example.com" in (await desk.get("/people", params={"q": "100%"})).text
    assert "i@example.com" not in (await desk.get("/people", params={"q": "%"})).text


async def test_people_and_letters_come_in_pages_without_gap_or_repeat(app: App, desk: httpx2.AsyncClient) -> None:
    await fill(app.db, people=30, weeks=4)
    for path, part in (("/letters", "/letters/"), ("/people", "/people/")):
        found: list[str] = []
        page: str | None = path
        while page:
            tree = LexborHTMLParser((await desk.get(page)).text)
            found += [n.attributes["href"] or "" for n in tree.css("a.row")]
            more = tree.css_first(".more a")
            page = path + (more.attributes["href"] or "") if more else None
        assert len(found) == len(set(found)) == (240 if path == "/letters" else 30)
        assert all(f.startswith(part) for f in found)


async def test_a_persons_page_tells_letters_events_moves_and_the_planners_reason(app: App, desk: httpx2.AsyncClient) -> None:
    ids = await fill(app.db, people=3, weeks=6)
    page = " ".join(LexborHTMLParser((await desk.get(f"/people/{ids[0]}")).text).text(separator=" ").split())
    for told in ("Sales held by 3:1: 2 useful letters due first", "The offer", "New to passive", "no answer in 16 letters", "Entered"):
        assert told in page


async def test_the_preview_is_written_anew_and_does_nothing(app: App, desk: httpx2.AsyncClient) -> None:
    letters, _, lane = await prepare(app.db)
    (person,) = await add_people(app.db, "a@example.com", first_name="<b>Ann</b>")
    versions = METADATA.tables["letter_versions"]
    html = (
        '<p>Hello {{ first_name }}</p><script>alert(1)</script><form action="/x"></form><a href="https://example.com/go">Go</a>'
        '<img src="http://127.0.0.1:8000/o/AAAA.gif"><img src="http://127.0.0.1:8000/media/abc"><a href="{{ unsubscribe_url }}">Leave</a>'
    )
    text = "Hello {{ unsubscribe_url }}"
    content = {"subject": "Hi {{ first_name }}", "preheader": "", "html": html, "text": text, "kind": "useful", "size": "short", "title": "T"}
    async with app.db.write() as tx:
        await tx.execute(update(versions).where(versions.c.id == letters["quote"][1]).values(content=content))
        await tx.execute(insert(METADATA.tables["deliveries"]), [delivery(person, letters["quote"], lane, "useful", "UTC", NOW)])
    answer = await desk.get("/letters/1/preview")
    assert answer.status_code == 200
    tree = LexborHTMLParser(answer.text)
    assert "Hello &lt;b&gt;Ann&lt;/b&gt;" in answer.text
    assert not tree.css("script, form, a[href]")
    assert [n.attributes["src"] for n in tree.css("img")] == ["/media/abc"]
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "sandbox", "frame-ancestors 'self'"} <= set(policy)
    assert not any("script" in part for part in policy)
    assert (answer.headers["cache-control"], answer.headers["x-frame-options"]) == ("no-store", "SAMEORIGIN")


async def test_the_preview_shows_the_captured_bytes_first(app: App, desk: httpx2.AsyncClient) -> None:
    letters, _, lane = await prepare(app.db)
    (person,) = await add_people(app.db, "a@example.com")
    async with app.db.write() as tx:
        await tx.execute(insert(METADATA.tables["deliveries"]), [delivery(person, letters["quote"], lane, "useful", "UTC", NOW)])
    folder = app.settings.data_dir / "captured"
    folder.mkdir(parents=True, exist_ok=True)
    message = "Subject: Hi\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>These very bytes</p>"
    (folder / "1.eml").write_bytes(message.encode())
    assert "These very bytes" in (await desk.get("/letters/1/preview")).text


@pytest.mark.parametrize("path", ["/people/0", "/people/999", "/people/x", "/letters/999", "/letters/-1", "/letters/999/preview", "/people/" + "9" * 30])
async def test_what_is_not_there_is_a_page_too(desk: httpx2.AsyncClient, path: str) -> None:
    answer = await desk.get(path)
    assert answer.status_code == 404
    assert "That did not work" in answer.text or path.endswith("preview")
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/letters?after=x", "/letters?after=2026-03-02~1", "/people?before=x", "/letters?kind=x&view=y", "/people?class=x&status=y"])
async def test_odd_questions_get_a_page(app: App, desk: httpx2.AsyncClient, path: str) -> None:
    await fill(app.db, people=2, weeks=2)
    assert (await desk.get(path)).status_code == 200


async def test_a_sequence_shows_when_its_letters_go(app: App, desk: httpx2.AsyncClient) -> None:
    dated = {"date": "09-15", "days": -7}
    await install(app.db, {"sequence": "shop", "letters": [letter("a", after="0s"), letter("b", after="7d"), letter("c", about=dated)]})
    page = (await desk.get("/sequences")).text
    assert all(words in page for words in ("short, at once", "short, after 7d", "short, about 09-15 (-7 days)"))


async def test_the_pace_names_people_and_a_person_shows_their_mix(app: App, desk: httpx2.AsyncClient) -> None:
    await fill(app.db, people=4, weeks=4)
    page = (await desk.get("/pace")).text
    assert "4 of 4 people got fewer letters than that" in page
    assert "reader000@example.com" in page
    assert "an offer waits to be earned" in page.lower()
    assert "4 people wait for useful letters, and the library is empty. Write another" in page
    person = " ".join((await desk.get("/people/1")).text.split())
    assert "Promised: 3:1 (roof-school). 0 useful letters since the last offer. Sales held by 3:1: 3 useful letters due first." in person
    assert "In 90 days:" in person


async def test_a_page_asks_as_much_for_many_people_as_for_few(app: App) -> None:
    asked: dict[int, dict[str, int]] = {}
    for people in (5, 60):
        await fill(app.db, people=people, weeks=4) if people == 5 else await add_people(app.db, *(f"m{n}@example.com" for n in range(people)))
        statements: list[str] = []
        event.listen(app.db.engine.sync_engine, "before_cursor_execute", lambda *a, kept=statements: kept.append(a[2]))
        async with browser(app, demo=True) as desk:
            counted = asked.setdefault(people, {})
            await desk.get("/pace")  # the documents are parsed once
            for path in (*PAGES, "/people/1", "/letters/1"):
                statements.clear()
                assert (await desk.get(path)).status_code == 200
                counted[path] = len([s for s in statements if s.startswith("SELECT")])
    assert asked[5] == asked[60], json.dumps(asked, indent=1)
    assert max(asked[60].values()) <= 27  # a person's own page plans their weeks ahead

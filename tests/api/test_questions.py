"""What came of a question: counted over HTTP, on the command line's services and on the dashboard; drawn fairly, told to all."""

import csv
import hashlib
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from api.public.words import WORDS
from nurture.definitions.loading import load_text
from nurture.domain.tokens import Purpose
from nurture.services.defining import apply
from nurture.services.drawing import show_draw
from nurture.store.documents import letter_catalogue
from nurture.store.tables import METADATA
from tests.api.conftest import House
from tests.api.test_answering import asked, given
from tests.support.desk import browser
from tests.support.ledger import add_delivery, rows_of
from tests.support.people import add_people

RAFFLE = """
question: raffle
text: Which colour is the finest?
choices: [{id: red, text: Red}, {id: grey, text: Grey}]
draw: {winners: 2, prize: a ladder}
closes: "2026-03-20 18:00"
result: {id: result, kind: service, subject: "You voted: {{ data.people }}", body: "{% for line in data.lines %}{{ line.text }} {{ line.share }} {% endfor %} {% if data.won %}You won.{% endif %} {{ data.winners | join(', ') }}"}
in: {de: {text: Welche Farbe ist die schönste?, choices: {red: Rot, grey: Grau}, prize: eine Leiter}}
"""


async def voters(house: House, question: str, forms: list[dict[str, str]]) -> list[int]:
    """One person for each form, who sends it; their numbers."""
    await asked(house, question)
    async with house.app.db.read() as tx:
        row = (await letter_catalogue(tx))[f"ask-{question}/ask-{question}"]
    people = []
    for number, form in enumerate(forms):
        [person] = await add_people(house.app.db, f"voter{number}@example.com")
        delivery = await add_delivery(house.app.db, person, (row.id, row.version_id))
        token = house.token(Purpose.ANSWER, delivery, person, row.version_id)
        assert (await house.client.post(f"/a/{token}", data=form)).status_code == 200
        people.append(person)
    return people


async def test_the_report_counts_people_and_names_nobody(house: House) -> None:
    forms = [{"choice": "price", "text": "The chimney leaks"}, {"choice": "price", "text": "My chimney is leaking!"}, {"choice": "time"}]
    await voters(house, "trouble", forms)
    key = await house.key("reports:read")
    found = (await house.client.get("/api/v1/reports/questions/trouble", headers=key)).json()
    assert [(line["id"], line["people"]) for line in found["lines"]] == [("price", 2), ("time", 1), ("dirt", 0)]
    assert (found["asked"], found["people"], found["own_words"]) == (4, 3, 2)
    assert found["themes"] == [{"words": "chimney leaks", "people": 2, "pair": True}]
    assert "example.com" not in str(found)
    later = (await house.client.get("/api/v1/reports/questions/trouble?since=2026-03-03", headers=key)).json()
    assert later["people"] == 0
    listed = (await house.client.get("/api/v1/reports/questions", headers=key)).json()["questions"]
    assert [(q["name"], q["way"], q["asked"], q["people"]) for q in listed] == [
        ("check", "quiz", 0, 0), ("mark", "rating", 0, 0), ("raffle", "choices", 0, 0), ("trouble", "choices", 4, 3),
    ]  # fmt: skip
    assert (await house.client.get("/api/v1/reports/questions/none", headers=key)).status_code == 404


async def test_answers_come_by_id_and_as_guarded_csv(small_house: House) -> None:
    await voters(small_house, "trouble", [{"choice": "price", "text": "=cmd|'/c calc'!A1"}, {"text": 'a "quoted"\nline'}])
    key = await small_house.key("subscribers:read")
    first = (await small_house.client.get("/api/v1/questions/trouble/answers?limit=1", headers=key)).json()
    second = (await small_house.client.get("/api/v1/questions/trouble/answers", params={"cursor": first["next"]}, headers=key)).json()
    assert [(a["email"], a["choice"]) for a in first["data"] + second["data"]] == [("voter0@example.com", "price"), ("voter1@example.com", None)]
    assert second["next"] is None
    table = await small_house.client.get("/api/v1/questions/trouble/answers.csv", headers=key)
    said = [table.headers[name] for name in ("content-type", "content-disposition", "x-content-type-options", "cache-control")]
    assert said == ["text/csv; charset=utf-8", 'attachment; filename="trouble.csv"', "nosniff", "no-store"]
    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows[0] == ["at", "email", "choice", "answer", "value", "text", "how", "named"]
    assert rows[1][1:] == ["voter0@example.com", "price", "What it costs", "", "'=cmd|'/c calc'!A1", "page", ""]
    assert rows[2][5] == 'a "quoted"\nline'


async def test_a_draw_is_promised_made_once_and_checked_by_anybody(house: House) -> None:
    forms = [{"choice": "red", "named": "Anna B."}, {"choice": "grey"}, {"choice": "red", "named": "<b>Bo"}, {"choice": "grey", "named": "Cy"}]
    people = await voters(house, "raffle", forms)
    key = await house.key("sequences:write")
    promised = await house.client.get("/draws/raffle")
    [row] = await rows_of(house.app.db, "draws")
    assert (row["commitment"] in promised.text, row["seed"] in promised.text) == (True, False)
    assert re.fullmatch("[0-9a-f]{64}", row["seed"])
    early_look = await show_draw(house.app.db, "raffle")
    assert early_look is not None
    assert (early_look.seed, early_look.entries, early_look.winners) == ("", (), ())
    early = await house.client.post("/api/v1/questions/raffle/draw", headers=key)
    assert (early.status_code, "takes answers until" in early.json()["detail"]) == (409, True)
    house.clock.forward(days=30)
    drawn = [(await house.client.post("/api/v1/questions/raffle/draw", headers=key)).json() for _ in range(2)]
    assert drawn[0] == drawn[1]
    made = drawn[0]
    sha = lambda text: hashlib.sha256(text.encode()).hexdigest()  # noqa: E731
    assert sha(made["seed"]) == made["commitment"] == row["commitment"]
    assert sorted(made["entries"]) == sorted(sha(f"{row['commitment']}:{person}")[:16] for person in people)
    assert [w["entry"] for w in made["winners"]] == sorted(made["entries"], key=lambda e: sha(f"{made['seed']}:{e}"))[:2]
    names = {sha(f"{row['commitment']}:{person}")[:16]: form.get("named", "") for person, form in zip(people, forms, strict=True)}
    assert [w["name"] for w in made["winners"]] == [names[w["entry"]] for w in made["winners"]]
    page = await house.client.get("/draws/raffle")
    assert made["seed"] in page.text
    assert "<b>" not in page.text
    assert "@" not in page.text


async def test_who_takes_part_in_a_draw_sent_the_button_before_it_closed(small_house: House) -> None:
    """What a click stands for was counted under other rules, and whatever came after the date that holds now came too late."""
    house = small_house
    _, _, late, clicked = await voters(house, "raffle", [{"choice": "red"}, {"choice": "grey"}, {"choice": "red"}, {"choice": "grey"}])
    events = METADATA.tables["events"]
    async with house.app.db.write() as tx:
        await tx.execute(events.update().where(events.c.subscriber_id == clicked).values(detail={"how": "click", "choice": "grey"}))
        await tx.execute(events.update().where(events.c.subscriber_id == late).values(at=datetime(2026, 3, 20, 18, tzinfo=UTC)))
    house.clock.forward(days=30)
    made = (await house.client.post("/api/v1/questions/raffle/draw", headers=await house.key("sequences:write"))).json()
    assert len(made["entries"]) == 2


async def test_where_there_is_no_draw_there_is_no_page(house: House) -> None:
    await asked(house)
    gone = (await house.client.get("/a/x")).content
    for name in ("none", "mark", "x" * 300, "%00", "%F0%9F%8E%B2"):
        answer = await house.client.get(f"/draws/{name}")
        assert (answer.status_code, answer.content) == (404, gone), name


async def test_the_result_letter_goes_once_to_all_who_took_part(small_house: House) -> None:
    house = small_house
    people = await voters(house, "raffle", [{"choice": "red", "named": "Anna B."}, {"choice": "grey"}, {"choice": "red"}])
    key = await house.key("all")
    assert (await house.client.post("/api/v1/questions/raffle/announce", headers=key)).status_code == 409
    stored = await house.client.post("/api/v1/questions", content=RAFFLE, headers=key | {"Content-Type": "application/yaml"})
    assert (stored.status_code, stored.json()["warnings"]) == (200, [])
    for days, words in ((0, "when it is closed"), (30, "is not made yet")):
        house.clock.forward(days=days)
        refused = await house.client.post("/api/v1/questions/raffle/announce", headers=key)
        assert (refused.status_code, words in refused.json()["detail"]) == (409, True)
    await house.client.post("/api/v1/questions/raffle/draw", headers=key)
    subscribers = METADATA.tables["subscribers"]
    async with house.app.db.write() as tx:
        await tx.execute(subscribers.update().where(subscribers.c.id == people[1]).values(status="unsubscribed"))
        await tx.execute(subscribers.update().where(subscribers.c.id == people[2]).values(locale="de"))
    told = [(await house.client.post("/api/v1/questions/raffle/announce", headers=key)).json()["letters"] for _ in range(2)]
    assert told == [2, 0]
    rows = await rows_of(house.app.db, "deliveries", kind="service")
    assert [row["subscriber_id"] for row in rows] == [people[0], people[2]]
    [draw] = await rows_of(house.app.db, "draws")
    winners = {w["subscriber"] for w in draw["winners"]}
    assert [row["payload"]["data"]["won"] for row in rows] == [person in winners for person in (people[0], people[2])]
    assert rows[0]["payload"]["data"]["lines"] == [{"text": "Red", "people": 2, "share": "67%"}, {"text": "Grey", "people": 1, "share": "33%"}]
    german = rows[1]["payload"]["data"]
    assert ([line["text"] for line in german["lines"]], german["prize"], german["people"]) == (["Rot", "Grau"], "eine Leiter", 3)


async def test_storing_a_draw_again_keeps_its_promise(small_house: House) -> None:
    await asked(small_house, "raffle")
    [before] = await rows_of(small_house.app.db, "draws")
    key = await small_house.key("all")
    await small_house.client.post("/api/v1/questions", content=RAFFLE, headers=key | {"Content-Type": "application/yaml"})
    assert await rows_of(small_house.app.db, "draws") == [before]


async def test_who_was_erased_is_in_no_draw(small_house: House) -> None:
    people = await voters(small_house, "raffle", [{"choice": "red", "named": "Anna B."}, {"choice": "grey", "named": "Cy"}])
    key = await small_house.key("all")
    await small_house.client.delete(f"/api/v1/subscribers/{people[0]}", headers=key)
    small_house.clock.forward(days=30)
    made = (await small_house.client.post("/api/v1/questions/raffle/draw", headers=key)).json()
    assert (len(made["entries"]), [w["name"] for w in made["winners"]]) == (1, ["Cy"])
    await small_house.client.delete(f"/api/v1/subscribers/{people[1]}", headers=key)
    assert [w["name"] for w in (await small_house.client.post("/api/v1/questions/raffle/draw", headers=key)).json()["winners"]] == [""]


async def test_the_dashboard_shows_results_and_leads_to_people(small_house: House) -> None:
    house = small_house
    people = await voters(house, "trouble", [{"choice": "price", "text": "The <b>chimney</b> leaks"}, {"text": "The b chimney b is leaking"}])
    async with browser(house.app, demo=True) as desk:
        assert "/questions/trouble" in (await desk.get("/questions")).text
        page = await desk.get("/questions/trouble")
        assert (page.status_code, f'href="/people/{people[0]}"' in page.text, "<b>chimney" in page.text) == (200, True, False)
        narrowed = await desk.get("/questions/trouble", params={"word": "chimney"})
        assert [f'href="/people/{person}"' in narrowed.text for person in people] == [True, True]
        for language, words in (("en", "In your own words"), ("ru", "Своими словами"), ("xx", "In your own words")):
            preview = await desk.get(f"/questions/trouble/preview?language={language}")
            assert words in preview.text
            assert "sandbox" in preview.headers["content-security-policy"]
        table = await desk.get("/questions/trouble/answers.csv")
        assert (table.headers["content-type"], len(table.text.splitlines())) == ("text/csv; charset=utf-8", 3)
        assert [table.headers[n] for n in ("content-disposition", "x-content-type-options", "cache-control")] == ['attachment; filename="trouble.csv"', "nosniff", "no-store"]
        for name in ("check", "mark", "raffle"):
            assert (await desk.get(f"/questions/{name}")).status_code == 200
        assert (await desk.get("/questions/none")).status_code == 404


def test_rules_wait_for_an_answer_by_its_choice() -> None:
    from nurture.domain.reacting import Event, reason_for  # noqa: PLC0415
    from nurture.domain.rules import Rule  # noqa: PLC0415
    from nurture.domain.words import EventType  # noqa: PLC0415
    from tests.support.people import NOW  # noqa: PLC0415

    def event(**more: Any) -> Event:
        return Event(1, 1, NOW, EventType.ANSWERED, True, name="trouble", **more)

    rule = Rule.model_validate({"rule": "r", "when": {"did": "answered", "name": "trouble", "choice": "price"}, "then": [{"tag": "x"}]})
    assert reason_for(rule, event(url="question:trouble/price")) == "answered trouble (price) on Mon 2 Mar 2026"
    assert [reason_for(rule, event(url=url)) for url in (None, "question:trouble/time", "question:other/price")] == [None] * 3
    with pytest.raises(ValueError, match="`choice` belongs to an answer"):
        Rule.model_validate({"rule": "r", "when": {"did": "clicked", "choice": "price"}, "then": [{"tag": "x"}]})


IN_GERMAN = """
question: trouble
title: Trouble
text: What troubles you most about your roof?
choices: [{id: price, text: What it costs}, {id: time, text: When it is done}]
thanks: We read all of it.
in:
  de: {title: Ärger, text: Was drückt Sie am meisten?, choices: {price: Was es kostet, time: Wann es fertig ist}}
---
question: check
text: How does your roof stand?
open: false
quiz: [{id: age, text: How old is it?, choices: [{id: young, text: Under twenty, points: 2}, {id: old, text: Older}]}]
bands:
  - {id: act, from: 0, text: Look at it., letter: {id: act, kind: service, subject: "Advice: {{ data.question }}", body: "Do: {{ data.band }}"}}
in:
  de: {text: Wie steht Ihr Dach?, choices: {age: Wie alt ist es?, age/young: Unter zwanzig, age/old: Älter}, bands: {act: Sehen Sie nach.}}
"""


async def test_a_question_speaks_the_readers_language_where_it_has_it(small_house: House) -> None:
    house, german = small_house, {"Accept-Language": "de-AT"}
    await asked(house)
    await apply(house.app.db, load_text(IN_GERMAN).documents, house.clock(), templates=house.app.templates)
    token, _ = await asked(house, "trouble", "otto@example.com", locale="de")
    page = (await house.client.get(f"/a/{token}/price", headers={"Accept-Language": "en"})).text
    assert [words in page for words in ("Ärger", "Was drückt Sie am meisten?", "Was es kostet", "Wann es fertig ist", "What")] == [True] * 4 + [False]
    wrong = await house.client.post(f"/a/{token}", data={"choice": "dirt"})
    assert (wrong.status_code, "Was es kostet" in wrong.text) == (422, True)
    thanks = await house.client.post(f"/a/{token}", data={"choice": "price"})
    assert (WORDS["de"]["answer_thanks_text"] in thanks.text, "We read" in thanks.text) == (True, False)
    assert await given(house) == [("price", "", "page")]
    token, _ = await asked(house, "trouble", "ola@example.com", locale="pl")
    assert "What it costs" in (await house.client.get(f"/a/{token}", headers=german)).text  # of Polish it has no words, and German is not theirs
    token, _ = await asked(house, "check", "emma@example.com", locale="de")
    assert [words in (await house.client.get(f"/a/{token}")).text for words in ("Wie alt ist es?", "Unter zwanzig")] == [True, True]
    assert "Sehen Sie nach." in (await house.client.post(f"/a/{token}", data={"step.age": "old"})).text
    [letter] = await rows_of(house.app.db, "deliveries", kind="service")
    assert (letter["payload"]["data"]["question"], letter["payload"]["data"]["band"]) == ("Wie steht Ihr Dach?", "Sehen Sie nach.")

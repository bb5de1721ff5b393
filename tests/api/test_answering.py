"""Questions are answered on a page of their own: looking changes nothing, the button counts once, own words come first."""

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.public.words import LANGUAGES, WORDS
from nurture.definitions.loading import load_text
from nurture.domain.conditions import Did
from nurture.domain.tokens import Purpose, read
from nurture.services.defining import apply
from nurture.services.folding import fold
from nurture.store.answers import answers_to, count_asked, count_machines, last_words
from nurture.store.conditions import matching
from nurture.store.documents import letter_catalogue
from nurture.store.tables import METADATA
from tests.api.conftest import House, client_of
from tests.api.test_public import everything_but_events
from tests.support.ledger import add_delivery, rows_of
from tests.support.people import add_people

QUESTIONS = """
question: trouble
text: What troubles you most about your roof?
choices: [{id: price, text: What it costs}, {id: time, text: When it is done}, {id: dirt, text: The dirt}]
one_click: true
closes: "2026-12-31"
---
question: mark
title: Your mark
text: How useful was this letter?
rating: 5
thanks: We read every word.
---
question: check
text: How does your roof stand?
open: false
quiz:
  - {id: age, text: How old is it?, choices: [{id: young, text: Under twenty, points: 2}, {id: old, text: Older}]}
  - {id: moss, text: Is there moss?, choices: [{id: none, text: None, points: 2}, {id: some, text: Some, points: 1}, {id: lots, text: Lots}]}
bands:
  - {id: act, from: 0, text: Look at it this month., letter: {id: act, kind: service, subject: "Your roof: {{ data.score }} of {{ data.most }}", body: "Look at it this month."}}
  - {id: calm, from: 3, text: It stands well.}
---
question: raffle
text: Which colour is the finest?
choices: [{id: red, text: Red}, {id: grey, text: Grey}]
draw: {winners: 2, prize: a ladder}
closes: "2026-03-20 18:00"
"""
PLAIN = "letter: ask-{0}\nkind: useful\nsubject: A question\ncall_to_action: {{question: {0}}}\nbody: '[Answer]({{{{ answer_url }}}})'\n"
NAMES = ("trouble", "mark", "check", "raffle")


async def asked(house: House, question: str = "trouble", email: str = "anna@example.com", **columns: Any) -> tuple[str, int]:
    """The token of a letter with this question that somebody got just now, and who."""
    app, letter = house.app, f"ask-{question}/ask-{question}"
    async with app.db.read() as tx:
        row = (await letter_catalogue(tx)).get(letter)
    if row is None:
        loaded = load_text("\n---\n".join([QUESTIONS, *(PLAIN.format(name) for name in NAMES)]))
        assert loaded.faults == ()
        await apply(app.db, loaded.documents, house.clock(), templates=app.templates)
        async with app.db.read() as tx:
            row = (await letter_catalogue(tx))[letter]
    [person] = await add_people(app.db, email, **columns)
    delivery = await add_delivery(app.db, person, (row.id, row.version_id))
    house.clock.forward(minutes=5)
    return house.token(Purpose.ANSWER, delivery, person, row.version_id), person


async def given(house: House, question: str = "trouble") -> list[tuple[str | None, str, str]]:
    async with house.app.db.read() as tx:
        return [(one.answer.choice, one.answer.text, one.how) for one in await answers_to(tx, question)]


async def test_the_page_puts_own_words_first_and_the_pressed_choice_is_set(small_house: House) -> None:
    token, _ = await asked(small_house)
    page = await small_house.client.get(f"/a/{token}/time")
    assert page.status_code == 200
    assert page.text.index("<textarea") < page.text.index('type="radio"')
    assert re.findall(r'value="(\w+)" checked', page.text) == ["time"]
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert f'action="/a/{token}"' in page.text
    assert "script" not in page.text
    unset = await small_house.client.get(f"/a/{token}/nonsense")
    assert (unset.status_code, "checked" in unset.text) == (200, False)


async def test_fifty_looks_at_an_answer_change_nothing_but_events(house: House) -> None:
    token, _ = await asked(house)
    before = await everything_but_events(house)
    calls = [
        house.client.request(method, f"/a/{token}{choice}", headers={"User-Agent": agent})
        for method in ("GET", "HEAD") for agent in ("Barracuda Sentinel", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", "")
        for choice in ("", "/price", "/time", "/dirt", "/nonsense") for _ in range(2)
    ]  # fmt: skip
    assert {a.status_code for a in await asyncio.gather(*calls)} == {200}
    await house.folded()
    assert await everything_but_events(house) == before
    events = await rows_of(house.app.db, "events")
    assert ({e["type"] for e in events}, len(events)) == ({"clicked"}, 60)
    assert {e["url"] for e in events} == {"question:trouble", *(f"question:trouble/{choice}" for choice in ("price", "time", "dirt"))}
    async with house.app.db.read() as tx:
        machines = sum(e["evidence"] == "machine" for e in events)
        assert (await count_machines(tx, "trouble"), await count_asked(tx)) == (machines, {"trouble": 1, "mark": 0, "check": 0, "raffle": 0})
        assert machines > 40
    house.clock.forward(minutes=30)
    await fold(house.app.db, house.clock())
    assert await given(house) == []


async def test_a_post_is_an_answer_and_twice_is_once(house: House) -> None:
    token, person = await asked(house)
    form = {"choice": "price", "text": "It costs\r\ntoo much\x07"}
    for _ in range(3):
        page = await house.client.post(f"/a/{token}", data=form)
        assert (page.status_code, "Thank you" in page.text) == (200, True)
    [event] = await rows_of(house.app.db, "events", type="answered")
    assert (event["name"], event["url"], event["evidence"]) == ("trouble", "question:trouble/price", "human")
    assert event["detail"] == {"how": "page", "choice": "price", "text": "It costs\ntoo much"}
    again = await house.client.get(f"/a/{token}")
    assert ("You answered before" in again.text, "It costs" in again.text, 'value="price" checked' in again.text) == (True, True, True)
    house.clock.forward(minutes=1)
    await house.client.post(f"/a/{token}", data={"choice": "time"})
    assert [line[0] for line in await given(house)] == ["price", "time"]
    async with house.app.db.read() as tx:
        assert [one.answer.choice for one in last_words(await answers_to(tx, "trouble"))] == ["time"]
        for choice, found in (("time", [person]), ("price", [person]), ("dirt", [])):
            condition = Did.model_validate({"did": "answered", "name": "trouble", "choice": choice, "within": "1d"})
            assert await matching(tx, condition, house.clock()) == found


async def test_an_answer_is_a_human_sign(small_house: House) -> None:
    token, person = await asked(small_house)
    await small_house.client.post(f"/a/{token}", data={"text": "The chimney leaks"})
    await fold(small_house.app.db, small_house.clock())
    [standing] = await rows_of(small_house.app.db, "standings")
    assert (standing["subscriber_id"], standing["last_sign_at"] is not None, standing["score"] > 4.9) == (person, True, True)


async def test_what_answers_nothing_is_asked_for_again(small_house: House) -> None:
    forms = {
        "trouble": [{}, {"choice": "nonsense"}, {"text": "  "}, {"text": "x" * 70_000}], "mark": [{"choice": "6"}, {"choice": "0"}],
        "check": [{"step.age": "young"}],
    }  # fmt: skip
    for question, answers in forms.items():
        token, _ = await asked(small_house, question, f"{question}@example.com")
        for form in answers:
            page = await small_house.client.post(f"/a/{token}", data=form)
            assert (page.status_code, 'role="alert"' in page.text) == (422, True), form
    assert await rows_of(small_house.app.db, "events") == []


async def test_a_rating_has_a_value_and_the_questions_own_thanks(small_house: House) -> None:
    token, _ = await asked(small_house, "mark")
    page = await small_house.client.get(f"/a/{token}/4")
    assert re.findall(r'value="(\d)"( checked)?', page.text) == [(str(n), " checked" if n == 4 else "") for n in range(1, 6)]
    thanks = await small_house.client.post(f"/a/{token}", data={"choice": "4"})
    assert "We read every word." in thanks.text
    assert [(e["value"], e["url"]) for e in await rows_of(small_house.app.db, "events", type="answered")] == [(4.0, "question:mark/4")]


async def test_votes_of_machines_do_not_count(small_house: House) -> None:
    token, _ = await asked(small_house, "raffle")
    machines: list[dict[str, Any]] = [
        {"data": {"choice": "red", "website": "http://spam.example"}},
        {"headers": {"User-Agent": "python-requests/2"}, "data": {"choice": "red"}},
        {"headers": {"Sec-Purpose": "prefetch"}, "data": {"choice": "red"}},
    ]
    for more in machines:
        assert (await small_house.client.post(f"/a/{token}", **more)).status_code == 200
    assert await given(small_house, "raffle") == []
    assert [e["evidence"] for e in await rows_of(small_house.app.db, "events", type="answered")] == ["machine"] * 3
    await small_house.client.post(f"/a/{token}", data={"choice": "grey"})
    assert await given(small_house, "raffle") == [("grey", "", "page")]


async def test_one_click_counts_when_it_has_settled_and_nothing_speaks_against_it(house: House) -> None:
    token, person = await asked(house)
    await house.client.get(f"/a/{token}/price")
    await house.folded()
    await fold(house.app.db, house.clock())
    assert await given(house) == []
    house.clock.forward(minutes=11)
    await fold(house.app.db, house.clock())
    assert await given(house) == [("price", "", "click")]
    [answer] = await rows_of(house.app.db, "events", type="answered")
    assert (answer["subscriber_id"], answer["folded"]) == (person, 1)


async def test_a_scanner_that_follows_every_choice_has_voted_for_none(small_house: House) -> None:
    token, _ = await asked(small_house)
    for choice in ("price", "time", "dirt"):
        await small_house.client.get(f"/a/{token}/{choice}")
    await small_house.folded()
    small_house.clock.forward(minutes=11)
    await fold(small_house.app.db, small_house.clock())
    assert await given(small_house) == []


async def test_the_button_goes_before_the_click_it_followed(small_house: House) -> None:
    token, _ = await asked(small_house)
    await small_house.client.get(f"/a/{token}/price")
    small_house.clock.forward(seconds=20)
    await small_house.client.post(f"/a/{token}", data={"choice": "time", "text": "Never on time"})
    await small_house.folded()
    small_house.clock.forward(minutes=11)
    await fold(small_house.app.db, small_house.clock())
    assert await given(small_house) == [("time", "Never on time", "page")]


async def test_a_click_that_falls_later_takes_its_answer_along(house: House) -> None:
    token, _ = await asked(house)
    await house.client.get(f"/a/{token}/price")
    await house.folded()
    house.clock.forward(minutes=11)
    await fold(house.app.db, house.clock())
    events = METADATA.tables["events"]
    async with house.app.db.write() as tx:  # a spool of another machine arrived late: the verdict changes after all
        await tx.execute(events.update().where(events.c.type == "clicked").values(evidence="machine", folded=2))
    await fold(house.app.db, house.clock())
    assert await given(house) == []
    [standing] = await rows_of(house.app.db, "standings")
    assert standing["score"] == 0


async def test_without_one_click_a_click_is_only_a_click(small_house: House) -> None:
    token, _ = await asked(small_house, "mark")
    await small_house.client.get(f"/a/{token}/5")
    await small_house.folded()
    small_house.clock.forward(minutes=11)
    await fold(small_house.app.db, small_house.clock())
    assert await given(small_house, "mark") == []
    assert [e["url"] for e in await rows_of(small_house.app.db, "events")] == ["question:mark/5"]


async def test_a_quiz_has_a_score_and_its_letter_of_advice_follows_once(small_house: House) -> None:
    token, person = await asked(small_house, "check")
    for _ in range(2):
        page = await small_house.client.post(f"/a/{token}", data={"step.age": "old", "step.moss": "some"})
        assert ("You have 1 of 4 points" in page.text, "Look at it this month." in page.text, "on its way" in page.text) == (True, True, True)
    [letter] = await rows_of(small_house.app.db, "deliveries", kind="service")
    assert (letter["subscriber_id"], letter["payload"]["data"]["score"]) == (person, 1)
    [event] = await rows_of(small_house.app.db, "events", type="answered")
    assert (event["url"], event["value"], event["detail"]["steps"]) == ("question:check/act", 1.0, {"age": "old", "moss": "some"})
    calm = await small_house.client.post(f"/a/{token}", data={"step.age": "young", "step.moss": "none"})
    assert ("It stands well" in calm.text, "on its way" in calm.text) == (True, False)


async def test_a_machine_gets_no_letter_of_advice(small_house: House) -> None:
    token, _ = await asked(small_house, "check")
    await small_house.client.post(f"/a/{token}", data={"step.age": "old", "step.moss": "some", "website": "x"})
    assert await rows_of(small_house.app.db, "deliveries", kind="service") == []


async def test_no_advice_is_mailed_to_one_who_left(small_house: House) -> None:
    token, _ = await asked(small_house, "check", status="unsubscribed")
    page = await small_house.client.post(f"/a/{token}", data={"step.age": "old", "step.moss": "some"})
    assert ("Look at it this month." in page.text, "on its way" in page.text) == (True, False)
    assert await rows_of(small_house.app.db, "deliveries", kind="service") == []
    assert len(await given(small_house, "check")) == 1


async def test_a_closed_question_says_so_and_keeps_nothing(small_house: House) -> None:
    token, _ = await asked(small_house)
    small_house.clock.forward(days=365)
    for page in (await small_house.client.get(f"/a/{token}/price"), await small_house.client.post(f"/a/{token}", data={"choice": "price"})):
        assert (page.status_code, "This question is closed" in page.text) == (200, True)
    assert await rows_of(small_house.app.db, "events", type="answered") == []


async def test_after_erasure_nothing_is_recorded_and_the_page_is_the_same(house: House) -> None:
    token, person = await asked(house)
    await house.client.post(f"/a/{token}", data={"choice": "price", "text": "My secret chimney"})
    await _erase(house, person)
    before = await rows_of(house.app.db, "events")
    assert [(e["detail"], e["url"], e["value"]) for e in before] == [(None, None, None)]
    assert (await house.client.get(f"/a/{token}/price")).status_code == 200
    page = await house.client.post(f"/a/{token}", data={"choice": "time"})
    await house.folded()
    assert (page.status_code, "Thank you" in page.text) == (200, True)
    assert await rows_of(house.app.db, "events") == before
    assert await given(house) == []


async def test_wrong_tokens_get_the_same_bytes(small_house: House) -> None:
    token, _ = await asked(small_house)
    reference = await small_house.client.get("/a/x")
    whole = read(token, Purpose.ANSWER, small_house.app.keys)
    assert whole is not None
    others = [small_house.token(p, whole.delivery, whole.subscriber, whole.version) for p in Purpose if p is not Purpose.ANSWER]
    wrong = [token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", token.swapcase(), *others]
    wrong += [token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :] for i in range(44)]
    for text in wrong:
        for path in (f"/a/{text}", f"/a/{text}/price", f"/a/{text}/price/more"):
            for method in ("GET", "POST"):
                answer = await small_house.client.request(method, path, data={"choice": "price"} if method == "POST" else None)
                assert (answer.status_code, answer.content) == (404, reference.content), (method, path)
    assert await rows_of(small_house.app.db, "events") == []
    for prefix, end in (("/u/", ""), ("/preferences/", ""), ("/confirm/", ""), ("/c/", "/0"), ("/o/", ".gif")):
        assert (await small_house.client.get(f"{prefix}{token}{end}")).status_code == 404


async def test_a_letter_without_a_question_has_no_answer_page(small_house: House) -> None:
    from tests.support.ledger import add_letter  # noqa: PLC0415

    _, person = await asked(small_house)
    letter = await add_letter(small_house.app.db)
    token = small_house.token(Purpose.ANSWER, 1, person, letter[1])
    assert (await small_house.client.get(f"/a/{token}")).status_code == 404
    assert (await small_house.client.post(f"/a/{token}", data={"text": "x"})).status_code == 404


async def test_answers_are_taken_while_the_database_is_away(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = await asked(small_house, "check")
    await small_house.client.get(f"/a/{token}")

    class Away:
        async def __aenter__(self) -> None:
            raise OperationalError("x", {}, Exception("away"))

        async def __aexit__(self, *_: object) -> None: ...

    kind = type(small_house.app.db)
    with monkeypatch.context() as broken:
        broken.setattr(kind, "read", lambda _self: Away())
        broken.setattr(kind, "write", lambda _self: Away())
        page = await small_house.client.get(f"/a/{token}")
        assert (page.status_code, "Is there moss?" in page.text) == (200, True)
        thanks = await small_house.client.post(f"/a/{token}", data={"step.age": "old", "step.moss": "lots"})
        assert (thanks.status_code, "Thank you" in thanks.text) == (200, True)
        nonsense = await small_house.client.post(f"/a/{token}", data={"step.age": "nonsense"})
        assert nonsense.status_code == 200
    at = small_house.clock()
    small_house.clock.forward(hours=2)
    for _ in range(2):
        await small_house.folded()
    [event] = await rows_of(small_house.app.db, "events", type="answered")
    assert (event["at"], event["url"]) == (at, "question:check/act")
    assert len(await rows_of(small_house.app.db, "deliveries", kind="service")) == 1


async def test_too_many_answers_are_asked_to_wait(small_house: House) -> None:
    token, _ = await asked(small_house)
    answers = [await small_house.client.post(f"/a/{token}", data={"text": f"answer {n}"}) for n in range(22)]
    assert [a.status_code for a in answers] == [200] * 20 + [429] * 2
    assert answers[-1].headers["retry-after"] == "3600"
    assert len(await given(small_house)) == 20


async def test_too_many_answers_from_one_place_are_asked_to_wait(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.public.answering.BY_IP", 2)
    api = create_app(small_house.app)
    told = [(n, ip) for n, ip in enumerate(("2001:db8::1", "2001:db8::2", "2001:db8::3", "198.51.100.1"))]
    codes = []
    for n, ip in told:
        token, _ = await asked(small_house, "trouble", f"voter{n}@example.com")
        async with client_of(api, ip=ip) as client:
            codes.append((await client.post(f"/a/{token}", data={"choice": "price"})).status_code)
    assert codes == [200, 200, 429, 200]
    assert len(await given(small_house)) == 3


async def test_pages_speak_the_readers_language(small_house: House) -> None:
    for locale in LANGUAGES:
        token, _ = await asked(small_house, "raffle", f"{locale}@example.com", locale=locale)
        page = await small_house.client.get(f"/a/{token}", headers={"Accept-Language": "en"})
        assert page.headers["content-language"] == locale
        for key in ("answer_open", "answer_or", "answer_button", "answer_named", "answer_commitment"):
            assert WORDS[locale][key] in page.text
        thanks = await small_house.client.post(f"/a/{token}", data={"choice": "red"})
        assert WORDS[locale]["answer_thanks_title"] in thanks.text
        assert WORDS[locale]["answer_entry"].partition("{")[0] in thanks.text


async def _erase(house: House, person: int) -> None:
    key = await house.key("all")
    assert (await house.client.delete(f"/api/v1/subscribers/{person}", headers=key)).status_code in (200, 202, 204)

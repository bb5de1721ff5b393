"""What a reader may say beside leaving: undo it, why, single topics, their zone and language. In four languages, without script."""

import re
from typing import Any

import pytest

from api.public.words import LANGUAGES, WORDS
from nurture.domain.documents import Policy
from nurture.domain.tokens import Purpose
from nurture.store.documents import save_document
from nurture.store.tables import METADATA
from tests.api.conftest import House
from tests.api.test_joining import POLICY
from tests.api.test_public import everything_but_events, letter_for, path_of
from tests.support.ledger import rows_of


@pytest.fixture
async def topical(house: House) -> House:
    async with house.app.db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY), "live", house.clock())
    return house


async def person(house: House) -> dict[str, Any]:
    [row] = await rows_of(house.app.db, "subscribers")
    return row


async def enrolled(house: House, subscriber: int) -> None:
    documents, enrolments = METADATA.tables["documents"], METADATA.tables["enrolments"]
    at = house.clock()
    async with house.app.db.write() as tx:
        values = {"type": "sequence", "name": "school", "state": "live", "version": 1, "content": {}, "created_at": at, "changed_at": at}
        sequence = (await tx.execute(documents.insert().values(**values).returning(documents.c.id))).scalar_one()
        for number, state, ended in ((1, "done", at), (2, "active", None)):
            row = {"sequence_id": sequence, "subscriber_id": subscriber, "number": number, "state": state, "ended_at": ended, "by": "api", "enrolled_at": at, "history": []}
            await tx.execute(enrolments.insert().values(**row))


async def test_leaving_is_undone_as_if_it_had_not_been(house: House) -> None:
    tokens = await letter_for(house)
    await enrolled(house, (await person(house))["id"])
    house.clock.forward(minutes=1)
    left = await house.client.post(path_of(Purpose.LEAVE, tokens[Purpose.LEAVE]))
    assert [e["state"] for e in await rows_of(house.app.db, "enrolments")] == ["done", "left"]
    (address,) = set(re.findall(r'action="(/preferences/[\w-]+)"', left.text))
    house.clock.forward(days=29)
    for _ in range(2):
        assert (await house.client.get(address)).status_code == 200
    assert (await person(house))["status"] == "unsubscribed"
    undone = await house.client.post(address, data={"choice": "undo"})
    assert "Your letters are back" in undone.text
    assert (await person(house))["status"] == "subscribed"
    assert [(e["state"], e["ended_at"] is None) for e in await rows_of(house.app.db, "enrolments")] == [("done", False), ("active", True)]
    assert [(c["what"], c["granted"], c["source"]) for c in await rows_of(house.app.db, "consents")] == [("mail", False, "leave-link"), ("mail", True, "undo")]
    assert [e["type"] for e in await rows_of(house.app.db, "events", type="resubscribed")] == ["resubscribed"]
    before = await person(house)
    await house.client.post(address, data={"choice": "undo"})
    assert await person(house) == before


@pytest.mark.parametrize(("status", "days"), [("unsubscribed", 31), ("complained", 1), ("bounced", 1)])
async def test_what_is_not_undone(house: House, status: str, days: int) -> None:
    tokens = await letter_for(house, status=status)
    house.clock.forward(days=days)
    await house.client.post(path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES]), data={"choice": "undo"})
    assert (await person(house))["status"] == status


@pytest.mark.parametrize(("status", "after"), [("archived", "subscribed"), ("subscribed", "subscribed"), ("unsubscribed", "unsubscribed"), ("complained", "complained")])
async def test_who_stays_says_so_by_their_own_post(house: House, status: str, after: str) -> None:
    tokens = await letter_for(house, status=status)
    path = f"/stay/{tokens[Purpose.PREFERENCES]}"
    before = await everything_but_events(house)
    for method in ("GET", "HEAD"):
        assert (await house.client.request(method, path)).status_code == 200
    assert await everything_but_events(house) == before
    for _ in range(2):
        assert (await house.client.post(path)).status_code == 200
    assert (await person(house))["status"] == after
    assert [e["name"] for e in await rows_of(house.app.db, "events", type="answered")] == ["stay"] * (after == "subscribed")
    assert [(c["source"], c["granted"]) for c in await rows_of(house.app.db, "consents")] == [("stay", True)] * (status == "archived")


async def test_why_is_kept_once_a_day(house: House) -> None:
    tokens = await letter_for(house)
    path = path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES])
    await house.client.post(path_of(Purpose.LEAVE, tokens[Purpose.LEAVE]))
    for why in ("often", "useless", "<script>"):
        answer = await house.client.post(path, data={"choice": "why", "why": why})
        assert (answer.status_code, "Thank you for telling us" in answer.text) == (200, True)
    assert [e["name"] for e in await rows_of(house.app.db, "events", type="answered")] == ["left: often"]


async def test_a_topic_is_left_and_taken_up_again(topical: House) -> None:
    tokens = await letter_for(topical)
    path = path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES])
    page = await topical.client.post(path, data={"choice": "topic_off", "topic": "roofs"})
    assert "Read about it again: Roofs" in page.text
    assert "Leave this topic: Walls" in page.text
    assert (await person(topical))["topics"] == {"roofs": False}
    assert (await person(topical))["status"] == "subscribed"
    topical.clock.forward(seconds=1)
    await topical.client.post(path, data={"choice": "topic_on", "topic": "roofs"})
    assert (await person(topical))["topics"] == {"roofs": True}
    before = await person(topical)
    await topical.client.post(path, data={"choice": "topic_off", "topic": "nothing"})
    assert await person(topical) == before
    assert [(c["what"], c["granted"]) for c in await rows_of(topical.app.db, "consents")] == [("topic:roofs", False), ("topic:roofs", True)]


async def test_zone_and_language_are_the_readers_own_word(house: House) -> None:
    tokens = await letter_for(house)
    path = path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES])
    await house.client.post(path, data={"choice": "zone", "timezone": "Pacific/Auckland"})
    assert ((await person(house))["timezone"], (await person(house))["zone_source"]) == ("Pacific/Auckland", "explicit")
    wrong = await house.client.post(path, data={"choice": "zone", "timezone": "<b>Mars"})
    assert (wrong.status_code, "We do not know this time zone" in wrong.text, "&lt;b&gt;Mars" in wrong.text) == (422, True, True)
    house.clock.forward(seconds=1)
    page = await house.client.post(path, data={"choice": "language", "language": "ru"})
    assert ((await person(house))["locale"], page.headers["content-language"]) == ("ru", "ru")
    await house.client.post(path, data={"choice": "language", "language": "xx"})
    assert (await person(house))["locale"] == "ru"


async def test_the_pages_of_somebody_who_is_erased_look_like_any(house: House) -> None:
    token = house.token(Purpose.PREFERENCES, 999_999, 888_888, 1)
    for choice in ({"choice": "undo"}, {"choice": "why", "why": "often"}, {"choice": "zone", "timezone": "Europe/Berlin"}, {"choice": "topic_off", "topic": "x"}):
        assert (await house.client.post(f"/preferences/{token}", data=choice)).status_code == 200
    assert await rows_of(house.app.db, "events") == []


def test_every_language_has_the_same_words() -> None:
    for code in LANGUAGES:
        assert WORDS[code].keys() == WORDS["en"].keys(), code
        assert all(text.strip() for text in WORDS[code].values())
        for key, text in WORDS[code].items():
            assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", WORDS["en"][key]), (code, key)

"""What may be counted of a person: by their own word on the page, in a form, by a program or a file; in the log each time, and kept to."""

from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.documents import Policy
from nurture.domain.engagement import judge
from nurture.domain.signs import yardstick_of
from nurture.domain.tokens import Purpose, of_nobody
from nurture.domain.words import Engagement
from nurture.services.folding import fold
from nurture.services.importing import import_csv
from nurture.store.documents import save_document
from nurture.store.standings import stream_signs
from tests.api.conftest import House
from tests.api.test_joining import POLICY
from tests.api.test_public import letter_for, path_of
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW

LEVELS = ("none", "aggregate", "individual")


async def logged(house: House) -> list[tuple[Any, ...]]:
    return [(c["wording"], c["granted"], c["source"]) for c in await rows_of(house.app.db, "consents", what="tracking")]


async def person(house: House) -> dict[str, Any]:
    [row] = await rows_of(house.app.db, "subscribers")
    return row


async def test_the_reader_says_what_may_be_counted(house: House) -> None:
    tokens = await letter_for(house)
    path = path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES])
    assert 'value="individual" aria-pressed="true"' in (await house.client.get(path)).text
    for level in LEVELS:
        house.clock.forward(seconds=1)
        page = await house.client.post(path, data={"choice": "tracking", "tracking": level})
        assert (page.status_code, f'value="{level}" aria-pressed="true"' in page.text, 'role="status"' in page.text) == (200, True, True)
        assert (await person(house))["tracking"] == level
    before = await rows_of(house.app.db, "subscribers")
    for odd in ("everything", "", "NONE"):
        assert (await house.client.post(path, data={"choice": "tracking", "tracking": odd})).status_code == 200
    assert await rows_of(house.app.db, "subscribers") == before
    assert await logged(house) == [("none", False, "preferences"), ("aggregate", True, "preferences"), ("individual", True, "preferences")]
    assert await rows_of(house.app.db, "events", type="opened") == []


async def test_with_none_nothing_is_stored_and_links_of_old_letters_lead_on(house: House) -> None:
    tokens = await letter_for(house)
    await house.client.post(path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES]), data={"choice": "tracking", "tracking": "none"})
    house.clock.forward(hours=1)
    assert (await house.client.get(path_of(Purpose.OPEN, tokens[Purpose.OPEN]))).status_code == 200
    assert (await house.client.get(path_of(Purpose.CLICK, tokens[Purpose.CLICK], 1))).headers["location"] == "https://example.com/b"
    for purpose in (Purpose.LEAVE, Purpose.PREFERENCES):
        assert (await house.client.get(path_of(purpose, tokens[purpose]))).status_code == 200
    await house.folded()
    assert await rows_of(house.app.db, "events") == []


async def test_a_token_of_nobody_leads_on_and_counts_without_a_person(house: House) -> None:
    _, version = await add_letter(house.app.db)
    [key, *_] = house.app.keys
    for _ in range(2):
        answer = await house.client.get(path_of(Purpose.CLICK, of_nobody(Purpose.CLICK, version, key), 1))
        assert answer.headers["location"] == "https://example.com/b"
    await house.client.get(path_of(Purpose.OPEN, of_nobody(Purpose.OPEN, version, key)))
    await house.folded()
    events = await rows_of(house.app.db, "events")
    assert [(e["type"], e["detail"]["version"]) for e in events] == [("clicked", version), ("clicked", version), ("opened", version)]
    for event in events:
        assert (event["subscriber_id"], event["delivery_id"], event["ip"], event["agent"], event["url"]) == (0, None, None, None, None)
    assert await rows_of(house.app.db, "standings") == []


async def test_a_form_asks_and_nobody_else_is_changed_by_it(house: House) -> None:
    form = {"title": "Letters", "text": "Two letters a week.", "ask": ["first_name", "tracking"]}
    async with house.app.db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY | {"forms": {"site": form, "plain": form | {"ask": []}}}), "live", house.clock())
    page = await house.client.get("/subscribe/site", headers={"Accept-Language": "ru"})
    assert [page.text.count(f'type="radio" name="tracking" value="{level}"') for level in LEVELS] == [1, 1, 1]
    assert "checked" not in page.text
    assert 'name="tracking"' not in (await house.client.get("/subscribe/plain")).text
    told = {"none@example.org": "none", "few@example.org": "aggregate", "silent@example.org": "", "odd@example.org": "all"}
    for email, level in told.items():
        await house.client.post("/subscribe/site", data={"email": email, "tracking": level})
    await house.client.post("/subscribe/site", json={"email": "json@example.org", "tracking": "none"})
    await house.client.post("/subscribe/plain", data={"email": "plain@example.org", "tracking": "none"})
    found = {row["email"]: row["tracking"] for row in await rows_of(house.app.db, "subscribers")}
    assert found == {"none@example.org": "none", "few@example.org": "aggregate", "silent@example.org": None, "odd@example.org": None, "json@example.org": "none", "plain@example.org": None}
    house.clock.forward(hours=2)
    await house.client.post("/subscribe/site", data={"email": "none@example.org", "tracking": "individual"})
    assert (await rows_of(house.app.db, "subscribers", email="none@example.org"))[0]["tracking"] == "none"
    assert await logged(house) == [("none", False, "form:site"), ("aggregate", True, "form:site"), ("none", False, "form:site")]


async def test_a_program_and_a_file_are_logged_too(house: House, tmp_path: Any) -> None:
    key = await house.key("all")
    made = (await house.client.post("/api/v1/subscribers", json={"email": "a@example.org", "tracking": "aggregate"}, headers=key)).json()
    await house.client.patch(f"/api/v1/subscribers/{made['id']}", json={"tracking": "none"}, headers=key)
    await house.client.patch(f"/api/v1/subscribers/{made['id']}", json={"tracking": "none", "name": "A"}, headers=key)
    assert await logged(house) == [("aggregate", True, "api"), ("none", False, "api")]
    file = tmp_path / "people.csv"
    file.write_text("email,tracking\nb@example.org,none\na@example.org,individual\nc@example.org,\n")
    await import_csv(house.app.db, file, now=house.clock())
    assert {r["email"]: r["tracking"] for r in await rows_of(house.app.db, "subscribers")} == {"a@example.org": "none", "b@example.org": "none", "c@example.org": None}
    assert (await logged(house))[2:] == [("none", False, "import")]


@pytest.mark.parametrize("level", LEVELS)
async def test_the_class_says_that_it_cannot_be_seen(house: House, level: str) -> None:
    tokens = await letter_for(house)
    for n in range(6):
        letter = await add_letter(house.app.db, f"school/{n}")
        await add_delivery(house.app.db, (await person(house))["id"], letter, accepted_at=NOW - timedelta(days=40 - n))
    await house.client.post(path_of(Purpose.PREFERENCES, tokens[Purpose.PREFERENCES]), data={"choice": "tracking", "tracking": level})
    await fold(house.app.db, house.clock())
    async with house.app.db.read() as tx:
        [signs] = await stream_signs(tx, 0, 10)
    said = judge(signs, yardstick_of(Policy(), house.clock()))
    assert said.engagement is (Engagement.PASSIVE if level == "individual" else Engagement.UNOBSERVABLE)

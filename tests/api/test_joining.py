"""Joining, from the form to the first letter that may come: hosted, as JSON, confirmed by POST; what a stranger and a machine may do."""

import re
import time
from typing import Any

import pytest

from api.limits import household
from nurture.domain.documents import Policy
from nurture.domain.tokens import Purpose
from nurture.services.erasing import erase
from nurture.services.leaving import leave
from nurture.services.sending import SendingRules, send_due
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.workers import enlist
from tests.api.conftest import House, client_of
from tests.support.ledger import add_delivery, add_letter, rows_of

POLICY = {
    "policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "postal_address": "12 Slate Lane, 10115 Berlin",
    "topics": {"roofs": "Roofs", "walls": "Walls"},
    "forms": {"site": {"title": "Letters about roofs", "text": "Two letters a week about roofs.", "topics": ["roofs", "walls"], "tags": ["web"]}},
}  # fmt: skip
MIA = {"email": "Mia@Example.org", "first_name": "Mia", "topic": ["roofs"]}


@pytest.fixture
async def house(small_house: House) -> House:
    async with small_house.app.db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY), "live", small_house.clock())
    return small_house


async def people(db: Database) -> list[dict[str, Any]]:
    return await rows_of(db, "subscribers")


async def asks(db: Database) -> list[dict[str, Any]]:
    return await rows_of(db, "deliveries", kind="service")


def link(house: House, row: dict[str, Any]) -> str:
    return f"/confirm/{house.token(Purpose.CONFIRM, row['id'], row['subscriber_id'], row['version_id'])}"


async def test_the_hosted_form(house: House) -> None:
    page = await house.client.get("/subscribe/site", headers={"Accept-Language": "de"})
    assert page.status_code == 200
    assert page.headers["content-language"] == "de"
    for told in ("Letters about roofs", "Two letters a week about roofs.", 'name="email"', 'name="first_name"', "Roofs", "Walls", "Ihre E-Mail-Adresse"):
        assert told in page.text
    assert "<script" not in page.text
    assert await people(house.app.db) == []
    assert (await house.client.get("/subscribe/other")).status_code == 404


async def test_a_person_joins_by_their_own_two_acts(house: House) -> None:
    client, db = house.client, house.app.db
    answer = await client.post("/subscribe/site", data=MIA, headers={"Accept-Language": "pl"})
    assert (answer.status_code, "Prosimy zajrzeć do skrzynki" in answer.text) == (200, True)
    [person] = await people(db)
    assert (person["email"], person["status"], person["source"], person["first_name"], person["locale"]) == ("mia@example.org", "pending", "form:site", "Mia", "pl")
    assert person["topics"] == {"roofs": True, "walls": False}
    [row] = await asks(db)
    assert row["payload"]["subject"] == "Prosimy o potwierdzenie: Letters about roofs"

    async with db.write() as tx:
        lease = await enlist(tx, "joining", house.clock())
    await send_due(db, house.app.relay, lease, SendingRules("http://letters.example", captures=True), house.app.keys, house.clock)
    [captured] = list((house.app.settings.data_dir / "captured").rglob("*.eml"))
    assert re.search(r"http://letters\.example/confirm/[\w=\r\n-]{44,60}", captured.read_text())
    for _ in range(3):
        looked = await client.get(link(house, row))
        assert (looked.status_code, "Tak, chcę" in looked.text) == (200, True)
    assert [p["status"] for p in await people(db)] == ["pending"]
    for _ in range(2):
        done = await client.post(link(house, row))
        assert (done.status_code, "Witamy" in done.text) == (200, True)
    assert [p["status"] for p in await people(db)] == ["subscribed"]
    consents = [(c["what"], c["granted"], c["source"], c["wording"], c["ip"]) for c in await rows_of(db, "consents")]
    assert consents == [(what, True, "form:site", "Two letters a week about roofs.", "203.0.113.9") for what in ("asked", "mail")]
    [event] = await rows_of(db, "events")
    assert (event["type"], event["evidence"], event["name"]) == ("joined", "human", "form:site")
    assert [t["tag"] for t in await rows_of(db, "subscriber_tags")] == ["web"]


async def test_the_answer_tells_nobody_who_is_known(house: House) -> None:
    client, db = house.client, house.app.db
    first = await client.post("/subscribe/site", data=MIA)
    [row] = await asks(db)
    await client.post(link(house, row))
    for _ in range(3):
        again = await client.post("/subscribe/site", data=MIA)
        assert again.text == first.text
    assert len(await asks(db)) == 1


async def test_one_who_left_begins_afresh_and_an_old_link_brings_nobody_back(house: House) -> None:
    client, db = house.client, house.app.db
    await client.post("/subscribe/site", data=MIA)
    [row] = await asks(db)
    await client.post(link(house, row))
    house.clock.forward(hours=3)
    await leave(db, row["subscriber_id"], delivery_id=None, now=house.clock(), how="leave-link")
    old = await client.post(link(house, row))
    assert "grown old" in old.text
    assert [p["status"] for p in await people(db)] == ["unsubscribed"]
    house.clock.forward(hours=1)
    await client.post("/subscribe/site", data=MIA)
    assert [p["status"] for p in await people(db)] == ["unsubscribed"]
    fresh = (await asks(db))[-1]
    assert fresh["id"] != row["id"]
    await client.post("/subscribe/site", data=MIA | {"email": "tom@example.org"})
    other = (await asks(db))[-1]
    letter = await add_delivery(db, row["subscriber_id"], await add_letter(db), created_at=house.clock())
    for strange in (other["id"], letter):  # neither another person's letter nor one that asks nothing brings them back
        assert "grown old" in (await client.post(f"/confirm/{house.token(Purpose.CONFIRM, strange, row['subscriber_id'], 1)}")).text
    assert {p["email"]: p["status"] for p in await people(db)} == {"mia@example.org": "unsubscribed", "tom@example.org": "pending"}
    await client.post(link(house, fresh))
    assert [p["status"] for p in await people(db)] == ["subscribed", "pending"]


async def test_who_was_erased_may_come_back_by_their_own_act(house: House) -> None:
    """From then on lists that have the address may be taken in again."""
    client, db = house.client, house.app.db
    for n in range(2):
        await client.post("/subscribe/site", data=MIA)
        assert len(await rows_of(db, "suppressions")) == n
        await client.post(link(house, (await asks(db))[-1]))
        assert await rows_of(db, "suppressions") == []
        if not n:
            await erase(db, (await people(db))[0]["id"], house.clock())
    assert [p["status"] for p in await people(db)] == ["archived", "subscribed"]


async def test_one_mailbox_gets_one_letter_an_hour(house: House) -> None:
    for _ in range(5):
        await house.client.post("/subscribe/site", data=MIA)
    assert len(await asks(house.app.db)) == 1
    house.clock.forward(hours=1)
    await house.client.post("/subscribe/site", data=MIA)
    assert len(await asks(house.app.db)) == 2


async def test_all_spellings_of_a_mailbox_get_three_letters_an_hour(house: House) -> None:
    spellings = ["mia@gmail.com", "m.ia@gmail.com", "Mia+1@gmail.com", "mia+2@googlemail.com", "mia+3@gmail.com", "tom@gmail.com"]
    answers = [await house.client.post("/subscribe/site", data={"email": email}) for email in spellings]
    assert len({(a.status_code, a.text) for a in answers}) == 1
    asked = {row["subscriber_id"] for row in await asks(house.app.db)}
    assert [p["email"] for p in await people(house.app.db) if p["id"] in asked] == ["mia@gmail.com", "m.ia@gmail.com", "mia+1@gmail.com", "tom@gmail.com"]


async def test_the_time_of_the_answer_tells_nobody_who_is_known(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter to a newcomer takes its time; who is known waits as long."""
    step = 0.25
    await house.client.post("/subscribe/site", data=MIA)
    monkeypatch.setattr("api.public.joining.EVEN", step)
    for more in ({}, {"website": "x"}):
        began = time.monotonic()
        await house.client.post("/subscribe/site", data=MIA | more)
        assert time.monotonic() - began >= step


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 8_000 + b"]" * 8_000, 422), (b'{"a":' * 2_700 + b"1" + b"}" * 2_700, 422),
        (b'{"email": "mia@example.org", "first_name": "\\ud800M\\u0000ia", "locale": "\\ud800", "topics": ["\\udfff"]}', 202),
    ],
)  # fmt: skip
async def test_hostile_json_is_no_internal_error(house: House, body: bytes, status: int) -> None:
    answer = await house.client.post("/subscribe/site", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert [p["first_name"] for p in await people(house.app.db)] == (["?Mia"] if status == 202 else [])


async def test_json_from_another_site(house: House) -> None:
    client = house.client
    asked = await client.post("/subscribe/site", json={"email": "mia@example.org", "topics": ["walls", "hidden"], "timezone": "Europe/Warsaw", "locale": "pl", "status": "subscribed", "id": 7})
    assert (asked.status_code, asked.json(), asked.headers["access-control-allow-origin"]) == (202, {"status": "asked"}, "*")
    [person] = await people(house.app.db)
    assert (person["status"], person["topics"], person["timezone"], person["zone_source"], person["locale"]) == ("pending", {"roofs": False, "walls": True}, "Europe/Warsaw", "form", "pl")
    wrong = await client.post("/subscribe/site", json={"email": "nobody"})
    assert (wrong.status_code, "not an e-mail address" in wrong.json()["detail"]) == (422, True)
    assert (await client.post("/subscribe/nowhere", json={"email": "a@b.example"})).status_code == 404
    assert (await client.post("/subscribe/site", content=b"[1", headers={"Content-Type": "application/json"})).status_code == 422
    assert (await client.options("/subscribe/site")).status_code == 204
    long = "x" * 17_000
    for told, status in (({"json": {"email": "long@example.org", "name": long}}, 422), ({"data": {"email": "long@example.org", "name": long}}, 404)):
        assert (await client.post("/subscribe/site", **told)).status_code == status  # type: ignore[arg-type]
    assert len(await people(house.app.db)) == 1
    [*_, flood] = [await client.post("/subscribe/site", json={"email": "mia@example.org"}) for _ in range(20)]
    assert (flood.status_code, flood.headers["retry-after"], flood.headers["access-control-allow-origin"]) == (429, "3600", "*")
    assert flood.headers["content-type"] == "application/problem+json"


async def test_a_machine_that_fills_in_everything_is_not_taken_in(house: House) -> None:
    answer = await house.client.post("/subscribe/site", data=MIA | {"website": "https://spam.example"})
    assert answer.status_code == 200
    assert await people(house.app.db) == []


async def test_a_wrong_address_is_told_beside_its_field(house: House) -> None:
    answer = await house.client.post("/subscribe/site", data=MIA | {"email": "<script>@x"}, headers={"Accept-Language": "ru"})
    assert answer.status_code == 422
    assert "Это не адрес" in answer.text
    assert 'value="&lt;script&gt;@x"' in answer.text
    assert 'value="Mia"' in answer.text


async def test_a_flood_from_one_address_ends(house: House) -> None:
    statuses = [(await house.client.post("/subscribe/site", data=MIA | {"email": f"p{n}@example.org"})).status_code for n in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    assert len(await people(house.app.db)) == 20


async def test_a_flood_from_one_line_of_ipv6_ends(house: House) -> None:
    """Whoever has IPv6 has 2^64 addresses; they count as one."""
    statuses = []
    for n in range(22):
        async with client_of(house.api, ip=f"2001:db8:1:2::{n:x}") as client:
            statuses.append((await client.post("/subscribe/site", data=MIA)).status_code)
    assert statuses == [200] * 20 + [429] * 2
    async with client_of(house.api, ip="2001:db8:1:3::1") as neighbour:
        assert (await neighbour.post("/subscribe/site", data=MIA)).status_code == 200


def test_who_counts_as_one() -> None:
    same = ["2001:db8::1", "2001:db8:0:0:ffff::9", "2001:db8::1%eth0"]
    assert {household(ip) for ip in same} == {"2001:db8::"}
    assert household("::ffff:203.0.113.9") == household("203.0.113.9") == "203.0.113.9"
    assert (household("2001:db8:0:1::1"), household(""), household("unix")) == ("2001:db8:0:1::", "", "unix")


async def test_forged_links_confirm_nobody(house: House) -> None:
    await house.client.post("/subscribe/site", data=MIA)
    [row] = await asks(house.app.db)
    swapped = link(house, row).replace("/confirm/", "")
    other = house.token(Purpose.LEAVE, row["id"], row["subscriber_id"], row["version_id"])
    for token in (other, swapped[:-1] + ("A" if swapped[-1] != "A" else "B"), "x"):
        assert (await house.client.post(f"/confirm/{token}")).status_code == 404
    assert [p["status"] for p in await people(house.app.db)] == ["pending"]


def test_a_form_offers_only_topics_that_there_are() -> None:
    with pytest.raises(ValueError, match="which the policy does not have"):
        Policy.model_validate(POLICY | {"topics": {}})

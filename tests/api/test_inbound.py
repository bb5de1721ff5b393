"""POST /inbound/{provider}: believed, counted once, and nothing said to anybody else."""

import json
from dataclasses import replace

import pytest

from api.app import create_app
from nurture.settings import Settings
from tests.api.conftest import House, client_of
from tests.mail.inbound.test_providers import basic, from_mailgun
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people


@pytest.fixture
def listening(small_house: House) -> House:
    settings = small_house.app.settings.model_copy(update={"inbound_mailgun": "key", "inbound_postmark": "word"})
    assert isinstance(settings, Settings)
    app = replace(small_house.app, settings=settings, clock=lambda: NOW)
    transport = small_house.client._transport
    transport.app = create_app(app)  # type: ignore[attr-defined]
    return small_house


BOUNCE = {
    "event": "failed", "severity": "permanent", "reason": "bounce", "id": "e1", "recipient": "mia@example.org",
    "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
}  # fmt: skip


async def test_a_bounce_is_taken_in_once(listening: House) -> None:
    db = listening.app.db
    [person] = await add_people(db, "mia@example.org")
    delivery = await add_delivery(db, person, await add_letter(db, "school/inbound"))
    for _ in range(2):
        answer = await listening.client.post("/inbound/mailgun", json=from_mailgun(BOUNCE, at=NOW))
        assert (answer.status_code, answer.text) == (200, "Heard\n")
    [event] = await rows_of(db, "events", subscriber_id=person)
    assert (event["type"], event["name"], event["delivery_id"]) == ("bounced", "hard", delivery)
    assert [r["status"] for r in await rows_of(db, "subscribers", id=person)] == ["bounced"]


async def test_nobody_else_is_heard(listening: House) -> None:
    client = listening.client
    assert (await client.post("/inbound/mailgun", json=from_mailgun(BOUNCE, at=NOW, key="guess"))).status_code == 403
    assert (await client.post("/inbound/postmark", json={}, headers=basic("guess"))).status_code == 403
    assert (await client.post("/inbound/mailgun", content=b"\xff{")).status_code == 403
    for unknown in ("ses", "sendgrid", "nobody", "__class__"):
        assert (await client.post(f"/inbound/{unknown}", json={})).status_code == 404
    assert (await client.get("/inbound/mailgun")).status_code in (404, 405)
    assert (await client.post("/inbound/mailgun", content=b"x" * 1_500_000)).status_code == 413


DEEP = b"[" * 9_000 + b"]" * 9_000
SIGNED = {"timestamp": "1", "token": "t", "signature": "s"}
NOT_THEIRS = [
    ("mailgun", {}, DEEP), ("mailgun", {}, b'{"a":' * 5_000 + b"1" + b"}" * 5_000), ("mailgun", {}, b"9" * 6_000),
    ("mailgun", {}, json.dumps({"signature": SIGNED | {"signature": "\u00e9"}, "event-data": {}})),
    ("mailgun", {}, json.dumps({"signature": SIGNED | {"token": "\ud800"}, "event-data": {}})),
    ("postmark", {"Authorization": "Basic \u00e9"}, b"{}"), ("postmark", {"Authorization": "Bearer \u00e9"}, b"{}"), ("postmark", basic("word"), DEEP),
]  # fmt: skip


async def test_hostile_calls_are_refused_and_no_internal_error(listening: House) -> None:
    for provider, headers, body in NOT_THEIRS:
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = await listening.client.post(f"/inbound/{provider}", content=body, headers=raw)
        assert answer.status_code == 403, (provider, headers, body[:80])


async def test_odd_words_of_a_provider_are_taken_in(house: House) -> None:
    """What a receiving server answered stands in the call as it said it: no database takes a lone surrogate, PostgreSQL no NUL."""
    settings = house.app.settings.model_copy(update={"inbound_postmark": "word"})
    await add_people(house.app.db, "mia@example.org")
    async with client_of(create_app(replace(house.app, settings=settings))) as client:
        for odd in ("\ud800", "a\0b", "x" * 9_000):
            row = {"RecordType": "Bounce", "Type": "SoftBounce", "ID": odd, "Email": "mia@example.org", "Details": odd, "Description": odd}
            answer = await client.post("/inbound/postmark", content=json.dumps(row), headers=basic("word"))
            assert (answer.status_code, answer.text) == (200, "Heard\n"), odd[:9]

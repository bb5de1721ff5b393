"""POST /inbound/{provider}: believed, counted once, and nothing said to anybody else."""

from dataclasses import replace

import pytest

from api.app import create_app
from nurture.settings import Settings
from tests.api.conftest import House
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

"""/api/v1/deliveries: letters in doubt, the proof, and how sending stands."""

from nurture.domain.throttles import rested, slowed
from nurture.store.outbox import plan_rows
from nurture.store.throttles import change_throttle, load_throttles
from tests.api.conftest import House
from tests.support import outbox_rows
from tests.support.people import NOW, add_people


async def test_letters_in_doubt_are_resolved_and_proved(house: House) -> None:
    letter = await outbox_rows.add_letter(house.app.db)
    people = await add_people(house.app.db, "a@example.com", "b@example.com")
    async with house.app.db.write() as tx:
        await plan_rows(tx, [outbox_rows.planned(letter, p) for p in people])
    for row in await outbox_rows.the_rows(house.app.db):
        await outbox_rows.set_row(house.app.db, row.id, state="held", dup_risk=1, handed_at=NOW)
    reads, writes = await house.key("deliveries:read"), await house.key("deliveries:write")
    proof = (await house.client.get("/api/v1/deliveries/proof", headers=reads)).json()
    assert (proof["safe"], proof["held"], proof["since"]) == (False, 2, "2026-03-02T09:00:00Z")
    url, body = "/api/v1/deliveries/resolve", {"as": "accepted", "email": "A@example.com"}
    assert (await house.client.post(url, headers=reads, json=body)).status_code == 403
    done = await house.client.post(url, headers=writes, json=body)
    assert (done.status_code, done.json()["accepted"]) == (200, 1), done.text
    assert (await house.client.post(url, headers=writes, json=body)).json()["accepted"] == 0
    for wrong in ({"as": "sent"}, {"ids": [1]}, {"as": "accepted", "state": "pending"}, {"as": "accepted", "ids": []}, {"as": "accepted", "more": 1}):
        assert (await house.client.post(url, headers=writes, json=wrong)).status_code == 422, wrong
    assert (await house.client.post(url, headers=writes, json={"as": "cancelled", "ids": [99]})).status_code == 404
    assert [r.state for r in await outbox_rows.the_rows(house.app.db)] == ["accepted", "held"]
    status = (await house.client.get("/api/v1/deliveries/status", headers=reads)).json()
    assert (status["words"], status["paused"], status["warm_up"]) == (["Nothing keeps letters back."], {}, None)


async def test_metrics_name_what_is_slow_at_rest_and_waiting(house: House) -> None:
    letter = await outbox_rows.add_letter(house.app.db)
    (person,) = await add_people(house.app.db, "a@gmail.com")
    async with house.app.db.write() as tx:
        await change_throttle(tx, "domain:gmail.com", lambda before: slowed(before, 10, "unusual rate", NOW))
        await change_throttle(tx, "relay:smtp.example.com:587", lambda before: rested(before, "bad password", NOW))
        (gmail, _) = await load_throttles(tx)
        await plan_rows(tx, [outbox_rows.planned(letter, person, throttle_id=gmail.id)])
    told = (await house.client.get("/metrics", headers=await house.key())).text
    for line in (
        'nurture_resting{name="relay:smtp.example.com:587"} 1.0', 'nurture_resting{name="domain:gmail.com"} 0.0',
        'nurture_rate{name="domain:gmail.com"} 5.0', 'nurture_parked{domain="gmail.com"} 1.0',
    ):  # fmt: skip
        assert line in told, line
    status = (await house.client.get("/api/v1/deliveries/status", headers=await house.key("deliveries:read"))).json()
    assert status["parked"] == {"gmail.com": 1}
    assert "1 letters wait for the turn of gmail.com" in status["words"]

"""Campaigns over HTTP before, during and after they run: preflight, preview, a test letter, the result, the resend."""

from datetime import timedelta
from email import message_from_bytes
from email import policy as mail_policy

from nurture.services.campaigning import open_occasions
from nurture.services.folding import fold
from nurture.services.planning import plan
from tests.api.conftest import House
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, rows_of

YAML = {"Content-Type": "application/yaml"}
POLICY = "policy: default\nsender: {name: Anna, address: anna@example.com}\npostal_address: 1 Main Street, Town\n"
CAMPAIGN = (
    "campaign: spring\nsegment: readers\n"
    "letter:\n  id: one\n  kind: sales\n  subject: \"{{ first_name | default('Hello') }}, spring\"\n"
    '  call_to_action: https://example.com/spring\n  body: "Hello {{ first_name }}, [come](https://example.com/spring)"\n'
    "variants:\n  - subject: \"{{ first_name | default('Hello') }}, the first warm weekend\"\n"
    "holdout: 10%\n"
)
PATH = "/api/v1/campaigns/spring"


async def applied(house: House, campaign: str = CAMPAIGN) -> dict[str, str]:
    key = await house.key("all")
    for path, text in (("segments", "segment: readers\nwhere: {tag: roof}"), ("campaigns", campaign)):
        stored = await house.client.post(f"/api/v1/{path}", headers=key | YAML, content=text)
        assert stored.status_code == 201, stored.text
    assert (await house.client.put("/api/v1/policy", headers=key | YAML, content=POLICY)).status_code == 200
    return key


async def test_preflight_says_who_is_reached_held_and_empty(house: House) -> None:
    key = await applied(house, CAMPAIGN.replace("holdout: 10%\n", ""))
    owed = await add_people(house.app.db, "a@example.com", "b@example.com", "c@example.com", tags=("roof",), first_name="Ann")
    await add_people(house.app.db, "only-useful@example.com", tags=("roof",), kinds="useful", first_name="Ann")
    await add_people(house.app.db, "nameless@example.com", tags=("roof",))
    await add_people(house.app.db, "left@example.com", tags=("roof",), status="unsubscribed")
    found = (await house.client.get(f"{PATH}/preflight", headers=key)).json()
    assert (found["segment"], found["looked_at"], found["reached"], found["ready"]) == (5, 5, 0, True)
    assert found["never"] == {"declined this kind or topic": 1}
    assert found["held"] == {"are owed useful letters first (held until they had them)": 4}
    assert found["mix"] == {"owed": 0, "owed_each": 3, "held": 4}
    assert found["empty"] == [{"field": "first_name", "people": 1, "example": "nameless@example.com"}]
    assert found["links"] == ["https://example.com/spring"]
    assert 2_000 < found["size"] < 20_000
    assert ("ok", "Sender: Anna <anna@example.com>") in [(n["level"], n["words"]) for n in found["notes"]]
    assert len(owed) == 3
    news = CAMPAIGN.replace("kind: sales", "kind: news").replace("spring\nsegment", "news\nsegment").replace("holdout: 10%\n", "")
    await house.client.post("/api/v1/campaigns", headers=key | YAML, content=news)
    found = (await house.client.get("/api/v1/campaigns/news/preflight", headers=key)).json()
    assert (found["reached"], found["leaves"], found["windows"]) == (4, {"2026-03-03": 4}, 1)
    assert "2026-03-03T10:" in found["last"] or "2026-03-03T11:" in found["last"]
    assert (await house.client.get("/api/v1/campaigns/none/preflight", headers=key)).status_code == 404


async def test_preflight_says_what_is_missing(house: House) -> None:
    key = await applied(house)
    await house.client.put("/api/v1/policy", headers=key | YAML, content="policy: default\n")
    found = (await house.client.get(f"{PATH}/preflight", headers=key)).json()
    assert [n["words"].split(";")[0] for n in found["notes"]] == [
        "No relay is set: letters are captured and shown, and reach nobody. Set NURTURE_SMTP_URL.",
        "The policy names no sender", "The policy has no postal address", "Merge fields stand empty for some",
    ][: len(found["notes"])]  # fmt: skip
    assert found["ready"] is True, "captured letters need no sender"


async def test_a_letter_is_seen_and_tried_without_a_trace(house: House) -> None:
    key = await applied(house)
    await add_people(house.app.db, "a@example.com", tags=("roof",), first_name="Ann")
    seen = (await house.client.get(f"{PATH}/preview", headers=key, params={"for": "a@example.com", "variant": "b"})).json()
    assert (seen["subject"], seen["to"]) == ("Ann, the first warm weekend", "a@example.com")
    assert "https://example.com/spring" in seen["html"]
    assert "/c/" not in seen["html"]
    assert "/o/" not in seen["html"]
    tried = await house.client.post("/api/v1/send-test", headers=key, json={"letter": "spring", "to": "Me@Elsewhere.example", "for": "a@example.com"})
    assert tried.json() == {"to": "me@elsewhere.example", "subject": "[Test] Ann, spring", "accepted": True, "answer": "250 captured"}
    [file] = (house.app.settings.data_dir / "captured").glob("*.eml")
    message = message_from_bytes(file.read_bytes(), policy=mail_policy.default)
    assert (message["To"], message["From"], message["List-Unsubscribe"]) == ("me@elsewhere.example", "Anna <anna@example.com>", None)
    assert await rows_of(house.app.db, "id") == []
    missing = await house.client.post("/api/v1/send-test", headers=key, json={"letter": "spring/two", "to": "me@example.com"})
    assert missing.status_code == 404
    assert (await house.client.post("/api/v1/send-test", headers=key, json={"letter": "spring", "to": "nobody"})).status_code == 422


async def test_the_result_adds_up_and_the_letter_goes_again(house: House) -> None:
    key = await applied(house, CAMPAIGN.replace("kind: sales", "kind: news"))
    db = house.app.db
    people = await add_people(db, *(f"p{n:02}@example.com" for n in range(20)), tags=("roof",), first_name="Ann")
    await house.client.post(f"{PATH}/start", headers=key)
    await open_occasions(db, NOW)
    await plan(db, NOW)
    await end_row(db, NOW + timedelta(days=1))
    await fold(db, NOW + timedelta(days=1))
    await plan(db, NOW + timedelta(days=1))
    rows = await rows_of(db, "id", "subscriber_id")
    for delivery, person in rows[:3]:
        await add_event(db, person, "clicked", NOW + timedelta(days=1, hours=1), delivery_id=delivery)
    house.clock.forward(days=5)
    told = (await house.client.get(f"{PATH}/result", headers=key)).json()
    [occasion] = told["occasions"]
    assert occasion["people"] == occasion["sent"] == len(rows)
    assert occasion["people"] + occasion["held_out"] == len(people)
    assert occasion["answers"] == {"opened": 0, "clicked": 3, "replied": 0, "answered": 0}
    assert sum(v["sent"] for v in occasion["test"]["variants"]) == len(rows)
    assert occasion["test"]["verdict"].startswith("Not enough data")
    again = await house.client.post(f"{PATH}/resend", headers=key, json={"after": "3d", "subject": "Once more"})
    assert again.json() == {"date": "2026-03-02", "people": len(rows) - 3, "early": 0}
    assert (await house.client.post(f"{PATH}/resend", headers=key, json={"after": "soon"})).status_code == 422

"""Rules, tasks and webhooks over the API, and on the dashboard."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from nurture.services.reacting import react
from nurture.store.database import Database
from tests.support.desk import browser, open_desk, sign_in
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install
from tests.support.rules import fall, rule

RULE = """
rule: hot
when: {did: clicked}
then:
  - task: "Call {{ name }}"
  - tag: hot
"""
V1 = "/api/v1"
SECOND = timedelta(seconds=1)


async def test_a_rule_sets_a_task_that_is_done_over_the_api(house: Any) -> None:
    key = await house.key()
    yaml = key | {"Content-Type": "application/yaml"}
    stored = await house.client.post(f"{V1}/rules", content=RULE, headers=yaml)
    assert (stored.status_code, stored.json()["change"], stored.json()["state"]) == (201, "created", "live")
    assert (await house.client.get(f"{V1}/rules/hot", headers=key)).json()["document"]["then"][1] == {"tag": "hot"}
    broken = await house.client.post(f"{V1}/rules", content=RULE.replace("clicked", "licked"), headers=yaml)
    assert (broken.status_code, broken.json()["faults"][0]["line"]) == (422, 3)
    people = await add_people(house.app.db, "a@example.com", "b@example.com", "c@example.com")
    for person in people:
        await add_event(house.app.db, person, "clicked", NOW + SECOND)
    await react(house.app.db, NOW + 2 * SECOND)
    page = (await house.client.get(f"{V1}/tasks?limit=2", headers=key)).json()
    assert [t["email"] for t in page["data"]] == ["a@example.com", "b@example.com"]
    rest = (await house.client.get(f"{V1}/tasks", params={"cursor": page["next"]}, headers=key)).json()
    assert [t["email"] for t in rest["data"]] == ["c@example.com"]
    first = page["data"][0]["id"]
    for _ in range(2):
        done = await house.client.post(f"{V1}/tasks/{first}/done", headers=key)
        assert (done.status_code, done.json()["state"], done.json()["ended_by"]) == (200, "done", "key:test")
    assert len((await house.client.get(f"{V1}/tasks", headers=key)).json()["data"]) == 2
    assert len((await house.client.get(f"{V1}/tasks?state=all", headers=key)).json()["data"]) == 3
    assert (await house.client.get(f"{V1}/tasks?state=lost", headers=key)).status_code == 422
    assert (await house.client.post(f"{V1}/tasks/999/done", headers=key)).status_code == 404
    story = (await house.client.get(f"{V1}/subscribers/{people[0]}/timeline", headers=key)).json()["data"]
    assert {(x["what"], x["name"], x["detail"].get("state")) for x in story} == {("rule", "hot", "acted"), ("event", "clicked", None), ("task", "Call", "done")}


async def test_a_webhook_is_registered_listed_and_removed_and_its_secret_shown_once(small_house: Any) -> None:
    house, key = small_house, await small_house.key("webhooks:write")
    refused = await house.client.post(f"{V1}/webhooks", json={"url": "https://127.0.0.1/x", "types": ["*"]}, headers=key)
    assert refused.status_code == 422
    assert "open internet" in refused.json()["detail"]
    for address in ("[::1", "93.184.215.14:99999", "93.184.215.14:0", "93.184.215.14:x", "a..b", "a" * 70 + ".com", "93.184.215.14/ü"):
        malformed = await house.client.post(f"{V1}/webhooks", json={"url": f"https://{address}/x", "types": ["*"]}, headers=key)
        assert (malformed.status_code, len(malformed.json()["detail"]) > 20) == (422, True), address
    unknown = await house.client.post(f"{V1}/webhooks", json={"url": "https://93.184.215.14/x", "types": ["email.clickd"]}, headers=key)
    assert 'did you mean "email.clicked"' in unknown.json()["detail"]
    made = await house.client.post(f"{V1}/webhooks", json={"url": "https://93.184.215.14/x", "types": ["email.clicked"]}, headers=key)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    listed = (await house.client.get(f"{V1}/webhooks", headers=key)).json()["data"]
    assert [(w["url"], w["types"], "secret" in w) for w in listed] == [("https://93.184.215.14/x", ["email.clicked"], False)]
    assert (await house.client.delete(f"{V1}/webhooks/{listed[0]['id']}", headers=key)).status_code == 204
    assert (await house.client.delete(f"{V1}/webhooks/{listed[0]['id']}", headers=key)).status_code == 404
    assert (await house.client.get(f"{V1}/webhooks", headers=await house.key("send"))).status_code == 403


async def test_a_persons_page_shows_their_task_and_what_the_rule_did(sqlite_db: Database, tmp_path: Path) -> None:
    await install(sqlite_db, {"sequence": "s", "goal": "lead", "letters": [{"id": "a", "kind": "useful", "subject": "s", "body": "b"}]}, rule("hot", {"did": "clicked"}, {"task": "Call <b>{{ name }}</b>"}))
    (person,) = await add_people(sqlite_db, "mia@example.com", name="Mia")
    await add_event(sqlite_db, person, "clicked", NOW + SECOND)
    await react(sqlite_db, NOW + 2 * SECOND)
    app = open_desk(sqlite_db, tmp_path / "desk", NOW + 3 * SECOND)
    async with browser(app) as desk:
        await sign_in(desk, app)
        page = (await desk.get(f"/people/{person}")).text
        assert "Call &lt;b&gt;Mia&lt;/b&gt;" in page
        assert "The rule <strong>hot</strong> acted" in page
        assert "Call &lt;b&gt;Mia&lt;/b&gt;" in (await desk.get("/")).text
        assert "Reached the goal" in (await desk.get("/sequences")).text
        await fall(sqlite_db)
        await react(sqlite_db, NOW + 4 * SECOND)
        page = (await desk.get(f"/people/{person}")).text
        assert "To do" not in page
        assert "The rule <strong>hot</strong> was taken back" in page
        assert "Task cancelled" in page

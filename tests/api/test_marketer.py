"""/api/v1: people, documents, events and the ledger, by key and scope."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.words import EventType
from nurture.services.enrolling import enrol
from tests.api.conftest import House
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.listed import fill_list
from tests.support.people import NOW, add_people
from tests.support.programme import install, letter

SEQUENCE = """
sequence: school
title: Choose a roof once in your life
audience: {tag: roof}
mix: 3:1
letters:
  - {id: one, kind: useful, subject: "{{ first_name | default('Hello') }}, one", call_to_action: "https://example.com/1", body: "Hello [go](https://example.com/1)"}
  - {id: two, kind: useful, subject: Two, call_to_action: "https://example.com/2", body: "Hello [go](https://example.com/2)"}
"""
YAML = {"Content-Type": "application/yaml"}


async def test_people_come_in_change_and_are_listed(house: House) -> None:
    key = await house.key("subscribers:write")
    new = await house.client.post(
        "/api/v1/subscribers", headers=key, json={"email": "Anna@Example.COM", "first_name": "Anna", "tags": ["roof"], "timezone": "Europe/Kiev"}
    )
    assert new.status_code == 201, new.text
    person = new.json()
    assert (person["email"], person["status"], person["tags"], person["timezone"]) == ("anna@example.com", "subscribed", ["roof"], "Europe/Kyiv")
    again = await house.client.post("/api/v1/subscribers", headers=key, json={"email": "anna@example.com", "fields": {"size": 3}})
    assert (again.status_code, again.json()["id"], again.json()["fields"], again.json()["first_name"]) == (200, person["id"], {"size": 3}, "Anna")
    patched = await house.client.patch(f"/api/v1/subscribers/{person['id']}", headers=key, json={"tags": [], "frequency": "less"})
    assert (patched.status_code, patched.json()["tags"], patched.json()["frequency"]) == (200, [], "less")
    found = await house.client.get("/api/v1/subscribers", headers=key, params={"email": " ANNA@example.com"})
    assert [p["id"] for p in found.json()["data"]] == [person["id"]]
    assert (await house.client.get("/api/v1/subscribers", headers=key, params={"email": "eve@example.com"})).json() == {"data": [], "next": None}
    assert (await house.client.get("/api/v1/subscribers/999", headers=key)).status_code == 404
    for unknown in ({"email": "b@example.com", "nam": "x"}, {"email": "b@example.com", "id": 4}, {"email": "no address"}, {}):
        assert (await house.client.post("/api/v1/subscribers", headers=key, json=unknown)).status_code == 422
    assert (await house.client.patch(f"/api/v1/subscribers/{person['id']}", headers=key, json={"email": "eve@example.com"})).status_code == 422


async def test_a_status_never_rises_but_by_consent(house: House) -> None:
    [person] = await add_people(house.app.db, "anna@example.com", status="unsubscribed")
    key = await house.key("all")
    up = await house.client.post("/api/v1/subscribers", headers=key, json={"email": "anna@example.com", "status": "subscribed"})
    assert up.status_code == 409
    back = f"/api/v1/subscribers/{person}/resubscribe"
    assert (await house.client.post(back, headers=key, json={"wording": "", "source": ""})).status_code == 422
    done = await house.client.post(back, headers=key, json={"wording": "I want the letters again", "source": "by telephone"})
    assert (done.status_code, done.json()["status"]) == (200, "subscribed")
    assert [(c["granted"], c["source"]) for c in await rows_of(house.app.db, "consents")] == [(True, "by telephone")]


async def test_pages_hold_everybody_once(house: House) -> None:
    await add_people(house.app.db, *(f"p{n}@example.com" for n in range(7)))
    key = await house.key("subscribers:read")
    seen, cursor = [], None
    for _ in range(4):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await house.client.get("/api/v1/subscribers", headers=key, params=params)
        seen += [p["email"] for p in page.json()["data"]]
        cursor = page.json()["next"]
        assert ("link" in page.headers) is (cursor is not None)
    assert cursor is None
    assert seen == [f"p{n}@example.com" for n in range(7)]
    for wrong in ("zzz", "YTE=x", "é", "LTE"):
        assert (await house.client.get("/api/v1/subscribers", headers=key, params={"cursor": wrong})).status_code == 422


async def test_a_sequence_is_stored_changed_and_joined(house: House) -> None:
    key = await house.key("all")
    [person] = await add_people(house.app.db, "anna@example.com")
    new = await house.client.post("/api/v1/sequences", headers=key | YAML, content=SEQUENCE)
    assert (new.status_code, new.json()["change"], new.json()["version"]) == (201, "created", 1), new.text
    same = await house.client.post("/api/v1/sequences", headers=key | YAML, content=SEQUENCE)
    assert (same.status_code, same.json()["change"], same.json()["version"]) == (200, "unchanged", 1)
    changed = await house.client.post("/api/v1/sequences", headers=key | YAML, content=SEQUENCE.replace("once in", "one time in"))
    assert (changed.status_code, changed.json()["change"], changed.json()["version"]) == (200, "changed", 2)
    shown = await house.client.get("/api/v1/sequences/school", headers=key)
    assert shown.json()["document"]["audience"] == {"tag": "roof"}
    as_json = await house.client.post("/api/v1/sequences", headers=key, json=shown.json()["document"])
    assert (as_json.status_code, as_json.json()["change"]) == (200, "unchanged"), as_json.text
    assert [s["name"] for s in (await house.client.get("/api/v1/sequences", headers=key)).json()["data"]] == ["school"]
    joined = await house.client.post("/api/v1/sequences/school/enrolments", headers=key, json={"email": "anna@example.com"})
    assert (joined.status_code, joined.json()) == (201, {"enrolled": 1, "passed_over": 0, "ids": [person]})
    again = await house.client.post("/api/v1/sequences/school/enrolments", headers=key, json={"ids": [person]})
    assert (again.json()["enrolled"], again.json()["passed_over"]) == (0, 1)
    ways = (await house.client.get("/api/v1/sequences/school/enrolments", headers=key)).json()["data"]
    assert [(w["email"], w["state"], w["by"], w["done"]) for w in ways] == [("anna@example.com", "active", "key:test", 0)]
    edit = SEQUENCE.replace("letters:\n", "on_edit: pin\nletters:\n  - {id: early, kind: useful, subject: Early, body: Early.}\n")
    told = await house.client.post("/api/v1/sequences/diff", headers=key | YAML, content=edit)
    assert told.json()["says"][0] == "on_edit: pin - 1 under way finish the version they are on; newcomers get the new one", told.text
    assert [(x["id"], x["get"], x["without"]) for x in told.json()["edit"]["added"]] == [("early", 0, 1)]
    assert (await house.client.post("/api/v1/sequences", headers=key | YAML, content=edit)).json()["pinned"] == 1
    ways = (await house.client.get("/api/v1/sequences/school/enrolments", headers=key)).json()["data"]
    assert [w["version"] for w in ways] == [2]
    assert (await house.client.post("/api/v1/sequences/none/enrolments", headers=key, json={"ids": [person]})).status_code == 404
    nobody = await house.client.post("/api/v1/sequences/school/enrolments", headers=key, json={"email": "eve@example.com"})
    assert nobody.status_code == 404
    why = (await house.client.get(f"/api/v1/subscribers/{person}/why", headers=key)).json()["data"]
    assert [(w["source"], w["decision"]) for w in why] == [("sequence:school", "wait")]


async def test_a_faulty_document_names_every_fault_and_stores_nothing(house: House) -> None:
    key = await house.key("sequences:write")
    broken = SEQUENCE.replace("kind: useful, subject: Two", "kind: usefull, subject: Two").replace("title:", "titel:")
    answer = await house.client.post("/api/v1/sequences", headers=key | YAML, content=broken)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert {f["line"] for f in answer.json()["faults"]} >= {3, 8}
    assert all(f["advice"] for f in answer.json()["faults"])
    for body in (b"\xff\xfe", b"", b"- 1", b"sequence: a\n---\nsequence: b", b"campaign: x\nsegment: y"):
        assert (await house.client.post("/api/v1/sequences", headers=key | YAML, content=body)).status_code == 422
    assert (await house.client.post("/api/v1/sequences", headers=key | {"Content-Type": "image/png"}, content=b"x")).status_code == 422
    assert await rows_of(house.app.db, "documents") == []


async def test_campaigns_are_stored_as_drafts_and_steered(house: House) -> None:
    key = await house.key("all")
    segment = await house.client.post("/api/v1/segments", headers=key | YAML, content="segment: readers\nwhere: {tag: roof}")
    assert segment.status_code == 201
    await add_people(house.app.db, "a@example.com", "b@example.com", tags=("roof",))
    await add_people(house.app.db, "c@example.com")
    assert (await house.client.get("/api/v1/segments/readers/count", headers=key)).json() == {"name": "readers", "count": 2}
    listed = (await house.client.get("/api/v1/segments/readers/subscribers", headers=key, params={"limit": "1"})).json()
    assert [p["email"] for p in listed["data"]] == ["a@example.com"]
    assert listed["next"]
    campaign = (
        "campaign: weekly\nsegment: readers\nschedule: {weekly: tue}\n"
        'letter: {id: news, kind: news, subject: "{{ name }} news", call_to_action: "https://example.com/n", body: "[go](https://example.com/n)"}\n'
    )
    stored = await house.client.post("/api/v1/campaigns", headers=key | YAML, content=campaign)
    assert (stored.status_code, stored.json()["state"]) == (201, "draft"), stored.text
    for step, state in (("start", "running"), ("pause", "running"), ("resume", "running"), ("cancel", "cancelled")):
        told = await house.client.post(f"/api/v1/campaigns/weekly/{step}", headers=key)
        assert (told.status_code, told.json()["state"]) == (200, state), told.text
        assert (told.json()["stopped"] is not None) == (step == "pause")
    assert (await house.client.post("/api/v1/campaigns/other/start", headers=key)).status_code == 404
    assert await rows_of(house.app.db, "deliveries") == []
    again = await house.client.post("/api/v1/campaigns/weekly/start", headers=key)
    assert (again.status_code, again.json()["detail"]) == (409, "The campaign 'weekly' was cancelled; write it under another name to send it again.")


async def test_the_forecast_of_all_of_one_and_of_a_draft(house: House) -> None:
    key = await house.key("subscribers:read")
    await install(house.app.db, {"sequence": "school", "letters": [letter("one"), letter("two")]})
    people = await add_people(house.app.db, "a@example.com", tags=("roof",), timezone="UTC")
    await enrol(house.app.db, "school", people, NOW, "hand")
    whole = (await house.client.get("/api/v1/forecast", headers=key)).json()
    assert whole["every"] == 1, "a short list is looked at whole"
    assert whole["calendar"]["days"][0] == {"date": "2026-03-02", "letters": 1, "useful": 1}
    mine = (await house.client.get("/api/v1/forecast", headers=key, params={"email": "A@example.com", "days": "5"})).json()
    assert [d["letter"] for d in mine["deliveries"]] == ["school/one", "school/two"]
    missing = await house.client.get("/api/v1/forecast", headers=key, params={"email": "x@example.com"})
    assert missing.status_code == 404
    draft = "sequence: more\naudience: {tag: roof}\nletters:\n  - {id: a, kind: useful, subject: a, body: b, window: any}\n"
    told = await house.client.post("/api/v1/forecast/drafts", headers=key | YAML, content=draft)
    assert (told.status_code, told.json()["after"]["letters"], told.json()["letters"]["added"]) == (200, 3, 1), told.text
    broken = await house.client.post("/api/v1/forecast/drafts", headers=key | YAML, content="sequence: more\nletters: 7\n")
    assert broken.status_code == 422


async def test_the_policy_is_read_and_written(small_house: House) -> None:
    key = await small_house.key("policy:write")
    before = (await small_house.client.get("/api/v1/policy", headers=key)).json()
    assert (before["version"], before["policy"]["cap"]) == (0, 3)
    written = await small_house.client.put("/api/v1/policy", headers=key | YAML, content="policy: default\ncap: 2\ntimezone: Europe/Berlin")
    assert written.status_code == 200, written.text
    after = (await small_house.client.get("/api/v1/policy", headers=key)).json()
    assert (after["version"], after["policy"]["cap"], after["policy"]["timezone"]) == (1, 2, "Europe/Berlin")
    assert (await small_house.client.put("/api/v1/policy", headers=key | YAML, content="policy: default\ncap: -1")).status_code == 422


async def test_what_cannot_be_stored_is_refused_in_a_sentence(house: House) -> None:
    [person] = await add_people(house.app.db, "anna@example.com")
    key = await house.key("all")
    deep: Any = 1
    for _ in range(30):
        deep = {"a": deep}
    one = f"/api/v1/subscribers/{person}"
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        answers = [
            await house.client.patch(one, headers=key, json={"paused_until": at}),
            await house.client.post("/api/v1/subscribers", headers=key, json={"email": "b@example.com", "joined_at": at}),
            await house.client.post("/api/v1/events", headers=key, json={"email": "anna@example.com", "type": "visited", "at": at}),
        ]
        assert [a.status_code for a in answers] == [422] * 3
    assert (await house.client.patch(one, headers=key, json={"fields": {"a": deep}})).status_code == 422
    for unseen in ("\x00", " \r\n"):
        assert (await house.client.patch(one, headers=key, json={"fields": {unseen: "b"}})).status_code == 422
    cleaned = await house.client.patch(one, headers=key, json={"tags": [" roof\r\n"], "fields": {"a\n": "b"}})
    assert (cleaned.json()["tags"], cleaned.json()["fields"]) == (["roof"], {"a": "b"})


async def test_an_id_that_names_another_event_is_refused(house: House) -> None:
    """Two shops that count their orders alike would lose each other's sales unseen."""
    await add_people(house.app.db, "anna@example.com", "eve@example.com")
    key = await house.key("events:write")
    told = {"id": "order-1", "email": "anna@example.com", "type": "converted", "name": "purchase"}
    assert [(await house.client.post("/api/v1/events", headers=key, json=told)).status_code for _ in range(2)] == [201, 200]
    for other in ({"email": "eve@example.com"}, {"name": "lead"}, {"type": "visited"}):
        assert (await house.client.post("/api/v1/events", headers=key, json=told | other)).status_code == 409
    assert len(await rows_of(house.app.db, "events")) == 1


async def test_an_event_is_told_once(house: House) -> None:
    [person] = await add_people(house.app.db, "anna@example.com")
    key = await house.key("events:write")
    told = {"id": "order-1", "email": "Anna@example.com", "type": "converted", "name": "purchase", "value": 99.5, "currency": "EUR",
            "at": (NOW - timedelta(hours=1)).isoformat()}  # fmt: skip
    first = await house.client.post("/api/v1/events", headers=key, json=told)
    assert first.status_code == 201, first.text
    assert {n: first.json()[n] for n in ("told_id", "subscriber_id", "evidence", "value")} == {
        "told_id": "order-1", "subscriber_id": person, "evidence": "human", "value": 99.5,
    }  # fmt: skip
    again = await house.client.post("/api/v1/events", headers=key, json=told | {"value": 1})
    assert (again.status_code, again.json()["value"]) == (200, 99.5)
    [event] = await rows_of(house.app.db, "events")
    assert (event["type"], event["settles_at"], event["folded"]) == (EventType.CONVERTED, NOW - timedelta(hours=1), 0)
    assert [r["plan_at"] for r in await rows_of(house.app.db, "standings")] == [NOW]
    listed = (await house.client.get("/api/v1/events", headers=key, params={"email": "anna@example.com", "type": "converted"})).json()
    assert [e["email"] for e in listed["data"]] == ["anna@example.com"]
    wrong: list[dict[str, Any]] = [
        {"type": "opened"}, {"type": "converted", "name": None}, {"at": (NOW + timedelta(days=1)).isoformat()}, {"at": "2026-03-01T10:00:00"},
        {"value": -1}, {"currency": "euro"}, {"weight": 3},
    ]  # fmt: skip
    for change in wrong:
        assert (await house.client.post("/api/v1/events", headers=key, json=told | {"id": "x"} | change)).status_code == 422, change
    assert (await house.client.post("/api/v1/events", headers=key, json=told | {"email": "eve@example.com"})).status_code == 404


async def test_the_ledger_and_a_story_are_read(house: House) -> None:
    [person] = await add_people(house.app.db, "anna@example.com")
    letter = await add_letter(house.app.db)
    sent = await add_delivery(house.app.db, person, letter)
    await add_delivery(house.app.db, person, letter, state="cancelled", outcome="outranked", ended_at=NOW)
    key = await house.key("all")
    rows = (await house.client.get("/api/v1/deliveries", headers=key, params={"email": "anna@example.com", "state": "accepted"})).json()["data"]
    assert [(r["id"], r["letter"], r["source"], r["state"]) for r in rows] == [(sent, "school/first", "sequence:school", "accepted")]
    assert (await house.client.get(f"/api/v1/deliveries/{sent}", headers=key)).json()["message_id"].startswith("<")
    assert (await house.client.get("/api/v1/deliveries/9999", headers=key)).status_code == 404
    why = (await house.client.get(f"/api/v1/subscribers/{person}/why", headers=key)).json()["data"]
    assert [(w["decision"], w["reason"]) for w in why] == [("send", "letter 1 of school"), ("skip", "cancelled: outranked")]
    story = (await house.client.get(f"/api/v1/subscribers/{person}/timeline", headers=key)).json()["data"]
    assert {x["what"] for x in story} == {"letter"}
    assert (await house.client.get("/api/v1/subscribers/999/why", headers=key)).status_code == 404
    own = (await house.client.get(f"/api/v1/subscribers/{person}/mix", headers=key)).json()
    assert (own["promises"], own["days_28"]["useful"]) == ([{"source": "workspace", "promise": "3:1"}], 1)
    assert (await house.client.get("/api/v1/subscribers/999/mix", headers=key)).status_code == 404
    named = {"composition": "composition", "mix": "mix", "windows": "windows", "hours": "hours", "pace": "pace", "curves": "decay"}
    for name, part in named.items():
        report = await house.client.get(f"/api/v1/reports/{name}", headers=key)
        assert (report.status_code, part in report.json()) == (200, True)


async def test_another_policy_is_previewed_and_changes_nothing(house: House) -> None:
    await fill_list(house.app.db, 100)
    before = (await house.client.get("/api/v1/reports/composition", headers=(key := await house.key("all")))).json()
    assert before["benchmark"]["confidence"]["fan"]["low"] < before["benchmark"]["fan"]["share"]
    path, asked = "/api/v1/reports/composition/preview", {"engagement": {"active_days": "1d", "active_letters": 1}}
    found = (await house.client.post(path, headers=key, params={"named": 3}, json=asked)).json()
    (cell,) = found["matrix"]
    assert (cell["from"], cell["to"], len(found["moves"])) == ("active", "passive", 3)
    assert found["now"]["passive"] + cell["people"] == found["then"]["passive"]
    assert found["now"] == before["composition"]["now"] == (await house.client.get("/api/v1/reports/composition", headers=key)).json()["composition"]["now"]
    yaml = {"content": "policy: default\nengagement: {fan_anwers: 5}\n", "headers": key | {"Content-Type": "application/yaml"}}
    refused = await house.client.post(path, **yaml)
    assert (refused.status_code, "fan_answers" in refused.json()["detail"]) == (422, True)


async def test_an_idempotency_key_answers_once(house: House) -> None:
    key = await house.key("all")
    once = key | {"Idempotency-Key": "abc"}
    told = {"email": "anna@example.com", "name": "Anna"}
    answers = await asyncio.gather(*(house.client.post("/api/v1/subscribers", headers=once, json=told) for _ in range(8)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert sum("idempotency-replayed" in a.headers for a in answers) == 7
    other = await house.client.post("/api/v1/subscribers", headers=once, json=told | {"name": "Eve"})
    assert other.status_code == 422
    elsewhere = await house.client.post("/api/v1/events", headers=once, json=told)
    assert elsewhere.status_code == 422
    another = await house.key("all") | {"Idempotency-Key": "abc"}
    theirs = [await house.client.post("/api/v1/subscribers", headers=another, json=told | {"name": "Ann"}) for _ in range(2)]
    assert [(a.status_code, a.json()["name"], "idempotency-replayed" in a.headers) for a in theirs] == [(200, "Ann", False), (200, "Ann", True)]
    refused = {"Idempotency-Key": "bad"} | key
    assert (await house.client.post("/api/v1/subscribers", headers=refused, json={"email": "no"})).status_code == 422
    assert (await house.client.post("/api/v1/subscribers", headers=refused, json={"email": "yes@example.com"})).status_code == 201
    assert (await house.client.post("/api/v1/subscribers", headers=key | {"Idempotency-Key": "x" * 300}, json=told)).status_code == 422


async def test_a_key_whose_first_request_died_is_free_after_a_minute(small_house: House) -> None:
    from nurture.store import idempotency  # noqa: PLC0415 - one use

    house = small_house
    key = await house.key("all")
    async with house.app.db.write() as tx:
        await idempotency.reserve(tx, 1, "abc", "whatever", NOW)
    house.clock.forward(seconds=61)
    told = {"email": "anna@example.com"}
    again = [await house.client.post("/api/v1/subscribers", headers=key | {"Idempotency-Key": "abc"}, json=told) for _ in range(2)]
    assert [(a.status_code, "idempotency-replayed" in a.headers) for a in again] == [(201, False), (201, True)]
    house.clock.forward(days=7, seconds=1)  # no answer is kept for longer, whether or not the worker has cleared it away
    late = await house.client.post("/api/v1/subscribers", headers=key | {"Idempotency-Key": "abc"}, json=told | {"name": "Anna"})
    assert (late.status_code, "idempotency-replayed" in late.headers) == (200, False)


async def test_keys_are_made_shown_once_and_revoked(small_house: House) -> None:
    house = small_house
    master = await house.key("keys:write", "send")
    made = await house.client.post("/api/v1/keys", headers=master, json={"name": "shop", "scopes": ["send"]})
    assert made.status_code == 201
    new = {"Authorization": f"Bearer {made.json()['key']}"}
    listed = await house.client.get("/api/v1/keys", headers=master)
    assert made.json()["key"] not in listed.text
    assert "digest" not in listed.text
    assert (await house.client.get("/api/v1/keys", headers=new)).status_code == 403
    assert (await house.client.post("/api/v1/keys", headers=master, json={"name": "more", "scopes": ["all"]})).status_code == 403
    assert (await house.client.post("/api/v1/keys", headers=master, json={"name": "more", "scopes": ["sned"]})).status_code == 422
    assert (await house.client.delete(f"/api/v1/keys/{made.json()['id']}", headers=master)).status_code == 204
    assert (await house.client.get("/api/v1/keys", headers=new)).status_code == 401


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/metrics"])
async def test_nothing_of_the_inside_is_public(small_house: House, path: str) -> None:
    assert (await small_house.client.get(path)).status_code == 401
    shown = await small_house.client.get(path, headers=await small_house.key("reports:read"))
    assert shown.status_code == 200
    assert "<script" not in shown.text


async def test_a_file_of_people_comes_in(house: House) -> None:
    key = await house.key("subscribers:write")
    csv = 'E-mail,Given,tags\nanna@example.com,Anna,"roof,wall"\nno address,Eve,\nboris@example.com,Boris,\n'
    send = {"files": {"file": ("people.csv", csv.encode(), "text/csv")}, "data": {"map": ["E-mail=email", "Given=first_name"]}}
    dry = await house.client.post("/api/v1/subscribers/import", headers=key, files=send["files"], data=send["data"] | {"dry_run": "true"})
    assert (dry.status_code, dry.json()["added"]) == (200, 2), dry.text
    assert await rows_of(house.app.db, "subscribers") == []
    done = await house.client.post("/api/v1/subscribers/import", headers=key, **send)
    assert done.status_code == 200, done.text
    assert {n: done.json()[n] for n in ("added", "updated", "unchanged", "refused")} == {"added": 2, "updated": 0, "unchanged": 0, "refused": 1}
    assert [e["line"] for e in done.json()["errors"]] == [3]
    assert [(r["email"], r["first_name"]) for r in await rows_of(house.app.db, "subscribers")] == [("anna@example.com", "Anna"), ("boris@example.com", "Boris")]
    again = await house.client.post("/api/v1/subscribers/import", headers=key, **send)
    assert again.json()["unchanged"] == 2
    enrolling = await house.client.post("/api/v1/subscribers/import", headers=key, files=send["files"], data=send["data"] | {"enrol": "school"})
    assert enrolling.status_code == 403
    assert (await house.client.post("/api/v1/subscribers/import", headers=key, files=send["files"], data={"map": ["nonsense"]})).status_code == 422
    empty = await house.client.post("/api/v1/subscribers/import", headers=key, files={"file": ("people.csv", b"")})
    assert (empty.status_code, empty.json()["detail"][:19]) == (422, "people.csv is empty")


async def test_a_service_letter_is_queued_once(house: House) -> None:
    [person] = await add_people(house.app.db, "anna@example.com")
    key = await house.key("send", "deliveries:read")
    letter = {"to": "Anna@example.com", "subject": "Your order {{ data.order }}", "body": "Thank you, {{ data.order }} is on its way.", "data": {"order": "A-7"}}
    once = key | {"Idempotency-Key": "order-A-7"}
    answers = [await house.client.post("/api/v1/send", headers=once, json=letter) for _ in range(2)]
    assert [a.status_code for a in answers] == [202, 202], answers[0].text
    assert answers[0].json() == answers[1].json()
    [row] = await rows_of(house.app.db, "deliveries")
    assert (row["kind"], row["state"], row["subscriber_id"]) == ("service", "pending", person)
    assert (await house.client.post("/api/v1/send", headers=once, json=letter | {"data": {}})).status_code == 422
    assert (await house.client.post("/api/v1/send", headers=key, json=letter)).status_code == 202
    assert len(await rows_of(house.app.db, "deliveries")) == 2
    for wrong in ({"to": "anna@example.com"}, letter | {"body": "{{ broken"}, letter | {"letter": "x"}):
        assert (await house.client.post("/api/v1/send", headers=key, json=wrong)).status_code == 422, wrong
    assert (await house.client.post("/api/v1/send", headers=key, json=letter | {"to": "eve@example.com"})).status_code == 404
    unknown = await house.client.post("/api/v1/send", headers=key, json={"to": "anna@example.com", "letter": "none/none"})
    assert unknown.status_code == 404

"""Users, their roles and links, and the log of what everybody does, through the real application."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy.exc import DBAPIError

from nurture.domain.roles import GRANTS, Role, opens, page_scope
from nurture.services import access
from nurture.services.erasing import erase
from nurture.store.auditing import AUDIT, Acting, acting, note
from nurture.store.database import Database
from nurture.store.workspace import ensure_workspace
from tests.api.conftest import House, client_of
from tests.support.desk import token_of
from tests.support.ledger import rows_of
from tests.support.people import NOW, add_people

HERE = "http://nurture.test"
PASSWORD = "correct horse battery"
YAML = {"Content-Type": "application/yaml"}
SEGMENT = "segment: roofers\nwhere: {tag: roof}\n"


async def enter(house: House, email: str, role: Role) -> dict[str, str]:
    user = await access.add_user(house.app.db, email, PASSWORD, NOW, role=role)
    return {"nurture_session": await access.start_session(house.app.db, user, NOW)}


async def press(client: httpx2.AsyncClient, page: str, address: str, **fields: str) -> httpx2.Response:
    """A button of a page, as a browser sends it."""
    shown = await client.get(page)
    return await client.post(address, data={"csrf": token_of(shown.text)} | fields, headers={"Origin": HERE})


async def lines(house: House, *skipped: str) -> list[tuple[str, str, str]]:
    return [(r["actor"], r["action"], r["object"]) for r in await rows_of(house.app.db, "audit") if r["action"] not in skipped]


@pytest.fixture
async def owner(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(house.api, cookies=await enter(house, "boss@house.example", Role.OWNER)) as client:
        yield client


def test_the_table_of_roles() -> None:
    """As the page on roles says it."""
    may = {role: {path for path in ("/", "/letters", "/people", "/campaigns", "/replies", "/users", "/audit", "/new-page") if opens(GRANTS[role], page_scope("GET", path))} for role in Role}
    everything = {"/", "/letters", "/people", "/campaigns", "/replies", "/new-page"}
    assert may == {Role.OWNER: everything | {"/users", "/audit"}, Role.MARKETER: everything, Role.READER: everything, Role.HELPER: {"/replies"}}
    press_ = {role: {path for path in ("/campaigns/x/start", "/replies/1/ban", "/users/add", "/new-page") if opens(GRANTS[role], page_scope("POST", path))} for role in Role}
    assert press_[Role.OWNER] == {"/campaigns/x/start", "/replies/1/ban", "/users/add", "/new-page"}
    assert press_[Role.MARKETER] == {"/campaigns/x/start", "/replies/1/ban", "/new-page"}
    assert (press_[Role.HELPER], press_[Role.READER]) == ({"/replies/1/ban"}, set())


async def test_an_owner_adds_somebody_who_chooses_a_password_by_a_link_that_opens_once(house: House, owner: httpx2.AsyncClient) -> None:
    made = await press(owner, "/users", "/users/add", email=" Mia@House.example", role="helper")
    link = made.text.split("/setup/")[1].split("<")[0]
    assert link not in str(await rows_of(house.app.db, "users")) + str(await rows_of(house.app.db, "audit"))
    assert await access.check_password(house.app.db, "mia@house.example", "", NOW) is None
    async with client_of(house.api) as mia:
        page = await mia.get(f"/setup/{link}")
        assert "mia@house.example" in page.text
        short = await mia.post(f"/setup/{link}", data={"csrf": token_of(page.text), "password": "short"}, headers={"Origin": HERE})
        assert short.status_code == 422
        chosen = await press(mia, f"/setup/{link}", f"/setup/{link}", email="other@evil.example", password=PASSWORD)
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
        home = await mia.get("/")
        assert (home.status_code, home.headers["location"]) == (303, "/replies")
        desk = await mia.get("/replies")
        assert 'href="/users"' not in desk.text
        assert 'href="/people"' not in desk.text
    async with client_of(house.api) as late:
        assert (await late.get(f"/setup/{link}")).headers["location"] == "/login"
    assert await access.check_password(house.app.db, "mia@house.example", PASSWORD, NOW) is not None


async def test_a_link_is_good_for_three_days_and_a_new_one_ends_the_old(house: House) -> None:
    db = house.app.db
    first = await access.invite(db, "mia@house.example", NOW, role="reader", by="test")
    second = await access.new_link(db, "mia@house.example", NOW, by="test")
    assert (await access.link_of(db, first, NOW), await access.link_of(db, second, NOW)) == (None, "mia@house.example")
    late = NOW + access.LINK_LASTS
    assert await access.link_of(db, second, late) is None
    with pytest.raises(access.NurtureError, match="used or too old"):
        await access.use_link(db, second, PASSWORD, late)
    visit = await access.start_session(db, 1, NOW)
    assert await access.use_link(db, second, PASSWORD, late - timedelta(seconds=1)) == 1
    assert await access.check_session(db, visit, NOW) is None
    with pytest.raises(access.NurtureError, match="used or too old"):
        await access.use_link(db, second, "another sentence", NOW)
    mia = "mia@house.example"
    assert await lines(house) == [("test", "user.add", mia), ("test", "user.link", mia), (mia, "user.password", mia)]


async def test_another_role_or_password_ends_every_session_at_once(house: House, owner: httpx2.AsyncClient) -> None:
    cookie = await enter(house, "mia@house.example", Role.MARKETER)
    async with client_of(house.api, cookies=cookie) as mia:
        assert (await mia.get("/campaigns")).status_code == 200
        assert (await mia.get("/users")).status_code == 403
        assert (await press(owner, "/users", "/users/role", email="mia@house.example", role="reader")).status_code == 303
        assert (await mia.get("/campaigns")).headers["location"].startswith("/login")
    again = {"nurture_session": await access.start_session(house.app.db, 2, NOW)}
    async with client_of(house.api, cookies=again) as mia:
        assert (await mia.get("/campaigns")).status_code == 200
        await access.change_password(house.app.db, "mia@house.example", "another sentence", NOW)
        assert (await mia.get("/campaigns")).status_code == 303


async def test_the_last_owner_stays(house: House, owner: httpx2.AsyncClient) -> None:
    """Without one the setup link would open to whoever has seen it in the log."""
    for step, more in (("remove", {}), ("role", {"role": "reader"})):
        refused = await press(owner, "/users", f"/users/{step}", email="boss@house.example", **more)
        assert (refused.status_code, "only owner" in refused.text) == (409, True)
    await enter(house, "second@house.example", Role.OWNER)
    assert (await press(owner, "/users", "/users/remove", email="boss@house.example")).status_code == 303
    assert (await owner.get("/users")).status_code == 303


async def test_a_form_from_elsewhere_makes_no_owner(house: House, owner: httpx2.AsyncClient) -> None:
    token = token_of((await owner.get("/users")).text)
    for headers, csrf in (({"Origin": "https://evil.example"}, token), ({}, token), ({"Origin": "null"}, token), ({"Origin": HERE}, "x"), ({"Origin": HERE}, "")):
        answer = await owner.post("/users/add", data={"csrf": csrf, "email": "eve@evil.example", "role": "owner"}, headers=headers)
        assert answer.status_code == 403
    assert [u.email for u in await access.list_users(house.app.db)] == ["boss@house.example"]


async def test_each_change_by_a_key_leaves_one_line_and_looking_leaves_none(house: House) -> None:
    key = await house.key("all")
    [person] = await add_people(house.app.db, "anna@example.com")
    calls: list[tuple[str, str, dict[str, Any], int]] = [
        ("GET", "/api/v1/subscribers", {}, 200),
        ("POST", "/api/v1/subscribers", {"json": {"email": "Bert@Example.com"}}, 201),
        ("PATCH", f"/api/v1/subscribers/{person}", {"json": {"tags": ["roof"]}}, 200),
        ("PATCH", f"/api/v1/subscribers/{person}", {"json": {"tags": 7}}, 422),
        ("POST", "/api/v1/segments", {"content": SEGMENT, "headers": YAML}, 201),
        ("POST", "/api/v1/subscribers", {"json": {"email": "carl@example.com"}, "headers": {"Idempotency-Key": "one"}}, 201),
        ("POST", "/api/v1/subscribers", {"json": {"email": "carl@example.com"}, "headers": {"Idempotency-Key": "one"}}, 201),
        ("POST", "/api/v1/subscribers", {"json": {"email": "no address"}, "headers": {"Idempotency-Key": "two"}}, 422),
        ("GET", f"/api/v1/subscribers/{person}/data", {}, 200),
        ("DELETE", f"/api/v1/subscribers/{person}", {}, 204),
        ("DELETE", f"/api/v1/subscribers/{person}", {}, 404),
    ]  # fmt: skip
    for method, path, more, status in calls:
        answer = await house.client.request(method, path, **more | {"headers": key | more.get("headers", {})})
        assert answer.status_code == status, (path, answer.text)
    assert await lines(house, "key.create") == [
        ("key:test", "POST /api/v1/subscribers", "bert@example.com"), ("key:test", "PATCH /api/v1/subscribers/{id}", str(person)),
        ("key:test", "POST /api/v1/segments", "segment/roofers"), ("key:test", "POST /api/v1/subscribers", "carl@example.com"),
        ("key:test", "GET /api/v1/subscribers/{id}/data", str(person)), ("key:test", "DELETE /api/v1/subscribers/{id}", str(person)),
    ]  # fmt: skip
    assert {r["ip"] for r in await rows_of(house.app.db, "audit") if r["action"] != "key.create"} == {"203.0.113.9"}


async def test_traffic_is_written_down_once_a_day_and_key(house: House) -> None:
    await add_people(house.app.db, "anna@example.com")
    keys = [await house.key("all"), await house.key("events:write")]
    for _ in range(2):
        for n in range(3):
            for key in keys:
                told = {"email": "anna@example.com", "type": "visited", "id": f"{house.clock()}{n}{key}"[:200]}
                assert (await house.client.post("/api/v1/events", headers=key, json=told)).status_code < 300
        house.clock.forward(days=1)
    assert len(await lines(house, "key.create")) == 2  # both keys are called `test`: one line for each of two days


async def test_each_step_on_the_dashboard_leaves_one_line(house: House, owner: httpx2.AsyncClient) -> None:
    await press(owner, "/users", "/users/add", email="mia@house.example", role="reader")
    await press(owner, "/users", "/users/role", email="mia@house.example", role="marketer")
    await press(owner, "/users", "/users/role", email="mia@house.example", role="emperor")
    await press(owner, "/users", "/users/remove", email="mia@house.example")
    await press(owner, "/users", "/logout")
    boss, mia = "boss@house.example", "mia@house.example"
    assert await lines(house) == [
        ("cli", "user.add", boss), (boss, "user.add", mia), (boss, "user.role", mia), (boss, "user.remove", mia), (boss, "POST /logout", ""),
    ]  # fmt: skip
    assert [r["ip"] for r in await rows_of(house.app.db, "audit")] == [None, *["203.0.113.9"] * 4]


async def test_the_log_is_shown_to_owners_and_told_by_the_api(house: House, owner: httpx2.AsyncClient) -> None:
    for n in range(3):
        await access.create_key(house.app.db, f"<b>{n}</b>", ["audit:read"], NOW)
    page = await owner.get("/audit")
    assert page.text.count("key.create") == 3
    assert "<b>" not in page.text
    assert "key.create" not in (await owner.get("/audit?actor=nobody")).text
    key = await house.key("audit:read")
    first = (await house.client.get("/api/v1/audit", headers=key, params={"limit": 2})).json()
    rest = (await house.client.get("/api/v1/audit", headers=key, params={"cursor": first["next"]})).json()
    told = [line["action"] for line in first["data"] + rest["data"]]
    assert (told, rest["next"]) == (["key.create"] * 4 + ["user.add"], None)


async def test_nobody_rewrites_the_logs_and_an_erasure_empties_names(db: Database) -> None:
    """The database refuses, whoever asks; who did what and when stays after an erasure."""
    [person] = await add_people(db, "anna@example.com")
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
        await note(tx, "boss", "hand.made", " Anna@Example.com", NOW, {"why": "asked"})
        await note(tx, "boss", "hand.made", "other@example.com", NOW, {"why": "asked"})
        await tx.exec_driver_sql(f"INSERT INTO consents (subscriber_id, what, granted, wording, source, ip, at) VALUES ({person}, 'letters', true, 'yes', 'form', '192.0.2.1', '2026-03-02 09:00:00+00')")
    for statement in (
        "DELETE FROM audit", "UPDATE audit SET actor = 'nobody'", "UPDATE audit SET object = 'elsewhere'", "UPDATE audit SET detail = '{}'", "UPDATE audit SET at = '2020-01-01 00:00:00+00'",
        "DELETE FROM consents", "UPDATE consents SET granted = false", "UPDATE consents SET ip = '192.0.2.2'",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="append-only"):
            async with db.write() as tx:
                await tx.exec_driver_sql(statement)
    await erase(db, person, NOW)
    made = [r for r in await rows_of(db, "audit") if r["action"] == "hand.made"]
    assert [(r["object"], r["detail"]) for r in made] == [("", None), ("other@example.com", {"why": "asked"})]
    assert [(r["wording"], r["ip"]) for r in await rows_of(db, "consents")] == [("yes", None)]


async def test_a_change_that_is_undone_leaves_no_line(db: Database) -> None:
    action = Acting("key:test", "POST /somewhere", "", NOW)
    with acting(action):
        with pytest.raises(RuntimeError):
            async with db.write():
                raise RuntimeError("no")
        async with db.read() as tx:
            assert (await tx.execute(AUDIT.select())).all() == []
        async with db.write():
            pass
        async with db.write():
            pass
    assert [r["action"] for r in await rows_of(db, "audit")] == ["POST /somewhere"]

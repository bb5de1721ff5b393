"""Every route is behind its door, every answer carries its headers, every error is a problem that tells nothing of the inside."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api.app import create_app
from api.limits import Limit
from api.middleware import BODY_MOST
from nurture.bootstrap import open_app
from nurture.domain.tokens import Purpose
from nurture.services.access import SCOPES
from nurture.settings import Settings
from nurture.store.database import connect
from tests.api.conftest import Clock, House, client_of
from tests.support.people import add_people

SCOPE_OF = {
    ("subscribers", "get"): "subscribers:read", ("subscribers", "post"): "subscribers:write", ("subscribers", "patch"): "subscribers:write", ("subscribers", "delete"): "subscribers:write",
    ("segments", "get"): "sequences:read", ("segments", "post"): "sequences:write",
    ("sequences", "get"): "sequences:read", ("sequences", "post"): "sequences:write",
    ("campaigns", "get"): "sequences:read", ("campaigns", "post"): "sequences:write",
    ("cleanups", "get"): "sequences:read", ("cleanups", "post"): "sequences:write",
    ("letters", "get"): "sequences:read", ("letters", "post"): "sequences:write",
    ("deliveries", "get"): "deliveries:read", ("deliveries", "post"): "deliveries:write", ("events", "get"): "events:read", ("events", "post"): "events:write",
    ("send", "post"): "send", ("send-test", "post"): "send", ("reports", "get"): "reports:read", ("policy", "get"): "policy:read", ("policy", "put"): "policy:write",
    ("forecast", "get"): "subscribers:read", ("forecast", "post"): "subscribers:read",
    ("rules", "get"): "sequences:read", ("rules", "post"): "sequences:write",
    ("tasks", "get"): "tasks:read", ("tasks", "post"): "tasks:write", ("webhooks", "get"): "webhooks:read",
    ("webhooks", "post"): "webhooks:write", ("webhooks", "delete"): "webhooks:write",
    ("questions", "get"): "sequences:read", ("questions", "post"): "sequences:write",
    ("proposals", "get"): "subscribers:read", ("proposals", "post"): "subscribers:write",
    ("replies", "get"): "replies:read", ("replies", "post"): "replies:write",
    ("audit", "get"): "audit:read",
    ("keys", "get"): "keys:write", ("keys", "post"): "keys:write", ("keys", "delete"): "keys:write",
}  # fmt: skip
NAMING_PEOPLE = (
    "/api/v1/segments/{name}/count", "/api/v1/segments/{name}/subscribers", "/api/v1/reports/composition/preview",
    "/api/v1/questions/{name}/answers", "/api/v1/questions/{name}/answers.csv",
    "/api/v1/campaigns/{name}/preflight", "/api/v1/campaigns/{name}/preview",
)  # fmt: skip


def operations(house: House) -> list[tuple[str, str]]:
    verbs = ("get", "post", "put", "patch", "delete")
    return [(path, verb) for path, item in house.api.openapi()["paths"].items() for verb in item if verb in verbs]


def needed(path: str, verb: str) -> str:
    return "subscribers:read" if path in NAMING_PEOPLE else SCOPE_OF[path.split("/")[3], verb]


def opens(scopes: set[str], scope: str) -> bool:
    subject, _, verb = scope.partition(":")
    return bool(scopes & {"all", scope}) or (verb == "read" and f"{subject}:write" in scopes)


async def test_every_operation_asks_for_its_scope(small_house: House) -> None:
    """Route by route and scope by scope: 401 without a key, 403 with any other scope, neither with its own."""
    keys = {scope: await small_house.key(scope) for scope in SCOPES}
    every = operations(small_house)
    assert len(every) > 30
    for path, verb in every:
        address = path.replace("{id}", "999").replace("{name}", "none")
        bare = await small_house.client.request(verb, address)
        assert (bare.status_code, bare.headers["www-authenticate"][:6]) == (401, "Bearer"), (verb, path)
        for scope, key in keys.items():
            answer = await small_house.client.request(verb, address, headers=key)
            door_opens = answer.status_code not in (401, 403)
            assert door_opens is opens({scope}, needed(path, verb)), (verb, path, scope, answer.status_code)


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Bearer nur_x", "Basic abc", "Bearer nur_aaaaaaaa_" + "a" * 43, "nur_aaaaaaaa_" + "a" * 43]
)
async def test_wrong_credentials_are_refused(small_house: House, authorization: str) -> None:
    answer = await small_house.client.get("/api/v1/subscribers", headers={"Authorization": authorization})
    assert answer.status_code == 401


async def test_a_key_in_the_address_opens_nothing(small_house: House) -> None:
    key = (await small_house.key("all"))["Authorization"].split()[1]
    for name in ("key", "api_key", "token", "access_token"):
        assert (await small_house.client.get("/api/v1/subscribers", params={name: key})).status_code == 401
    override = {"X-HTTP-Method-Override": "DELETE", "X-Forwarded-User": "admin"}
    assert (await small_house.client.post("/api/v1/keys", headers=override)).status_code == 401


GUARD = {
    "default-src 'none'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "script-src 'self'", "connect-src 'self'", "frame-src 'self'",
    "form-action 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
}  # fmt: skip
PATHS = ["/", "/login", "/ahead", "/campaigns", "/health/live", "/u/x", "/api/v1/subscribers", "/nothing", "/static/public.css", "/openapi.json", "/setup/x"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_guarded(small_house: House, path: str) -> None:
    answer = await small_house.client.get(path)
    assert set(answer.headers["content-security-policy"].split("; ")) == GUARD
    carried = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin"}
    assert carried.items() <= answer.headers.items()
    assert "strict-transport-security" not in answer.headers  # it is served by http here: a browser that insisted would find nobody
    assert answer.headers["referrer-policy"] == ("no-referrer" if path.startswith(("/u/", "/setup/")) else "same-origin")
    assert len(answer.headers["x-request-id"]) == 16


@pytest.mark.parametrize("page", ["o/x.gif", "c/x/0", "u/x", "preferences/x", "stay/x", "confirm/x", "archive/x", "setup/x", "a/x"])
async def test_no_answer_at_a_token_hands_it_on(small_house: House, page: str) -> None:
    """Not even one that no page writes, such as the refusal of a method."""
    answer = await small_house.client.put(f"/{page}")
    assert (answer.status_code, answer.headers["referrer-policy"]) == (405, "no-referrer")


async def test_errors_are_problems(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await small_house.key("all")
    cases: list[tuple[str, str, dict[str, Any], int]] = [
        ("GET", "/api/v1/nothing", {}, 404), ("PUT", "/api/v1/subscribers", {}, 405), ("GET", "/api/v1/subscribers/x", {}, 422),
        ("GET", "/api/v1/subscribers/0", {}, 422), ("GET", "/api/v1/subscribers", {"params": {"limit": "0"}}, 422),
        ("POST", "/api/v1/subscribers", {"content": b"{", "headers": key | {"Content-Type": "application/json"}}, 422),
        ("POST", "/api/v1/subscribers", {"content": b"x" * (2 * 1024 * 1024 + 1)}, 413),
    ]  # fmt: skip
    for method, path, more, status in cases:
        answer = await small_house.client.request(method, path, **{"headers": key} | more)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (method, path, answer.text)
        assert answer.json()["status"] == status
        assert answer.json()["detail"]
    for body, words in (
        (b'{"email": oops}', "body: this is not JSON from character 10 on"),
        (b'{"name": "Eve"}', "body.email: this is needed"),
    ):
        told = await small_house.client.post("/api/v1/subscribers", content=body, headers=key | {"Content-Type": "application/json"})
        assert words in told.json()["detail"]

    async def broken(*_args: object) -> None:
        raise RuntimeError("SELECT secret FROM inside")

    monkeypatch.setattr("api.marketer.subscribers.people.get_person", broken)
    answer = await small_house.client.get("/api/v1/subscribers/1", headers=key)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "inside" not in answer.text
    assert answer.json()["id"] in answer.json()["detail"]


async def test_a_database_that_is_away_or_wakes_up_is_waited_for(small_house: House) -> None:
    key = await small_house.key("all")

    async def waking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As PostgreSQL answers while it starts."""
        told = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
        size = int.from_bytes(await reader.readexactly(4), "big")
        await reader.readexactly(size - 4)
        writer.write(b"N" if size == 8 else b"E" + (len(told) + 4).to_bytes(4, "big") + told)
        if size == 8:  # it was asked for TLS first
            size = int.from_bytes(await reader.readexactly(4), "big")
            await reader.readexactly(size - 4)
            writer.write(b"E" + (len(told) + 4).to_bytes(4, "big") + told)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(waking, "127.0.0.1", 0) as server:
        for port in (server.sockets[0].getsockname()[1], 1):
            away = connect(f"postgresql://nurture:x@127.0.0.1:{port}/nurture")
            async with client_of(create_app(dataclasses.replace(small_house.app, db=away))) as client:
                for path in ("/api/v1/subscribers", "/health/ready"):
                    answer = await client.get(path, headers=key)
                    assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
            await away.close()


async def test_the_log_tells_no_token_of_a_letter(
    small_house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the log could leave in somebody's name."""

    async def broken(*_args: object) -> None:
        raise RuntimeError("broken inside")

    monkeypatch.setattr("api.public.routes.preferences", broken)
    token = small_house.token(Purpose.LEAVE, 1, 1, 1)
    assert (await small_house.client.get(f"/u/{token}")).status_code == 500
    said = "".join(capsys.readouterr())
    assert "broken inside" in said
    assert token not in said


async def test_an_address_without_a_slash_is_answered(small_house: House) -> None:
    """`OPTIONS *` is the one request whose address is no path."""
    told: list[Any] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "OPTIONS", "path": "*", "raw_path": b"*",
        "query_string": b"", "headers": [], "client": ("203.0.113.9", 1), "server": ("nurture.test", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    await small_house.api(scope, receive, send)
    assert told[0]["status"] == 404


async def test_a_body_without_a_length_is_counted_too(small_house: House) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 65_536

    key = await small_house.key("all")
    answer = await small_house.client.post("/api/v1/sequences", headers=key, content=endless())
    assert answer.status_code == 413
    stated = await small_house.client.post("/u2", content=b"x", headers={"Content-Length": str(BODY_MOST + 1)})
    assert (stated.status_code, stated.headers["connection"]) == (413, "close")  # by its stated length alone, before any of it is read
    much = b"x" * (BODY_MOST + 1)
    assert (await small_house.client.post("/u/x", content=much)).status_code == 404  # leaving works whatever is sent: nothing of it is read
    assert (await small_house.client.post("/api/v1/subscribers/import", headers=key, content=much)).status_code == 422  # a file of people may be longer


async def test_the_forwarded_address_is_believed_from_known_proxies_only(tmp_path: Path) -> None:
    for trusted, expected in (("", "203.0.113.9"), ("203.0.113.9", "198.51.100.1"), ("203.0.113.9, 198.51.100.1", "192.0.2.7")):
        settings = Settings(data_dir=tmp_path, secret_key="a secret of the tests", trusted_proxies=trusted)
        async with open_app(settings) as app:
            api = create_app(app)
            [person] = await add_people(app.db, f"p{len(trusted)}@example.com")
            house = House(app, api, client_of(api), lambda: None)  # type: ignore[arg-type]
            token = house.token(Purpose.LEAVE, 0, person, 0)
            await house.client.post(f"/u/{token}", headers={"X-Forwarded-For": "192.0.2.7, 198.51.100.1"})
            async with app.db.read() as tx:
                ips = (await tx.exec_driver_sql("SELECT ip FROM consents ORDER BY id DESC LIMIT 1")).scalar_one()
            assert ips == expected
            await house.client.aclose()


async def test_https_is_insisted_on_where_it_is_served(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="a secret of the tests", base_url="https://letters.example.com", public_metrics=True)
    async with open_app(settings) as app, client_of(create_app(app)) as client:
        answer = await client.get("/health/ready")
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        metrics = await client.get("/metrics")
        assert metrics.status_code == 200
        assert "nurture_http_requests_total" in metrics.text


async def test_a_key_that_asks_too_often_waits_and_no_other(small_house: House) -> None:
    small_house.api.state.by_key = Limit(3, 5)
    eager, calm = await small_house.key("all"), await small_house.key("all")
    answers = [await small_house.client.get("/api/v1/keys", headers=eager) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert (answers[3].headers["retry-after"], answers[3].headers["content-type"]) == ("5", "application/problem+json")
    assert (await small_house.client.get("/api/v1/keys", headers=calm)).status_code == 200


def test_a_limit_counts_each_alone_and_begins_anew() -> None:
    clock = Clock()
    limit = Limit(2, 60, keep=3, clock=lambda: clock().timestamp())
    assert [limit.take("a") for _ in range(3)] + [limit.take("b")] == [True, True, False, True]
    clock.forward(seconds=59)
    assert not limit.take("a")
    clock.forward(seconds=1)
    assert limit.take("a")
    assert [limit.take(who) for who in ("c", "d", "e")] == [True] * 3
    assert len(limit._seen) == 3


def test_nought_is_no_limit() -> None:
    unlimited = Limit(0, 5)
    assert all(unlimited.take("key") for _ in range(9))


ODD = ["a\x00b", "\ud800", "\uffff", "a\u2028b", "\u202ex", "'; DROP TABLE events; --", "%", "x" * 90]


@pytest.mark.parametrize("odd", ODD)
async def test_odd_characters_are_never_an_internal_error(house: House, odd: str) -> None:
    """PostgreSQL takes no NUL, no database a lone surrogate; both come in through JSON escapes and percent signs."""
    key = await house.key("all")
    [person] = await add_people(house.app.db, "anna@example.com")
    escaped = json.dumps(odd)
    bodies = [
        ("POST", "/api/v1/subscribers", '{"email": "b@example.com", "name": %s, "tags": [%s], "fields": {"k": %s, %s: 1}, "source": %s}'),
        ("POST", "/api/v1/subscribers", '{"email": %s}'), ("PATCH", f"/api/v1/subscribers/{person}", '{"topics": {%s: true}, "country": %s}'),
        ("POST", "/api/v1/events", '{"email": "anna@example.com", "type": "visited", "id": %s, "name": %s}'),
        ("POST", f"/api/v1/subscribers/{person}/resubscribe", '{"wording": %s, "source": %s}'),
        ("POST", "/api/v1/keys", '{"name": %s, "scopes": ["send"]}'), ("POST", "/api/v1/keys", '{"name": "x", "scopes": [%s]}'),
        ("POST", "/api/v1/segments", '{"segment": "odd", "where": {"tag": %s}}'),
        ("POST", "/api/v1/sequences/none/enrolments", '{"email": %s}'), ("PUT", "/api/v1/policy", '{"postal_address": %s}'),
    ]  # fmt: skip
    for method, path, body in bodies:
        filled = body.replace("%s", escaped)
        answer = await house.client.request(method, path, headers=key | {"Content-Type": "application/json"}, content=filled)
        assert answer.status_code < 500, (method, path, filled, answer.text)
    quoted = quote(odd.encode("utf-8", "surrogatepass"))
    for path in (
        f"/api/v1/sequences/{quoted}", f"/api/v1/segments/{quoted}/count", f"/api/v1/subscribers?email={quoted}", f"/u/{quoted}",
        f"/api/v1/subscribers?segment={quoted}", f"/api/v1/deliveries?letter={quoted}&email={quoted}", f"/media/{quoted}",
        f"/api/v1/events?email={quoted}", f"/api/v1/subscribers?cursor={quoted}", f"/api/v1/sequences/{quoted}/enrolments?state={quoted}",
    ):  # fmt: skip
        answer = await house.client.get(path, headers=key)
        assert answer.status_code < 500, (path, answer.text)
    idempotent = await house.client.post("/api/v1/events", headers=key | {"Idempotency-Key": "x\x7f"}, json={})
    assert idempotent.status_code < 500

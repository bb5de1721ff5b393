"""Every route by every role, every scope and nobody at all: made from the application's own table of routes, so that none is forgotten.

What a route asks for is derived from its method and its path (`domain/roles.py` for pages, the table of `test_doors.py` for the API); one that
fits neither, and is not named here as open to everybody, fails the first test.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from nurture.domain.roles import GRANTS, SCOPES, Role, opens, page_scope
from nurture.domain.tokens import Purpose
from nurture.services import access
from tests.api.conftest import House, client_of
from tests.api.test_doors import needed
from tests.support.ledger import add_delivery, add_letter
from tests.support.people import NOW, add_people

# First words of paths that anybody may knock at: a token, a form, a provider's secret or nothing guards what is behind.
OPEN = frozenset({"o", "c", "u", "preferences", "media", "subscribe", "confirm", "inbound", "static", "favicon.ico", "login", "logout", "setup"})
OF_READERS = frozenset({"a", "archive", "draws", "stay", "feed", "feeds", "r"})  # what else a letter may lead to
KEY_OR_SESSION = frozenset({"metrics", "docs", "openapi.json"})
SECRETS = ("zebedee", "quux", "zanzibar")
WORDS = {"id": "1", "name": "none", "hash": "0" * 64, "form": "none", "provider": "ses", "rest": "x", "step": "close", "number": "0", "token": "x"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
ORIGIN = {"Origin": "http://nurture.test"}


def every_route(api: Any) -> list[tuple[str, str]]:
    """(method, path) of each, as the application answers them."""
    found = [(m, str(c.path)) for c in iter_route_contexts(api.routes) for m in (c.methods or ()) if c.path]
    return sorted(set(found))


def first_word(path: str) -> str:
    return path.strip("/").partition("/")[0]


def kind_of(path: str) -> str:
    """`open`, `health`, `reference`, `api` or `page`."""
    word = first_word(path)
    if path.startswith("/api/v1/"):
        return "api"
    if word in KEY_OR_SESSION:
        return "reference"
    return "open" if word in OPEN | OF_READERS else "health" if word == "health" else "page"


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: WORDS.get(found[1], "1"), path)


async def furnish(house: House) -> None:
    """Somebody whose words must not be seen by those who may not."""
    [person] = await add_people(house.app.db, "zebedee.quux@example.org", name="Zebedee Quux", fields={"city": "Zanzibar"})
    await add_delivery(house.app.db, person, await add_letter(house.app.db))


async def signed_in(house: House, role: Role) -> dict[str, str]:
    user = await access.add_user(house.app.db, f"{role}@house.example", "correct horse battery", NOW, role=role)
    return {"nurture_session": await access.start_session(house.app.db, user, NOW)}


def leaks(answer: httpx2.Response) -> list[str]:
    said = answer.text.lower() + str(dict(answer.headers)).lower()
    return [word for word in (*SECRETS, "traceback", "sqlalchemy", "sqlite3", "select ", "argon2id", "/nurture/", "site-packages") if word in said]


@pytest.fixture
async def furnished(small_house: House) -> House:
    await furnish(small_house)
    return small_house


def each(house: House, kind: str) -> Iterator[tuple[str, str, str]]:
    for method, path in every_route(house.api):
        if kind_of(path) == kind:
            yield method, path, filled(path)


async def test_every_route_is_decided(furnished: House) -> None:
    """A page asks for a scope that some role has or lacks; an operation of the API stands in the table of scopes."""
    routes = every_route(furnished.api)
    assert len(routes) > 90
    for method, path in routes:
        if kind_of(path) == "api":
            assert needed(path, method.lower()) in SCOPES, f"{method} {path}: name its scope in SCOPE_OF of tests/api/test_doors.py"
        elif kind_of(path) == "page":
            scope = page_scope(method, path)
            assert {role: opens(GRANTS[role], scope) for role in Role}[Role.OWNER], (method, path)
            assert not opens(GRANTS[Role.HELPER], scope) or scope.startswith("replies:"), (method, path)
            assert method in ("GET", "HEAD") or not opens(GRANTS[Role.READER], scope), f"{method} {path} lets a reader change something"


async def test_a_page_opens_to_the_roles_that_have_its_scope_and_to_nobody_else(furnished: House) -> None:
    """Strangers go to the sign-in page, a wrong role is told so; neither learns a word about people. Nothing is an internal error."""
    cookies = {role: await signed_in(furnished, role) for role in Role}
    seen = 0
    for method, path, address in each(furnished, "page"):
        scope = page_scope(method, path)
        stranger = await furnished.client.request(method, address, headers=ORIGIN)
        assert (stranger.status_code, leaks(stranger)) == (303, []), (method, path, stranger.text)
        assert stranger.headers["location"].startswith("/login")
        for role in Role:
            async with client_of(furnished.api, cookies=cookies[role]) as client:
                answer = await client.request(method, address, headers=ORIGIN)
            may = opens(GRANTS[role], scope)
            seen += 1
            assert answer.status_code < 500, (method, path, role, answer.text)
            if not may:
                home = path == "/" and answer.status_code == 303 and answer.headers["location"] == "/replies"
                assert answer.status_code == 403 or home, (method, path, role, answer.status_code)
                assert leaks(answer) == [], (method, path, role)
            elif method in UNSAFE:  # the door is open, and the form's own token is missing
                assert answer.status_code in (403, 404, 422), (method, path, role, answer.status_code)
                assert "your role" not in answer.text.lower(), (method, path, role)
            else:
                assert answer.status_code in (200, 303, 404, 422), (method, path, role, answer.status_code)
                assert answer.status_code == 303 or answer.headers["cache-control"] == "no-store", (method, path, role)
    assert seen > 80


async def test_a_session_opens_no_route_of_the_api(furnished: House) -> None:
    """The cookie travels with every request of a browser; the key does not: so no page elsewhere can use the API in somebody's name."""
    cookie = await signed_in(furnished, Role.OWNER)
    async with client_of(furnished.api, cookies=cookie) as client:
        for method, path, address in each(furnished, "api"):
            answer = await client.request(method, address)
            assert (answer.status_code, leaks(answer)) == (401, []), (method, path)


async def test_a_key_with_every_other_scope_is_refused_without_a_word_of_what_is_behind(furnished: House) -> None:
    """And one with all scopes never fails inside. (Scope by scope: test_doors.py.)"""
    master = await furnished.key("all")
    keys: dict[str, dict[str, str]] = {}
    for method, path, address in each(furnished, "api"):
        scope = needed(path, method.lower())
        if scope not in keys:
            keys[scope] = await furnished.key(*(held for held in SCOPES if not opens({held}, scope)))
        answer = await furnished.client.request(method, address, headers=keys[scope])
        assert (answer.status_code, answer.headers["cache-control"], leaks(answer)) == (403, "no-store", []), (method, path)
        if method not in UNSAFE:  # what an open door does is the business of its own tests
            opened = await furnished.client.request(method, address, headers=master)
            assert opened.status_code < 500, (method, path, opened.text)


async def test_pages_are_closed_to_keys(furnished: House) -> None:
    key = await furnished.key("all")
    for method, path, address in each(furnished, "page"):
        answer = await furnished.client.request(method, address, headers=key | ORIGIN)
        assert (answer.status_code, leaks(answer)) == (303, []), (method, path)


async def test_what_is_open_to_everybody_tells_nothing_and_never_fails(furnished: House) -> None:
    """Without a good token each is the same page or a plain refusal; with a token of the wrong purpose, too."""
    wrong = furnished.token(Purpose.BOUNCE, 1, 1, 1)
    for method, path, address in each(furnished, "open"):
        for where in {address, re.sub(r"\{(token|rest)(:\w+)?\}", wrong, filled_but_token(path))}:
            for body in (b"", b"\xff\x00{", b'{"a": [' * 50):
                answer = await furnished.client.request(method, where, content=body if method in UNSAFE else None)
                assert answer.status_code < 500, (method, path, answer.text)
                assert leaks(answer) == [], (method, path, answer.text)


def filled_but_token(path: str) -> str:
    return re.sub(r"\{(?!token|rest)(\w+)(:\w+)?\}", lambda found: WORDS.get(found[1], "1"), path)


async def test_figures_and_reference_ask_for_a_key_or_a_session(furnished: House) -> None:
    cookie = await signed_in(furnished, Role.READER)
    for method, path, address in each(furnished, "reference"):
        assert (await furnished.client.request(method, address)).status_code == 401, (method, path)
        assert (await furnished.client.request(method, address, headers=await furnished.key("send"))).status_code == 200, (method, path)
        async with client_of(furnished.api, cookies=cookie) as client:
            assert (await client.request(method, address)).status_code == 200, (method, path)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_a_method_that_a_page_does_not_know_changes_nothing(furnished: House, method: str) -> None:
    """Nor does a header that names another one: the method is what the first line says."""
    override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "DELETE"}
    known = {(m, p) for m, p in every_route(furnished.api)}
    for path in sorted({p for _, p in known}):
        if (method, path) not in known and not path.startswith("/api/"):
            answer = await furnished.client.request(method, filled(path), headers=override)
            assert answer.status_code in (303, 404, 405), (method, path, answer.status_code)

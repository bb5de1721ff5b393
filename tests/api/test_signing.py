"""Signing in and out: whom the door lets in, how long it bears guesses, what a browser is given, and that no page elsewhere can press a button."""

import asyncio
import dataclasses
from pathlib import Path

import httpx2
import pytest

from nurture.bootstrap import App
from nurture.services.access import add_user, setup_token
from nurture.store.database import Database
from tests.support.desk import HOST, PASSWORD, USER, browser, open_desk, sign_in, token_of
from tests.support.ledger import rows_of
from tests.support.people import NOW


@pytest.fixture
async def app(sqlite_db: Database, tmp_path: Path) -> App:
    return open_desk(sqlite_db, tmp_path / "data")


async def test_signing_in_opens_the_pages_and_signing_out_closes_them(app: App) -> None:
    async with browser(app) as desk:
        await sign_in(desk, app)
        cookie = next(c for c in desk.cookies.jar if c.name == "nurture_session")
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite", "").lower() == "lax"
        page = await desk.get("/")
        assert page.status_code == 200
        kept = cookie.value
        left = await desk.post("/logout", data={"csrf": token_of(page.text)}, headers={"Origin": HOST})
        assert left.status_code == 303
        desk.cookies.set("nurture_session", kept, domain="127.0.0.1")
        assert (await desk.get("/")).status_code == 303  # the session is gone on the server, not only in the browser


@pytest.mark.parametrize(
    ("base", "session", "secure"), [("http://127.0.0.1:8000", "nurture_session", set()), ("https://letters.example.com", "__Host-nurture", {"secure"})]
)
async def test_cookies_are_for_this_house_alone_and_end_with_the_visit(app: App, base: str, session: str, secure: set[str]) -> None:
    house = dataclasses.replace(app, settings=app.settings.model_copy(update={"base_url": base}))
    await add_user(app.db, USER, PASSWORD, NOW)

    def given(answer: httpx2.Response) -> dict[str, tuple[bool, set[str]]]:
        """Of each cookie whether it holds something, and its flags."""
        told = [line.lower().split("; ") for line in answer.headers.get_list("set-cookie")]
        return {line[0].partition("=")[0]: (len(line[0].partition("=")[2].strip('"')) > 20, {f for f in line[1:] if not f.startswith(("max-age", "expires"))}) for line in told}

    flags = {"path=/", "httponly", "samesite=lax"} | secure
    async with browser(house, host=base) as desk:
        page = await desk.get("/login")
        assert given(page) == {"nurture_form": (True, flags)}
        fields = {"csrf": token_of(page.text), "email": USER, "password": PASSWORD}
        entered = await desk.post("/login", data=fields, headers={"Origin": base})
        assert (given(entered)[session.lower()], given(entered)["nurture_form"][0]) == ((True, flags), False)
        assert "max-age=2592000" in entered.headers["set-cookie"].lower()  # 30 days, as long as the session
        assert (await desk.post("/logout", data=fields, headers={"Origin": base})).status_code == 403  # the form of before is worth nothing
        home = await desk.get("/")
        assert home.status_code == 200
        left = await desk.post("/logout", data={"csrf": token_of(home.text)}, headers={"Origin": base})
        assert given(left) == {session.lower(): (False, flags)}
        desk.cookies.set("nurture_form", "short", domain=desk.base_url.host)  # as another page of this domain might
        planted = await desk.post("/login", data=fields | {"csrf": "short"}, headers={"Origin": base})
        assert planted.status_code == 403


async def test_a_wrong_password_is_refused_and_says_what_to_do(app: App) -> None:
    async with browser(app) as desk:
        await sign_in(desk, app)
        desk.cookies.clear()
        page = await desk.get("/login")
        fields = {"csrf": token_of(page.text), "email": USER, "password": "wrong"}
        answer = await desk.post("/login", data=fields, headers={"Origin": HOST})
    assert answer.status_code == 422
    assert "do not fit together" in answer.text
    assert "nurture_session" not in answer.cookies
    told = [(r["actor"], r["action"], r["object"], r["ip"]) for r in await rows_of(app.db, "audit")]
    assert told == [("cli", "user.add", USER, None), ("web", "login.ok", USER, "127.0.0.1"), ("web", "login.fail", USER, "127.0.0.1")]


async def test_after_ten_wrong_tries_the_right_password_waits_too(app: App) -> None:
    """By the account and by the visitor's address, which is a whole /64 in IPv6; and twelve tries at once are twelve."""
    async with browser(app, client="2001:db8::1") as desk:
        await sign_in(desk, app)
        desk.cookies.clear()
        token = token_of((await desk.get("/login")).text)

        async def tries(email: str, password: str, ip: str = "2001:db8::1") -> int:
            desk._transport.client = (ip, 4711)  # type: ignore[attr-defined]
            return (await desk.post("/login", data={"csrf": token, "email": email, "password": password}, headers={"Origin": HOST})).status_code

        assert sorted(await asyncio.gather(*(tries("Anna@Example.com", f"{n}") for n in range(12)))) == [422] * 10 + [429] * 2
        shut = await desk.post("/login", data={"csrf": token, "email": USER, "password": PASSWORD}, headers={"Origin": HOST})
        assert (shut.status_code, "Wait a quarter of an hour" in shut.text) == (429, True)
        assert await tries("anna@example.com", PASSWORD, "198.51.100.1") == 429
        assert await tries("bert@example.com", PASSWORD, "2001:db8::2") == 429
        assert await tries("bert@example.com", PASSWORD, "2001:db8:0:1::1") == 422


ELSEWHERE: list[tuple[dict[str, str], bool]] = [
    ({}, True), ({"Origin": "https://evil.example"}, True), ({"Origin": "null"}, True), ({"Origin": HOST}, False), ({"Origin": f"{HOST}.evil.example"}, True),
    ({"Origin": "https://evil.example", "Referer": HOST}, True), ({"Referer": "https://evil.example/"}, True), ({"Origin": "http://["}, True),
]  # fmt: skip


async def test_a_form_from_elsewhere_is_refused(app: App) -> None:
    """Nor does a page elsewhere sign anybody in as somebody else."""
    async with browser(app) as desk:
        await sign_in(desk, app)
        right = token_of((await desk.get("/")).text)
        for headers, keep_token in ELSEWHERE:
            token = right if keep_token else "x" * 32
            answer = await desk.post("/logout", data={"csrf": token}, headers=headers)
            assert answer.status_code == 403, headers
            assert (await desk.get("/")).status_code == 200
            entered = await desk.post("/login", data={"csrf": token, "email": USER, "password": PASSWORD}, headers=headers)
            assert (entered.status_code, "set-cookie" in entered.headers) == (403, False), headers


async def test_a_browser_that_hides_the_origin_may_name_the_page_instead(app: App) -> None:
    async with browser(app) as desk:
        await sign_in(desk, app)
        token = token_of((await desk.get("/")).text)
        assert (await desk.post("/logout", data={"csrf": token}, headers={"Referer": f"{HOST}/people"})).status_code == 303


async def test_signing_in_never_leads_elsewhere(app: App) -> None:
    async with browser(app) as desk:
        await sign_in(desk, app)
        for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/evil.example", "//[", "http://[", "/a\\evil"):
            assert (await desk.get("/login", params={"next": wanted})).headers["location"] == "/", wanted
        desk.cookies.clear()
        for wanted in ("//evil.example", "//["):
            page = await desk.get("/login", params={"next": wanted})
            fields = {"csrf": token_of(page.text), "email": USER, "password": PASSWORD, "next": wanted}
            answer = await desk.post("/login", data=fields, headers={"Origin": HOST})
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            desk.cookies.clear()


@pytest.mark.parametrize(("charset", "status"), [("undefined", 422), ("unicode_escape", 403), ("utf-7", 403), ("no such", 403)])
async def test_a_form_in_a_strange_character_set_is_no_internal_error(app: App, charset: str, status: int) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n\\ud800-\r\n--x--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}", "Origin": HOST}
    async with browser(app) as desk:
        assert (await desk.post("/login", content=body, headers=headers)).status_code == status


async def test_the_setup_link_makes_the_first_user_and_works_once(app: App) -> None:
    link = f"/setup/{setup_token(app.keys[0])}"
    async with browser(app) as desk:
        page = await desk.get(link)
        assert page.status_code == 200
        assert page.headers["referrer-policy"] == "no-referrer"
        fields = {"csrf": token_of(page.text), "email": USER, "password": PASSWORD}
        for where, more, headers in (("A" * 24, {}, {"Origin": HOST}), (link[7:], {"csrf": "x"}, {"Origin": HOST}), (link[7:], {}, {"Origin": "https://evil.example"})):
            assert (await desk.post(f"/setup/{where}", data=fields | more, headers=headers)).status_code == 403
        made = await desk.post(link, data=fields, headers={"Origin": HOST})
        assert (made.status_code, made.headers["location"]) == (303, "/")
        assert (await desk.get("/")).status_code == 200
        desk.cookies.clear()
        assert (await desk.get(link)).headers["location"] == "/login"
    assert [(r["actor"], r["action"], r["object"], r["ip"]) for r in await rows_of(app.db, "audit")] == [("setup", "user.add", USER, "127.0.0.1")]

"""Keys, users and sessions: nothing secret is stored, what ends has ended at once."""

import time
from datetime import timedelta

import pytest

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.tokens import TokenKey
from nurture.services import access
from nurture.store.database import Database
from tests.support.ledger import rows_of
from tests.support.people import NOW


async def test_a_key_opens_its_doors_and_no_others(db: Database) -> None:
    new = await access.create_key(db, "shop", ["subscribers:write,send"], NOW)
    principal = await access.check_key(db, new.key, NOW)
    assert principal is not None
    assert principal.may("subscribers:write")
    assert principal.may("subscribers:read")
    assert principal.may("send")
    assert not principal.may("reports:read")
    assert not principal.may("events:write")
    assert not principal.may("all")
    for seconds, used in ((59, 0), (60, 60)):  # when it was last used is told to the minute, so that not every request writes
        assert await access.check_key(db, new.key, NOW + timedelta(seconds=seconds)) is not None
        assert [key.used_at for key in await access.list_keys(db)] == [NOW + timedelta(seconds=used)]


async def test_the_database_holds_no_key(db: Database) -> None:
    new = await access.create_key(db, "shop", ["all"], NOW)
    secret = new.key.split("_", 2)[2]
    assert secret not in str(await rows_of(db, "api_keys")) + str(await rows_of(db, "audit"))


@pytest.mark.parametrize("how", ["id", "name", "prefix", "key"])
async def test_a_revoked_key_fails_at_once(db: Database, how: str) -> None:
    new = await access.create_key(db, "shop", ["all"], NOW)
    other = await access.create_key(db, "other", ["all"], NOW)
    what = {"id": new.id, "name": new.name, "prefix": new.prefix, "key": new.key}[how]
    assert await access.revoke_key(db, what, NOW) == 1
    assert await access.check_key(db, new.key, NOW) is None
    assert await access.check_key(db, other.key, NOW) is not None
    with pytest.raises(NurtureError, match="no live key"):
        await access.revoke_key(db, what, NOW)
    told = [(r["action"], r["object"], r["detail"]) for r in await rows_of(db, "audit")]
    made = [("key.create", key.prefix, {"name": key.name, "scopes": ["all"]}) for key in (new, other)]
    assert told == [*made, ("key.revoke", str(what)[:12], None)]  # never the key itself


async def test_wrong_keys_are_all_alike(db: Database) -> None:
    new = await access.create_key(db, "shop", ["all"], NOW)
    wrong = ["", "nur_", new.key[:-1], new.key + "x", new.key[:-1] + ("a" if new.key[-1] != "a" else "b"), new.key.upper(), "nur_00000000_" + "a" * 43]
    assert [await access.check_key(db, text, NOW) for text in wrong] == [None] * len(wrong)


@pytest.mark.parametrize("scopes", [[], ["everything"], ["subscribers:writ"]])
async def test_unknown_scopes_are_refused(db: Database, scopes: list[str]) -> None:
    with pytest.raises(NurtureError):
        await access.create_key(db, "shop", scopes, NOW)
    assert await rows_of(db, "api_keys") == []


async def test_a_new_password_ends_every_session(db: Database) -> None:
    user = await access.add_user(db, "Anna@example.com ", "correct horse battery", NOW)
    assert await access.check_password(db, "anna@example.com", "correct horse battery", NOW) == user
    spent = []
    for email, password in (("anna@example.com", "wrong"), ("nobody@example.com", "correct horse battery")):
        began = time.process_time()
        assert await access.check_password(db, email, password, NOW) is None
        spent.append(time.process_time() - began)
    assert min(spent) > max(spent) / 3, "how long it takes tells nobody which addresses there are"
    bert = await access.start_session(db, await access.add_user(db, "bert@example.com", "correct horse battery", NOW), NOW)
    values = [await access.start_session(db, user, NOW) for _ in range(2)]
    visit = await access.check_session(db, values[0], NOW)
    assert visit is not None
    assert visit.email == "anna@example.com"
    await access.change_password(db, "anna@example.com", "another long sentence", NOW)
    assert [await access.check_session(db, v, NOW) for v in values] == [None, None]
    assert await access.check_session(db, bert, NOW) is not None
    told = [(r["actor"], r["action"], r["object"]) for r in await rows_of(db, "audit")]
    anna, signs = "anna@example.com", [("web", f"login.{how}", who) for how, who in (("ok", "anna"), ("fail", "anna"), ("fail", "nobody"))]
    assert told == [("cli", "user.add", anna), *((a, w, f"{who}@example.com") for a, w, who in signs), ("cli", "user.add", "bert@example.com"), ("cli", "user.password", anna)]
    assert "correct horse" not in str(await rows_of(db, "users"))


async def test_sessions_end_by_idleness_age_and_removal(sqlite_db: Database) -> None:
    db = sqlite_db
    user = await access.add_user(db, "anna@example.com", "correct horse battery", NOW)
    value = await access.start_session(db, user, NOW)
    assert await access.check_session(db, value, NOW + timedelta(days=7, seconds=1)) is None
    for day in range(1, 30):
        assert await access.check_session(db, value, NOW + timedelta(days=day)) is not None
    assert await access.check_session(db, value, NOW + timedelta(days=30)) is None
    second = await access.start_session(db, user, NOW)
    await access.end_session(db, second)
    assert await access.check_session(db, second, NOW) is None
    third = await access.start_session(db, user, NOW)
    await access.add_user(db, "boss@example.com", "correct horse battery", NOW)
    await access.remove_user(db, "anna@example.com", NOW)
    assert await access.check_session(db, third, NOW) is None
    assert await rows_of(db, "sessions") == []
    boss = (await access.list_users(db))[0].id
    for later in (0, 30):  # a new session clears away those that are over
        await access.start_session(db, boss, NOW + timedelta(days=later))
        assert len(await rows_of(db, "sessions")) == 1


async def test_the_setup_link_opens_once(sqlite_db: Database) -> None:
    db, keys = sqlite_db, (TokenKey.derive("secret"),)
    token = access.setup_token(keys[0])
    assert await access.needs_setup(db)
    with pytest.raises(NurtureError) as wrong:
        await access.set_up(db, "x" + token, keys, "anna@example.com", "long enough here", NOW)
    assert wrong.value.kind is ErrorKind.FORBIDDEN
    await access.set_up(db, token, keys, "anna@example.com", "long enough here", NOW)
    assert not await access.needs_setup(db)
    with pytest.raises(NurtureError, match="used already"):
        await access.set_up(db, token, keys, "eve@example.com", "long enough here", NOW)


@pytest.mark.parametrize("password", ["short", "x" * 2000])
async def test_passwords_have_a_sane_length(sqlite_db: Database, password: str) -> None:
    with pytest.raises(NurtureError, match="8 to 1024"):
        await access.add_user(sqlite_db, "anna@example.com", password, NOW)

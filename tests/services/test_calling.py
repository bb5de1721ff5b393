"""Webhooks over a real server: signed so that the published snippet verifies, tried again when they fail, never to a machine inside."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from nurture.domain.errors import NurtureError
from nurture.domain.tokens import TokenKey
from nurture.domain.webhooks import RETRIES
from nurture.hooks.posting import post
from nurture.services.calling import call_due, house_secret
from nurture.services.reacting import react
from nurture.services.registering import list_registered, register, unregister
from nurture.store.database import Database, connect
from nurture.store.seals import WEBHOOK, unseal
from nurture.store.webhooks import KEPT, add_messages, live_webhooks, purge
from nurture.store.workspace import halt, resume
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter
from tests.support.receiver import Receiver, receiver
from tests.support.rules import MESSAGES, fall, messages, rule
from tests.support.smtp import make_authority

KEYS = (TokenKey.derive("a secret of the tests"),)
SECOND = timedelta(seconds=1)
SNIPPET = re.search(r"^```python\n(.*?)^```", (Path(__file__).parents[2] / "docs" / "api.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def published() -> Any:
    """`verify` as docs/api.md shows it."""
    assert SNIPPET
    names: dict[str, Any] = {}
    exec(SNIPPET[1], names)  # the snippet that people will copy
    return names["verify"]


def test_the_secret_of_rules_stays_the_same_for_ever() -> None:
    assert house_secret(KEYS[0]) == "whsec_9DhQ1Zy6bS9qqUcyutYGcC/EV4mNCuodMplxa97wQ5o="


async def test_while_a_key_is_on_its_way_out_both_sign(sqlite_db: Database, hook: Receiver) -> None:
    now, old = datetime.now(UTC), TokenKey.derive("the key before the last change")
    await put_out(sqlite_db, hook.url(), now=now)
    await call_due(sqlite_db, (*KEYS, old), lambda: now, loopback=True)
    ((_, headers, body),) = hook.got
    assert all(published()(house_secret(key), headers, body) for key in (*KEYS, old))


async def put_out(db: Database, url: str, count: int = 1, now: datetime = NOW) -> None:
    await install(db)
    (person,) = await add_people(db, "mia@example.com")
    rows = [
        {"uid": f"msg_{n}", "webhook_id": None, "subscriber_id": person, "url": url, "type": "rule.acted", "body": '{"n": "ж"}', "created_at": now, "due_at": now}
        for n in range(count)
    ]
    async with db.write() as tx:
        assert await add_messages(tx, rows) == count
        assert await add_messages(tx, rows) == 0


async def call(db: Database, now: datetime, *, loopback: bool = True) -> dict[str, int]:
    return dict(await call_due(db, KEYS, lambda: now, loopback=loopback))


async def test_the_published_snippet_verifies_a_real_delivery(db: Database, hook: Receiver) -> None:
    now = datetime.now(UTC)
    await put_out(db, hook.url(), now=now)
    assert await call(db, now) == {"delivered": 1}
    ((path, headers, body),) = hook.got
    assert (path, headers["content-type"], headers["webhook-id"]) == ("/hook?from=nurture", "application/json", "msg_0")
    assert json.loads(body) == {"n": "ж"}
    verify, secret = published(), house_secret(KEYS[0])
    assert verify(secret, headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(house_secret(TokenKey.derive("another secret")), headers, body)
    assert not verify(secret, headers | {"webhook-timestamp": str(int(now.timestamp()) - 301)}, body)
    assert await call(db, now + timedelta(days=3)) == {}
    async with db.write() as tx:
        assert await purge(tx, now + KEPT) == 0
        assert await purge(tx, now + KEPT + SECOND) == 1


async def test_a_failure_is_tried_again_under_the_same_id_and_given_up_in_the_end(db: Database, hook: Receiver) -> None:
    await put_out(db, hook.url())
    hook.answers = [500, 302] + [503] * 20
    now, waits = NOW, []
    while (done := await call(db, now)) != {"failed": 1}:
        assert done == {"pending": 1}
        (message,) = await messages(db)
        waits.append(message.due_at - now)
        assert await call(db, message.due_at - SECOND) == {}
        now = message.due_at
    assert tuple(waits) == RETRIES
    assert {headers["webhook-id"] for _, headers, _ in hook.got} == {"msg_0"}
    assert {path for path, _, _ in hook.got} == {"/hook?from=nurture"}  # the redirect was not followed
    assert len({headers["webhook-timestamp"] for _, headers, _ in hook.got}) == len(RETRIES) + 1
    (message,) = await messages(db)
    assert (message.state, message.attempts, message.answer[:3]) == ("failed", len(RETRIES) + 1, "503")


async def test_a_halted_house_calls_nobody_and_lets_no_rule_act(sqlite_db: Database, hook: Receiver) -> None:
    await put_out(sqlite_db, hook.url())
    await install(sqlite_db, rule("r", {"did": "clicked"}, {"tag": "x"}))
    await add_event(sqlite_db, 1, "clicked", NOW + SECOND)
    async with sqlite_db.write() as tx:
        await halt(tx, "a restored backup")
    assert await call(sqlite_db, NOW + 2 * SECOND) == {}
    assert (await react(sqlite_db, NOW + 2 * SECOND)).seen == 0
    async with sqlite_db.write() as tx:
        await resume(tx)
    assert (await react(sqlite_db, NOW + 2 * SECOND)).acted == 1
    assert await call(sqlite_db, NOW + 2 * SECOND) == {"delivered": 1}


async def test_nobody_there_is_a_failure_like_any_other(db: Database) -> None:
    with receiver() as gone:
        url = gone.url()
    await put_out(db, url)
    assert await call(db, NOW) == {"pending": 1}
    assert "Error" in (await messages(db))[0].answer


@pytest.mark.parametrize(("url", "loopback", "said"), [
    ("http://127.0.0.1:{port}/", False, "over https"), ("https://127.0.0.1:{port}/", False, "not an address of the open internet"),
    ("https://localhost:{port}/", False, "not an address of the open internet"), ("https://10.0.0.1/", True, "not an address of the open internet"),
    ("https://[::ffff:169.254.169.254]/", True, "not an address of the open internet"), ("https://0/", False, "not an address of the open internet"),
    ("https://[64:ff9b::a9fe:a9fe]/", True, "not an address of the open internet"), ("https://[2002:7f00:1::]/", False, "not an address of the open internet"),
    ("https://2130706433/", False, "not an address of the open internet"), ("https://0x7f.1/", False, "not an address of the open internet"),
    ("https://100.64.0.1/", True, "not an address of the open internet"), ("https://[fd00::1]/", True, "not an address of the open internet"),
    ("file:///etc/passwd", True, "is written https"), ("gopher://10.0.0.1/", True, "is written https"), ("https://u:p@e.com/", True, "is written https"),
    ("http://93.184.215.14/", True, "only this machine"), ("https://nowhere.invalid/", True, "cannot be found"), ("ftp://e.com/", True, "is written https"),
    ("http://127.0.0.1:{port}/\r\nX-Evil: 1", True, "no spaces"),
])  # fmt: skip
async def test_where_no_webhook_goes(hook: Receiver, url: str, loopback: bool, said: str) -> None:
    answer = await post(url.format(port=hook.port), "{}", {}, loopback=loopback)
    assert not answer.delivered
    assert said in answer.said
    assert hook.got == []


async def test_a_redirect_is_a_failure_and_is_not_followed(hook: Receiver) -> None:
    hook.answers = [302]
    answer = await post(hook.url(), "{}", {}, loopback=True)
    assert (answer.delivered, answer.said[:3], len(hook.got)) == (False, "302", 1)


async def test_a_name_that_changes_its_mind_is_called_where_it_was_checked(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is outside, every later one inside. It is asked once, and one foot inside is enough to refuse."""
    loop, asked, called = asyncio.get_running_loop(), [], []
    outside, inside = (2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("127.0.0.1", hook.port))

    async def changing(*_: object, **__: object) -> list[Any]:
        asked.append(1)
        return [outside] if len(asked) == 1 else [inside]

    async def open_connection(host: str, port: int, **_: object) -> Any:
        called.append((host, port))
        raise OSError("far away")

    monkeypatch.setattr(loop, "getaddrinfo", changing)
    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    await post(f"https://rebinding.example:{hook.port}/", "{}", {})
    assert (len(asked), called) == (1, [("93.184.215.14", hook.port)])

    async def both(*_: object, **__: object) -> list[Any]:
        return [outside, inside]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    assert "not an address of the open internet" in (await post("https://two.example/", "{}", {})).said
    assert len(called) == 1


async def test_https_checks_the_certificate_of_the_name(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with receiver(authority.server) as hook:
        trusted = await post(hook.url("https", "localhost"), "{}", {}, loopback=True, tls=authority.context)
        assert (trusted.delivered, len(hook.got)) == (True, 1)
        stranger = await post(hook.url("https", "localhost"), "{}", {}, loopback=True)
    assert not stranger.delivered
    assert "CERTIFICATE_VERIFY_FAILED" in stranger.said


async def test_an_answer_that_is_not_http_or_never_comes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nurture.hooks.posting.TIMEOUT", 0.3)

    async def serve(answer: bytes) -> str:
        async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await asyncio.sleep(0 if answer else 2)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return (await post(f"http://127.0.0.1:{port}/", "{}", {}, loopback=True)).said

    assert "no answer within" in await serve(b"")
    assert await serve(b"220 mail.example.com ESMTP\r\n") == "the answer is not HTTP"
    assert "Error" in await serve(b"x" * 100_000)


async def test_two_workers_at_once_send_each_message_once(db: Database, db_url: str, hook: Receiver) -> None:
    await put_out(db, hook.url(), count=40)
    other = connect(db_url)
    try:
        done = await asyncio.gather(*(call(each, NOW) for each in (db, other)))
    finally:
        await other.close()
    assert sum(d.get("delivered", 0) for d in done) == 40
    assert len({headers["webhook-id"] for _, headers, _ in hook.got}) == len(hook.got) == 40


async def test_a_registered_webhook_hears_of_what_happens_from_then_on(db: Database, hook: Receiver) -> None:
    now = datetime.now(UTC)
    await install(db, {"sequence": "s", "letters": [letter("one")]}, rule("r", {"did": "clicked"}, {"enter": "s"}))
    (person,) = await add_people(db, "mia@example.com", name="Mia Berg", tags=("roof",))
    await add_event(db, person, "clicked", now - SECOND, url="https://e.com/0")
    types = ["email.clicked", "sequence.entered", "subscriber.moved"]
    new = await register(db, hook.url(), types, now, key=KEYS[0], loopback=True)
    await add_event(db, person, "clicked", now + SECOND, url="https://e.com/a")
    await add_event(db, person, "clicked", now + 2 * SECOND, url="https://e.com/b", evidence="machine", reason="a scanner")
    await add_event(db, person, "opened", now + 2 * SECOND)
    for second in (3, 4, 5):
        await react(db, now + second * SECOND)
    assert await call(db, now + 5 * SECOND) == {"delivered": 3}
    told = [json.loads(body) for _, _, body in sorted(hook.got, key=lambda g: json.loads(g[2])["timestamp"])]
    assert [t["type"] for t in told] == ["email.clicked", "email.clicked", "sequence.entered"]
    first, second, third = (t["data"] for t in told)
    assert (first["url"], first["is_bot"], first["subscriber"]["email"], first["subscriber"]["tags"]) == ("https://e.com/a", False, "mia@example.com", ["roof"])
    assert (second["is_bot"], second["reason"]) == (True, "a scanner")
    assert (third["sequence"], third["stage"]) == ("s", "entered")
    await fall(db)
    await react(db, now + 6 * SECOND)
    assert await call(db, now + 6 * SECOND) == {"delivered": 2}
    fallen = [json.loads(body) for _, _, body in hook.got[3:]]
    assert {f["type"] for f in fallen} == {"email.clicked.withdrawn"}
    assert {f["data"]["withdraws"] for f in fallen} <= {headers["webhook-id"] for _, headers, _ in hook.got}
    async with db.read() as tx:
        (row,) = await live_webhooks(tx)
    assert (unseal(row.secret, WEBHOOK, KEYS), row.types) == (new.secret, types)
    assert all(published()(new.secret, headers, body) for _, headers, body in hook.got)
    hook.answers = [410]
    await add_event(db, person, "clicked", now + 9 * SECOND)
    await react(db, now + 10 * SECOND)
    await call(db, now + 10 * SECOND)
    assert await list_registered(db) == []


async def test_registering_refuses_what_is_inside_and_removing_stops_what_waits(db: Database, hook: Receiver) -> None:
    for url, loopback in (("https://127.0.0.1/", False), ("http://example.com/", False), ("https://192.168.0.1/x", True)):
        with pytest.raises(NurtureError):
            await register(db, url, ["*"], NOW, key=KEYS[0], loopback=loopback)
    await install(db)
    new = await register(db, hook.url(), ["email.clicked"], NOW, key=KEYS[0], loopback=True)
    (person,) = await add_people(db, "mia@example.com")
    await add_event(db, person, "clicked", NOW + SECOND)
    await react(db, NOW + 2 * SECOND)
    await unregister(db, new.id, NOW + 3 * SECOND)
    with pytest.raises(NurtureError, match="no webhook"):
        await unregister(db, new.id, NOW)
    assert await call(db, NOW + 4 * SECOND) == {}
    assert hook.got == []
    async with db.read() as tx:
        assert (await tx.execute(select(func.count()).where(MESSAGES.c.state == "cancelled"))).scalar_one() == 1

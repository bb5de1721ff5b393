"""What the author hears of the reply desk: once a day or a week, as a service letter through the ledger, never twice, never for nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from nurture.bootstrap import App
from nurture.domain.documents import Policy
from nurture.mail.capture import read_captured
from nurture.replydesk import close_reply
from nurture.replydigest import send_reply_digest
from nurture.services.erasing import erase
from nurture.services.hearing import hear_mail
from nurture.services.sending import SendingRules, send_due
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.tables import METADATA
from nurture.store.workers import enlist
from nurture.store.workspace import ensure_workspace
from tests.api.conftest import Clock
from tests.support.desk import open_desk
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import add_people
from tests.support.returned import reply


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def app(db: Database, tmp_path: Path, clock: Clock) -> App:
    """NOW is Monday, 9 in the morning."""
    opened = replace(open_desk(db, tmp_path / "data"), clock=clock)
    async with db.write() as tx:
        await ensure_workspace(tx, clock(), b"the author reads")
    await wants(opened, digest="daily")
    return opened


async def wants(app: App, **desk: Any) -> None:
    content = {"policy": "default", "sender": {"name": "Anna", "address": "anna@example.com", "reply_to": "desk@example.com"}, "postal_address": "Berlin", "desk": desk}
    async with app.db.write() as tx:
        await save_document(tx, Policy.model_validate(content), "live", app.clock())


async def wrote(app: App, email: str, text: str) -> None:
    known = await rows_of(app.db, "subscribers", email=email)
    person = known[0]["id"] if known else (await add_people(app.db, email))[0]
    await add_delivery(app.db, person, await add_letter(app.db, f"school/{len(await rows_of(app.db, 'letters'))}"))
    await hear_mail(app.db, reply(text).replace(b"mia@example.org", email.encode()), app.keys, app.clock())


async def letters(app: App) -> list[dict[str, Any]]:
    return await rows_of(app.db, "deliveries", kind="service")


async def read(app: App) -> str:
    """The last letter as it left."""
    [*_, row] = await letters(app)
    async with app.db.write() as tx:
        lease = await enlist(tx, "author", app.clock())
    await send_due(app.db, app.relay, lease, SendingRules(base_url=app.settings.base_url, captures=True), app.keys, app.clock)
    raw = read_captured(app.settings.data_dir / "captured", row["id"])
    assert raw is not None
    message = message_from_bytes(raw, policy=policy.default)
    body = message.get_body(("html",))
    assert body is not None
    return f"{message['to']}\n{message['subject']}\n{body.get_content()}"


async def test_the_author_reads_questions_praise_and_what_waits(app: App, clock: Clock) -> None:
    clock.forward(days=-3)
    await wrote(app, "old@example.org", "How old is this?")
    clock.forward(days=3, hours=-2)
    await wrote(app, "mia@example.org", "Thank you, wonderful <b>letters</b> {{ secret }} [x](javascript:1)")
    await wrote(app, "tom@example.org", "How much is a roof?")
    clock.forward(hours=2)
    assert await send_reply_digest(app)
    [row] = await letters(app)
    [author] = await rows_of(app.db, "subscribers", id=row["subscriber_id"])
    assert (author["email"], author["status"]) == ("desk@example.com", "archived")
    text = await read(app)
    assert "desk@example.com" in text
    assert "Your readers wrote: 2 replies, 3 waiting" in text
    for word in ("Questions", "How much is a roof?", "Praise", "&lt;b&gt;letters&lt;/b&gt; {{ secret }} [x](javascript:1)", "tom@example.org", "3 on the desk, the oldest for 3 days", "/replies"):
        assert word in text, word
    assert "How old is this?" not in text
    assert text.index("Questions") < text.index("Praise")
    assert "Leave these letters" not in text


@pytest.mark.parametrize("left", [True, False])
async def test_who_is_erased_is_quoted_no_more(app: App, clock: Clock, left: bool) -> None:
    await wrote(app, "mia@example.org", "How much is my own roof?")
    await wrote(app, "tom@example.org", "And when?")
    clock.forward(minutes=1)
    assert await send_reply_digest(app)
    if left:
        await read(app)
    [mia] = await rows_of(app.db, "subscribers", email="mia@example.org")
    erased = await erase(app.db, mia["id"], clock())
    [digest] = await letters(app)
    assert digest["id"] in erased.letters
    for name in METADATA.tables:
        kept = str(await rows_of(app.db, name))
        assert not [word for word in ("mia@example", "my own roof") if word in kept], name
    if not left:
        assert "And when?" in await read(app)


async def test_it_comes_once_whoever_asks(app: App, clock: Clock) -> None:
    await wrote(app, "mia@example.org", "How much?")
    done = await asyncio.gather(*(send_reply_digest(app) for _ in range(4)))
    assert sorted(done) == [False, False, False, True]
    clock.forward(hours=5)
    await wrote(app, "tom@example.org", "And when?")
    assert not await send_reply_digest(app)
    clock.forward(days=1)
    assert await send_reply_digest(app)
    assert [row["occasion"] for row in await letters(app)] == ["reply-digest:2026-03-02", "reply-digest:2026-03-03"]
    second = await read(app)
    assert ("And when?" in second, "How much?" in second) == (True, False)


async def test_nothing_leaves_for_nothing(app: App, clock: Clock) -> None:
    assert not await send_reply_digest(app)
    clock.forward(days=1)
    await wrote(app, "mia@example.org", "How much?")
    [line] = await rows_of(app.db, "replies")
    assert await send_reply_digest(app)
    await close_reply(app, line["id"], "anna")
    clock.forward(days=1)
    assert not await send_reply_digest(app)
    await wants(app)
    await wrote(app, "tom@example.org", "And when?")
    clock.forward(days=1)
    assert not await send_reply_digest(app)
    assert len(await letters(app)) == 1


async def test_a_run_that_was_broken_off_is_done_again_and_sends_no_second_letter(app: App, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    await wrote(app, "mia@example.org", "How much?")

    async def away(*_: Any) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr("nurture.replydigest.jobs.finish", away)
        with pytest.raises(OSError, match="away"):
            await send_reply_digest(app)
    await wrote(app, "tom@example.org", "And when?")
    clock.forward(hours=2)
    await send_reply_digest(app)
    assert len(await letters(app)) == 1
    assert not await send_reply_digest(app)


async def test_weekly_to_an_address_of_ones_own(app: App, clock: Clock) -> None:
    await wants(app, digest="weekly", to="Author@Example.net", day="tue")
    await wrote(app, "mia@example.org", "How much?")
    assert not await send_reply_digest(app)
    clock.now += timedelta(days=1)
    assert await send_reply_digest(app)
    [row] = await letters(app)
    assert row["occasion"] == "reply-digest:2026-W10"
    assert [p["email"] for p in await rows_of(app.db, "subscribers", id=row["subscriber_id"])] == ["author@example.net"]

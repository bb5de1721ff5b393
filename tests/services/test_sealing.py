"""Secrets at rest: sealed in the database, opened for signing alone, carried over when the secret key is changed."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, update

from nurture.bootstrap import open_app
from nurture.cli import main
from nurture.domain.errors import NurtureError
from nurture.domain.tokens import TokenKey
from nurture.services.calling import call_due
from nurture.services.registering import NewWebhook, register
from nurture.services.sealing import Resealed, reseal, seal_plain
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.seals import WEBHOOK, seal, sealed_prefix, unseal
from nurture.store.webhooks import WebhookRow, add_messages, add_webhook, live_webhooks, messages, secrets_of, webhooks
from tests.services.test_calling import published
from tests.support.people import NOW, add_people
from tests.support.programme import install
from tests.support.receiver import receiver

OLD, NEW = TokenKey.derive("the secret of the last year"), TokenKey.derive("the secret of this year")
PLAIN = "whsec_" + "TmV2ZXIgdGVsbCB0aGlzIHNlY3JldCB0byBhbnlib2R5IQ=="
KEPT_FOR_YEARS = (  # what was sealed once opens for ever
    "v1:0ddb26ba:AAECAwQFBgcICQoLpp9UNwaA56-wxvmRELicK8OTEzMLh62aiQgLIGdfw9dTyWv6OoAjC-iOMKGKNdSvZ4LX3uxZ8UtxOs1MJ1WtaXrppzdtsw=="
)
ADDRESS = "https://93.184.215.14/hook"


def test_a_seal_opens_by_its_key_in_its_column_alone() -> None:
    sealed = seal(PLAIN, WEBHOOK, OLD)
    assert sealed.startswith(sealed_prefix(OLD))
    assert unseal(KEPT_FOR_YEARS, WEBHOOK, (OLD,)) == PLAIN
    assert sealed != seal(PLAIN, WEBHOOK, OLD)
    assert PLAIN[6:20] not in sealed
    assert unseal(sealed, WEBHOOK, (NEW, OLD)) == unseal(PLAIN, WEBHOOK, ()) == PLAIN
    body = sealed.removeprefix(sealed_prefix(OLD))
    changed = [sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:], sealed[:-8], sealed_prefix(NEW) + body, sealed_prefix(OLD), "v1:", sealed + "!"]
    for broken, column, keys in [(sealed, WEBHOOK, (NEW,)), (sealed, "other.secret", (OLD,)), *((c, WEBHOOK, (NEW, OLD)) for c in changed)]:
        with pytest.raises(NurtureError, match="NURTURE_SECRET_KEY_OLD"):
            unseal(broken, column, keys)


async def _kept(db: Database) -> list[str]:
    async with db.read() as tx:
        return [secret for _, secret in await secrets_of(tx)]


async def test_a_change_of_the_key_carries_secrets_over(db: Database) -> None:
    """The old key opens while it is named; after `reseal` it is not needed any more."""
    await install(db)
    (person,) = await add_people(db, "mia@example.com")
    with receiver() as hook:
        new = await register(db, hook.url(), ["email.clicked"], NOW, key=OLD, loopback=True)
        (kept,) = await _kept(db)
        assert kept.startswith(sealed_prefix(OLD))
        assert new.secret not in kept

        async def tried(number: int, *keys: TokenKey) -> dict[str, int]:
            now = datetime.now(UTC)
            row = {"uid": f"msg_{number}", "webhook_id": new.id, "subscriber_id": person, "url": hook.url(), "type": "t", "body": "{}", "created_at": now, "due_at": now}
            async with db.write() as tx:
                await add_messages(tx, [row])
            return dict(await call_due(db, keys, lambda: now, loopback=True))

        assert await tried(1, NEW, OLD) == {"delivered": 1}
        assert await tried(2, NEW) == {"pending": 1}
        async with db.write() as tx:
            assert [row.answer for row in await tx.execute(_answers())] == ["200 OK", unsealable()]
        assert await reseal(db, (NEW,)) == Resealed(lost=(new.id,))
        assert await reseal(db, (NEW, OLD)) == Resealed(anew=1)
        assert await reseal(db, (NEW, OLD)) == Resealed(before=1)
        assert await tried(3, NEW) == {"delivered": 1}
        assert [published()(new.secret, headers, body) for _, headers, body in hook.got] == [True, True]


def _answers() -> Select[Any]:
    return messages.select().order_by(messages.c.id)


def unsealable() -> str:
    with pytest.raises(NurtureError) as told:
        unseal(seal("x", WEBHOOK, OLD), WEBHOOK, ())
    return told.value.message


async def test_what_lay_readable_is_sealed_at_the_next_start_and_stands_in_no_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="the secret of this year")
    async with open_app(settings) as app, app.db.write() as tx:
        for _ in range(80):
            await add_webhook(tx, ADDRESS, ["email.clicked"], PLAIN, NOW)
    assert _holding(tmp_path, PLAIN)
    async with open_app(settings) as app:
        assert [unseal(s, WEBHOOK, app.keys) for s in await _kept(app.db)] == [PLAIN] * 80
        assert not _holding(tmp_path, PLAIN)  # while it runs, in the journal neither
        made = await register(app.db, ADDRESS, ["*"], NOW, key=app.keys[0], loopback=False)
        assert not _holding(tmp_path, made.secret)
        assert await seal_plain(app.db, app.keys[0]) == 0
    assert not _holding(tmp_path, PLAIN)
    assert not _holding(tmp_path, made.secret)


def _holding(folder: Path, secret: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and secret[6:].encode() in path.read_bytes()]


async def test_a_start_seals_plain_rows_on_either_database_and_leaves_those_of_an_old_key(db: Database) -> None:
    async with db.write() as tx:
        await add_webhook(tx, ADDRESS, [], PLAIN, NOW)
        await add_webhook(tx, ADDRESS, [], seal(PLAIN, WEBHOOK, OLD), NOW)
    assert await seal_plain(db, NEW) == 1
    assert [s.startswith(sealed_prefix(k)) for s, k in zip(await _kept(db), (NEW, OLD), strict=True)] == [True, True]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def put(secret: str) -> None:
        async with open_app(Settings(data_dir=tmp_path, secret_key="the secret of this year")) as app, app.db.write() as tx:
            await add_webhook(tx, ADDRESS, [], secret, NOW)
            await tx.execute(update(webhooks).values(secret=secret))

    def run(code: int) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["db", "reseal"])
        assert (ended.value.code or 0) == code
        told = capsys.readouterr()
        return told.out + told.err

    asyncio.run(put(seal(PLAIN, WEBHOOK, OLD)))
    for name, value in (("DATA_DIR", str(tmp_path)), ("SECRET_KEY", "the secret of this year")):
        monkeypatch.setenv(f"NURTURE_{name}", value)
    assert "webhooks: 1. Name the key before this one in NURTURE_SECRET_KEY_OLD" in run(1)
    monkeypatch.setenv("NURTURE_SECRET_KEY_OLD", "the secret of the last year")
    assert run(0) == "Sealed anew: 1. By this key already: 0.\n"
    assert run(0) == "Sealed anew: 0. By this key already: 1.\n"


async def test_no_secret_is_shown_by_what_may_stand_in_a_log(tmp_path: Path) -> None:
    words = {
        "secret_key": "a secret of the tests", "secret_key_old": "another secret of tests", "smtp_url": "smtp://me:pass-1@127.0.0.1:2525",
        "imap_url": "imaps://me:pass-2@127.0.0.1/INBOX", "inbound_mailgun": "pass-3", "inbound_postmark": "pass-4", "inbound_brevo": "pass-5",
    }  # fmt: skip
    async with open_app(Settings(data_dir=tmp_path, **words)) as app:
        made = await register(app.db, ADDRESS, ["*"], NOW, key=app.keys[0], loopback=False)
        async with app.db.read() as tx:
            rows = await live_webhooks(tx)
        shown = repr((app.settings, app.keys, made, rows))
    assert isinstance(rows[0], WebhookRow)
    assert isinstance(made, NewWebhook)
    hidden = [*words.values(), "pass-", made.secret, rows[0].secret, repr(app.keys[0].secret)]
    assert [word for word in hidden if word in shown] == []

"""`nurture hygiene` and `nurture digest` as a marketer runs them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nurture.cli import main
from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.support.ledger import rows_of
from tests.support.people import add_people
from tests.support.programme import install

HOUSE = {"policy": "default", "sender": {"name": "Anna", "address": "anna@example.com"}, "postal_address": "1 Main Street, Town"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))

    async def fill() -> None:
        db = connect(f"sqlite:///{tmp_path / 'nurture.db'}")
        await migrate(db)
        await install(db, HOUSE)
        await add_people(db, "mia@gmail.com", "m.ia@gmail.com", now=datetime.now(UTC) - timedelta(days=3), timezone="Europe/Berlin", zone_source="explicit")
        await db.close()

    asyncio.run(fill())
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert (ended.value.code or 0) == code
    out = capsys.readouterr()
    return out.out + out.err


def test_run_show_accept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has not run yet" in said(capsys, "hygiene")
    assert "New proposals: 1." in said(capsys, "hygiene", "run")
    shown = said(capsys, "hygiene")
    assert "2 people may be one" in shown
    assert "mia@gmail.com, m.ia@gmail.com" in shown
    found = json.loads(said(capsys, "hygiene", "--json"))
    (pair,) = found["proposals"]
    assert (pair["kind"], pair["people"], found["run"]["looked_at"]) == ("duplicate", 2, 2)
    assert "there is no proposal 99" in said(capsys, "hygiene", "accept", "99", code=1)
    assert "is kept" in said(capsys, "hygiene", "accept", str(pair["id"]))
    assert "was accepted by the command line" in said(capsys, "hygiene", "dismiss", str(pair["id"]), code=1)
    said(capsys, "hygiene", "run")
    assert "Nothing is proposed." in said(capsys, "hygiene")


def test_the_digest_is_shown_and_sent_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "digest")
    assert text.startswith("Subject: Your letters, ")
    assert "2 people get your letters" in text
    assert "<h1>" not in text
    assert "<h1" in said(capsys, "digest", "--html")
    assert json.loads(said(capsys, "digest", "--json"))["classes"][3] == {"name": "New", "people": "2", "change": ""}
    assert "wants no digest" in said(capsys, "digest", "--send")

    async def ask() -> None:
        db = connect(f"sqlite:///{folder / 'nurture.db'}")
        await install(db, HOUSE | {"digest": {"to": ["boss@example.com"]}})
        await db.close()

    asyncio.run(ask())
    assert "1 on their way." in said(capsys, "digest", "--send")
    assert "all have this week's" in said(capsys, "digest", "--send")

    async def count() -> int:
        db = connect(f"sqlite:///{folder / 'nurture.db'}")
        rows = await rows_of(db, "deliveries", kind="service")
        await db.close()
        return len(rows)

    assert asyncio.run(count()) == 1

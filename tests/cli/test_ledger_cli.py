"""`nurture status`, `proof`, `deliveries list` and `resolve`: what an operator reads and writes after a bad night."""

import asyncio
import json
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nurture.bootstrap import utc_now
from nurture.cli import main
from nurture.domain.throttles import rested
from nurture.store.database import Database, connect
from nurture.store.outbox import plan_rows
from nurture.store.schema import migrate
from nurture.store.throttles import change_throttle
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    return tmp_path


def in_house(folder: Path, work: Any) -> Any:
    async def opened() -> Any:
        db = connect(f"sqlite:///{folder / 'nurture.db'}")
        await migrate(db)
        try:
            return await work(db)
        finally:
            await db.close()

    made: Coroutine[Any, Any, Any] = opened()
    return asyncio.run(made)


async def three_rows(db: Database) -> None:
    letter = await add_letter(db)
    people = await add_people(db, *(f"p{n}@example.com" for n in range(3)))
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p, due=utc_now() + timedelta(hours=1), closes=None) for p in people])
    for row in (await the_rows(db))[:2]:
        await set_row(db, row.id, state="held", fence=1, dup_risk=1, handed_at=NOW)


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str, int]:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    told = capsys.readouterr()
    return told.out, told.err, int(str(ended.value.code or 0))


def test_from_doubt_to_proof(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_house(folder, three_rows)
    out, _, code = ran(capsys, "proof")
    assert code == 1
    assert "Safe: not entirely." in out
    assert "2 letters are held" in out
    out, _, code = ran(capsys, "deliveries", "list")
    assert (code, out.count("p0@example.com"), out.count("p2@example.com")) == (0, 1, 0)
    for words, said in (
        (("deliveries", "resolve", "1"), "--as accepted"), (("deliveries", "resolve", "--as", "accepted"), "--all"),
        (("deliveries", "resolve", "77", "--as", "accepted"), "no delivery 77"), (("deliveries", "list", "--state", "lost"), "no state"),
    ):  # fmt: skip
        _, err, code = ran(capsys, *words)
        assert code == 1
        assert said in err
    out, _, _ = ran(capsys, "deliveries", "resolve", "1", "--as", "accepted")
    assert out == "1 accepted.\n"
    out, _, _ = ran(capsys, "deliveries", "resolve", "1", "--as", "cancelled")
    assert out == "1 in no doubt any more.\n"
    out, _, _ = ran(capsys, "deliveries", "resolve", "--all", "--as", "cancelled", "--json")
    assert json.loads(out) == {"accepted": 0, "pending": 0, "cancelled": 1, "busy": 0, "passed": 0}
    assert [r.state for r in in_house(folder, the_rows)] == ["accepted", "cancelled", "pending"]
    out, _, code = ran(capsys, "proof", "--json")
    told = json.loads(out)
    assert (code, told["held"], told["duplicates_possible"]) == (1, 0, 1)
    assert ran(capsys, "deliveries", "list")[0] == "No letter is held.\n"


def test_status_has_a_sentence_for_all_that_keeps_letters_back(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    in_house(folder, three_rows)
    out, _, code = ran(capsys, "status")
    assert code == 0
    assert "Letters under way: 1 waiting. Workers: 0." in out
    assert "Nothing keeps letters back." in out

    async def rest(db: Database) -> None:
        async with db.write() as tx:
            await change_throttle(tx, "relay:smtp.example.com:587", lambda before: rested(before, "bad password", utc_now()))

    in_house(folder, rest)
    monkeypatch.setenv("NURTURE_SMTP_WARM_UP", f"{utc_now().date() + timedelta(days=1)} 200")
    out, _, _ = ran(capsys, "status")
    assert "nothing goes to smtp.example.com:587 until" in out
    assert "bad password" in out
    assert "warm-up: 0 of 0 letters are left" in out
    told = json.loads(ran(capsys, "status", "--json")[0])
    assert (told["paused"], set(told["throttles"]), told["warm_up"]["ceiling"]) == ({}, {"smtp.example.com:587"}, 0)
    assert "refused the sender" in ran(capsys, "resume")[0]
    assert json.loads(ran(capsys, "status", "--json")[0])["throttles"] == {}

"""`nurture report` as a marketer runs it: a table to read, or one JSON value."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.cli import main
from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.support.history import act_on, fill


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    return tmp_path


def filled(folder: Path, acts: int = 0) -> None:
    async def work() -> None:
        db = connect(f"sqlite:///{folder / 'nurture.db'}")
        await migrate(db)
        await fill(db, people=13, weeks=4, now=datetime.now(UTC))
        await act_on(db, acts)
        await db.close()

    asyncio.run(work())


def report(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["report", *options])
    assert not ended.value.code
    return capsys.readouterr().out


def test_json_has_the_four_parts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(folder)
    found = json.loads(report(capsys, "--json"))
    assert {"composition", "benchmark", "mix", "windows"} <= set(found)
    assert found["composition"]["now"] == {"new": 1, "passive": 8, "active": 2, "fan": 1, "unobservable": 1}
    assert found["benchmark"]["passive"] == {"people": 8, "share": 0.7273, "usual": 0.8}
    assert found["mix"]["sales"]["unearned"] == 0
    assert found["mix"]["sequences"][0]["promise"] == "3:1"
    assert found["windows"]["zones"] == {"import": 11, "default": 2}


def test_the_hours_are_told_as_a_map_and_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(folder, acts=20)
    found = json.loads(report(capsys, "--json"))["hours"]
    assert (found["days"], found["lift"]["difference"], found["lift"]["random"]["rate"]) == (90, None, None)
    assert [(len(found["map"][part]), len(found["map"][part][0])) for part in ("acts", "letters", "answered")] == [(7, 24)] * 3
    assert [sum(map(sum, found["map"][part])) for part in ("acts", "answered")] == [20, 20]
    assert [lane["lane"] for lane in found["lanes"]] == ["sequence:roof-school"]
    told = report(capsys).splitlines()
    days = [line for line in told if line[2:5] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun") and "  " in line[5:8]]
    assert sum(int(line.split()[-1]) for line in days) == 20
    assert any("█" in line for line in days)
    assert any(line.startswith("Personal hour: Too few letters to tell") for line in told)
    assert all(len(line) <= 110 for line in told)


def test_the_table_says_it_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(folder)
    text = report(capsys)
    assert "People: 13 subscribed" in text
    assert "72.7%" in text
    assert "useful" in text
    assert "(100.0%), most at 10-11 o'clock" in text
    assert "Choose a roof once in your l…" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_an_empty_list_says_how_to_fill_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nurture import" in report(capsys)

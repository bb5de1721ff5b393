"""`nurture classify --preview`: who would move under another policy, in words and as JSON; and nothing moves by it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nurture.cli import main
from nurture.store.database import connect
from nurture.store.schema import migrate
from nurture.store.standings import load_standings
from tests.support.listed import fill_list

PEOPLE = 300


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    return tmp_path


async def _list(folder: Path, *, fill: bool = False) -> dict[int, Any]:
    db = connect(f"sqlite:///{folder / 'nurture.db'}")
    if fill:
        await migrate(db)
        await fill_list(db, PEOPLE, datetime.now(UTC))
    async with db.read() as tx:
        found = await load_standings(tx, range(1, PEOPLE + 1))
    await db.close()
    return found


def classify(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str, int]:
    with pytest.raises(SystemExit) as ended:
        main(["classify", *words])
    told = capsys.readouterr()
    return told.out, told.err, int(ended.value.code or 0)


def test_a_part_of_a_policy_is_enough_and_nothing_is_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = asyncio.run(_list(folder, fill=True))
    stand = [s.engagement.value for s in before.values()]
    fans = stand.count("fan")
    other = folder / "other.yaml"
    other.write_text("engagement: {fan_answers: 7}\n")
    found = json.loads(classify(capsys, "--preview", str(other), "--json")[0])
    assert (found["now"]["fan"], found["then"]["fan"], found["then"]["active"]) == (fans, 0, stand.count("active") + fans)
    assert found["matrix"] == [{"from": "fan", "to": "active", "people": fans}]
    assert len(found["moves"]) == fans
    first = found["moves"][0]
    assert (first["from"], first["to"], first["reason"][:11]) == ("fan", "active", "answered on")
    assert found["shares"]["fan"]["usual"] == 0.03
    assert asyncio.run(_list(folder)) == before


def test_in_words_a_matrix_the_composition_and_twenty_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = asyncio.run(_list(folder, fill=True))
    active = sum(s.engagement.value == "active" and s.answers[-1] < datetime.now(UTC) - timedelta(days=3.5) for s in before.values())
    whole = folder / "strict.yaml"
    whole.write_text("policy: default\nengagement: {active_days: 1d, active_letters: 1}\n")
    text = classify(capsys, "--preview", str(whole))[0]
    assert f"{active} of 300 people would stand in another class. Nothing was changed." in text
    assert f"active to passive: {active}\n" in text
    assert f"  and {active - 20} more; --json names all" in text
    assert text.count("@example.com") == 20
    assert text.count("\n  passive ") == 1  # a line of the composition; nobody leaves the passive
    assert "Then: " in text
    assert max(len(line) for line in text.splitlines()) <= 110


def test_the_policy_in_force_moves_nobody_and_a_fault_is_told_by_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_list(folder, fill=True))
    same = folder / "same.yaml"
    same.write_text("policy: default\n")
    assert "all of 300 people stay where they are" in classify(capsys, "--preview", str(same))[0]
    same.write_text("engagement:\n  fan_anwers: 5\n")
    out, error, code = classify(capsys, "--preview", str(same))
    assert (out, code) == ("", 1)
    assert error.startswith(f"{same}:2: ")
    assert "fan_answers" in error
    assert "cannot be read" in classify(capsys, "--preview", str(folder / "none.yaml"))[1]

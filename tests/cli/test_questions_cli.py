"""`nurture questions` and `report questions`, as they are typed."""

import asyncio
import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.definitions.loading import load_text
from nurture.services.defining import apply
from nurture.shipped import shipped
from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.cli.test_rules_cli import nurture
from tests.support.asked import SAID, ask_people
from tests.support.people import add_people

DRAW = """question: raffle
text: Which colour?
closes: "2020-01-01"
draw: {winners: 1, prize: a ladder}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    return tmp_path


def test_results_exports_and_draws(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No question yet" in nurture(capsys, "questions")

    async def work() -> None:
        db, now = connect(f"sqlite:///{folder / 'nurture.db'}"), datetime.now(UTC)
        await migrate(db)
        await add_people(db, *(f"p{n}@example.com" for n in range(len(SAID))))
        await ask_people(db, now)
        await apply(db, load_text(DRAW).documents, now, templates=shipped("templates"))
        await db.close()

    asyncio.run(work())
    listed = nurture(capsys, "questions")
    assert listed == nurture(capsys, "report", "questions")
    assert f"{len(SAID)} answered" in listed
    assert {q["name"]: q["closed"] for q in json.loads(nurture(capsys, "report", "questions", "--json"))} == {
        "biggest-problem": False, "raffle": True, "roof-check": False,
    }  # fmt: skip

    told = nurture(capsys, "questions", "result", "biggest-problem")
    assert "8 people answered, 6 in their own words, 3 by a click alone" in told
    assert "leaking chimney                          3" in told
    assert "p0@example.com" not in told
    result = json.loads(nurture(capsys, "questions", "result", "biggest-problem", "--json"))
    assert {line["id"]: line["people"] for line in result["lines"]} == {"leak": 3, "cost": 2, "trust": 1, "warmth": 0, "nothing": 1}
    later = json.loads(nurture(capsys, "questions", "result", "biggest-problem", "--since", "2999-01-01", "--json"))
    assert later["people"] == 0
    assert "is no date" in nurture(capsys, "questions", "result", "biggest-problem", "--since", "soon", code=1)
    assert "there is no question 'none'" in nurture(capsys, "questions", "result", "none", code=1)

    nurture(capsys, "questions", "export", "biggest-problem", str(folder / "answers.csv"))
    with (folder / "answers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["email"] for row in rows} == {f"p{n}@example.com" for n in range(len(SAID))}
    assert rows == list(csv.DictReader(nurture(capsys, "questions", "export", "biggest-problem").splitlines()))

    assert "0 took part" in nurture(capsys, "questions", "draw", "raffle")
    assert json.loads(nurture(capsys, "questions", "draw", "raffle", "--json"))["winners"] == []
    assert "has no draw" in nurture(capsys, "questions", "draw", "biggest-problem", code=1)
    assert "has no result letter" in nurture(capsys, "questions", "announce", "biggest-problem", code=1)

"""`nurture forecast` as a marketer runs it: a calendar, one person's weeks, what a draft would change."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.cli import main
from nurture.services.enrolling import enrol
from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.support.people import add_people
from tests.support.programme import install, letter

NEVER = letter("never") | {"only_if": {"tag": "no-such-tag"}}
SCHOOL = {"sequence": "school", "audience": {"tag": "roof"}, "letters": [letter("one"), letter("two"), letter("three"), NEVER, letter("offer", "sales")]}
DRAFT = """sequence: daily
audience: {tag: roof}
letters:
  - {id: a, kind: useful, subject: "{{ first_name | default('Hello') }}, a", window: any, body: "Hello", call_to_action: reply}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))

    async def work() -> None:
        db = connect(f"sqlite:///{tmp_path / 'nurture.db'}")
        await migrate(db)
        now = datetime.now(UTC)
        await install(db, SCHOOL, now=now)
        people = await add_people(db, "a@example.com", "b@example.com", now=now, tags=("roof",), timezone="Asia/Tokyo")
        await enrol(db, "school", people[:1], now, "hand")
        await db.close()

    asyncio.run(work())
    return tmp_path


def forecast(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["forecast", *options])
    assert (ended.value.code or 0) == code
    return capsys.readouterr().out


def test_json_has_the_form_of_simulate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(forecast(capsys, "--json", "--days", "40"))
    assert list(told) == ["deliveries", "held", "composition"]
    assert [d["letter"] for d in told["deliveries"]] == ["school/one", "school/two", "school/three", "school/offer"]
    first = told["deliveries"][0]
    assert {k: first[k] for k in ("email", "timezone", "sequence", "kind", "size")} == {
        "email": "a@example.com", "timezone": "Asia/Tokyo", "sequence": "school", "kind": "useful", "size": "short",
    }  # fmt: skip
    assert datetime.fromisoformat(first["local"]) == datetime.fromisoformat(first["at"])
    assert first["local"].endswith("+09:00")
    assert told["composition"][0]["new"] == 2


def test_a_calendar_and_one_person_s_weeks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everybody = forecast(capsys, "--days", "40")
    assert "4 letters to 1 people in the next 40 days" in everybody
    assert "Letters that will never leave: 1 whose condition does not hold." in everybody
    mine = forecast(capsys, "--for", "a@example.com", "--days", "40").splitlines()
    assert mine[0] == "a@example.com, on the clock of Asia/Tokyo"
    assert [line.split()[5] for line in mine[1:5]] == ["useful", "useful", "useful", "sales"]
    assert "Nothing lies ahead of b@example.com" in forecast(capsys, "--for", "b@example.com")


def test_a_draft_is_held_against_today(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = folder / "daily.yaml"
    draft.write_text(DRAFT)
    words = forecast(capsys, str(draft), "--days", "40")
    assert "letters                            4         6" in words
    told = json.loads(forecast(capsys, str(draft), "--days", "40", "--json"))
    assert (told["before"]["letters"], told["after"]["letters"], told["letters"]["added"]) == (4, 6, 2)
    draft.write_text(DRAFT.replace("kind: useful", "kind: usefull"))
    assert forecast(capsys, str(draft), code=1) == ""


def test_an_unknown_address_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["forecast", "--for", "nobody@example.com"])
    assert ended.value.code == 1
    assert "nobody here has the address nobody@example.com" in capsys.readouterr().err

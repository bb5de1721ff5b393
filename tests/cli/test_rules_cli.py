"""`nurture tasks`, `rule list`, `webhooks`, `sequence list` and `simulate` with rules, as they are typed."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nurture.cli import main
from nurture.services.reacting import react
from nurture.shipped import shipped
from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.support.people import add_people
from tests.support.programme import add_event, install, letter
from tests.support.rules import rule


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    return tmp_path


def nurture(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert (ended.value.code or 0) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def test_what_rules_did_and_ask_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No open task." in nurture(capsys, "tasks")
    now = datetime.now(UTC) - timedelta(minutes=5)

    async def work() -> None:
        db = connect(f"sqlite:///{folder / 'nurture.db'}")
        await migrate(db)
        await install(db, {"sequence": "s", "goal": "lead", "letters": [letter("a")]}, rule("hot", {"did": "clicked"}, {"task": "Call {{ name }}"}, title="Call them"), now=now)
        (person,) = await add_people(db, "mia@example.com", name="Mia")
        await add_event(db, person, "clicked", now + timedelta(seconds=1))
        await react(db, now + timedelta(seconds=2))
        await db.close()

    asyncio.run(work())
    (task,) = json.loads(nurture(capsys, "tasks", "--json"))
    assert (task["text"], task["email"], task["rule"], task["state"]) == ("Call Mia", "mia@example.com", "hot", "open")
    assert "Call Mia  (rule hot)" in nurture(capsys, "tasks")
    assert "1 acted" in nurture(capsys, "rule", "list")
    assert json.loads(nurture(capsys, "rule", "list", "--json"))[0]["acted"] == 1
    assert "Done: Call Mia" in nurture(capsys, "tasks", "done", str(task["id"]))
    assert nurture(capsys, "tasks") == "No open task.\n"
    assert "done" in nurture(capsys, "tasks", "--all")
    assert "there is no task 99" in nurture(capsys, "tasks", "done", "99", code=1)
    assert "0 on the way of 0 entered, 0 at the goal" in nurture(capsys, "sequence", "list")
    assert "No webhook yet" in nurture(capsys, "webhooks", "list")
    assert nurture(capsys, "webhooks", "secret").startswith("whsec_")


def test_rules_act_in_simulate_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        "sequence: first\nletters: [{id: a, kind: useful, window: any, subject: s, body: b}]\n---\n"
        "sequence: second\naudience: {tag: never}\nletters: [{id: a, kind: useful, window: any, subject: s, body: b, only_if: {tag: ready}}]\n---\n"
        "rule: on\nwhen: {stage: entered, sequence: first}\nthen: [{tag: ready}, {webhook: 'https://example.com/hook'}]\n"
    )
    lived = json.loads(nurture(capsys, "simulate", str(file), "--weeks", "1", "--people", "3", "--json"))
    assert {d["letter"] for d in lived["deliveries"]} == {"first/a", "second/a"}


def test_the_shipped_rules_are_without_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    out = nurture(capsys, "lint", str(shipped("sequences") / "rules.yaml"))
    assert "nothing to say" in out

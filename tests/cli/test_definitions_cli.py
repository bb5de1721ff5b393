"""`lint`, `diff`, `apply`, `schema` as a marketer meets them: what is printed, what is stored, how the command ends."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from nurture.cli import definitions

FIVE = """sequence: school
mix: 3:1
cadense: 2 per week
audience: {tagg: roof}
letters:
  - id: one
    kind: usefull
    subject: {{ first_name | default('Hello') }}, one
    body: "{{ first_name | default: 'you' }}, hello"
"""
GOOD = """segment: readers
where: {tag: roof}
---
campaign: news
segment: readers
letter:
  id: first
  kind: news
  subject: "{{ first_name | default('Hello') }}, news"
  call_to_action: reply
  body: Hello {{ first_name | default('you') }}, what do you think?
"""


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path / "data"))
    for name in ("NURTURE_DATABASE_URL", "NURTURE_REDIS_URL", "NURTURE_SMTP_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def nurture(*arguments: object) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    definitions.register(app)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def stored(folder: Path) -> list[tuple[Any, ...]]:
    database = folder / "data" / "nurture.db"
    if not database.exists():
        return []
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT type, name, state, version FROM documents ORDER BY type, name").fetchall()
    connection.close()
    return found


def write(folder: Path, text: str, name: str = "a.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_five_mistakes_are_all_named_and_nothing_is_stored(workspace: Path):
    file = write(workspace, GOOD + "---\n" + FIVE)
    for command in ("lint", "apply"):
        result = nurture(command, file)
        assert result.exit_code == 1
        said = result.stdout + result.stderr
        for line, words in (
            (15, 'Did you mean "cadence"?'),
            (16, 'did you mean "tag"?'),
            (19, 'did you mean "useful"?'),
            (20, "Put it in quotes"),
            (21, "default('you')"),
        ):
            assert f"{file}:{line}:" in said
            assert words in said
        assert said.count(": error: ") == 5
        assert "Traceback" not in said
    assert stored(workspace) == []


def test_lint_speaks_json_and_needs_and_makes_no_database(workspace: Path):
    file = write(workspace, FIVE)
    result = nurture("lint", "--json", file)
    assert result.exit_code == 1
    faults = json.loads(result.stdout)
    assert [(f["line"], f["level"]) for f in faults] == [(3, "error"), (4, "error"), (7, "error"), (8, "error"), (9, "error")]
    assert set(faults[0]) == {"file", "line", "column", "rule", "level", "message", "advice"}
    assert not (workspace / "data").exists()


def test_warnings_alone_end_well(workspace: Path):
    file = write(workspace, GOOD.replace("{{ first_name | default('Hello') }}, news", "News"))
    result = nurture("lint", file)
    assert result.exit_code == 0
    assert "warning: the subject does not speak to the person [personal-subject]" in result.stdout
    assert "2 documents read: 0 errors, 1 warning." in result.stdout
    assert nurture("apply", file).exit_code == 0


def test_an_unknown_segment_is_an_error_until_it_is_applied(workspace: Path):
    segment, campaign = GOOD.split("---\n")
    one, two = write(workspace, segment, "one.yaml"), write(workspace, campaign, "two.yaml")
    assert nurture("lint", two).exit_code == 1
    refused = nurture("apply", two)
    assert refused.exit_code == 1
    assert 'no segment "readers"' in refused.stderr
    assert stored(workspace) == []
    assert nurture("lint", one, two).exit_code == 0
    assert nurture("apply", one).exit_code == 0
    assert nurture("lint", two).exit_code == 0
    assert nurture("apply", two).exit_code == 0


def test_apply_stores_drafts_and_diff_tells_before(workspace: Path):
    file = write(workspace, GOOD)
    first = nurture("diff", "--json", file)
    assert [(d["name"], d["change"]) for d in json.loads(first.stdout)] == [("readers", "created"), ("news", "created")]
    assert stored(workspace) == []
    applied = nurture("apply", file)
    assert applied.exit_code == 0
    assert "campaign news: created, version 1 (draft; it leaves by: nurture campaign start news)" in applied.stdout
    assert stored(workspace) == [("campaign", "news", "draft", 1), ("segment", "readers", "live", 1)]
    changed = write(workspace, GOOD.replace("{tag: roof}", "{tag: tile}"))
    assert 'where: {"tag": "roof"} -> {"tag": "tile"}' in nurture("diff", changed).stdout
    again = json.loads(nurture("apply", "--json", changed).stdout)
    assert [(a["name"], a["change"], a["version"]) for a in again] == [("readers", "changed", 2), ("news", "unchanged", 1)]


def test_a_folder_stands_for_its_files(workspace: Path):
    (workspace / "all").mkdir()
    write(workspace / "all", GOOD)
    assert nurture("apply", workspace / "all").exit_code == 0
    assert len(stored(workspace)) == 2


def test_schema_is_json():
    schema = json.loads(nurture("schema").stdout)
    assert schema["title"] == "Nurture document"

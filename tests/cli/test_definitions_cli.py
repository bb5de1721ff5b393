"""`lint`, `diff`, `apply`, `schema` as a marketer meets them: what is printed, what is stored, how the command ends."""

import asyncio
import json
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from nurture.cli import definitions
from nurture.services.enrolling import enrol
from nurture.store.database import connect
from tests.support.people import NOW, add_people

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


def test_online_visits_links_and_no_private_ones_unless_told(workspace: Path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        link = f"http://127.0.0.1:{closed.getsockname()[1]}/news"
        file = write(workspace, GOOD.replace("call_to_action: reply", f"call_to_action: {link}"))
        assert json.loads(nurture("lint", "--json", file).stdout) == []
        for options, rule in (((), "private-link"), (("--allow-private",), "dead-link")):
            result = nurture("lint", "--online", *options, "--json", file)
            assert result.exit_code == 0
            assert [(f["rule"], f["level"], f["line"]) for f in json.loads(result.stdout)] == [(rule, "warning", 10)]


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


async def take_in(folder: Path, sequence: str) -> None:
    db = connect(f"sqlite:///{folder / 'data' / 'nurture.db'}")
    people = await add_people(db, "a@example.com", "b@example.com", first_name="Ann")
    await enrol(db, sequence, people, NOW, "hand")
    await db.close()


def test_diff_and_apply_say_what_becomes_of_people_under_way(workspace: Path):
    letter = "  - {{id: {0}, kind: useful, subject: '{{{{ first_name }}}}, {0}', body: Hello.}}\n"
    school = "sequence: school\non_edit: pin\nletters:\n" + letter.format("one")
    assert nurture("apply", write(workspace, school)).exit_code == 0
    edited = write(workspace, school + letter.format("two"))
    assert "  on_edit: pin - nobody is under way\n" in nurture("diff", edited).stdout
    asyncio.run(take_in(workspace, "school"))
    told = nurture("diff", edited).stdout
    assert "  on_edit: pin - 2 under way finish the version they are on; newcomers get the new one\n" in told
    assert "  letter two, step 2: 2 under way will not see it\n" in told
    assert "  2 under way finish the version before; newcomers get this one\n" in nurture("apply", edited).stdout
    migrating = write(workspace, (school + letter.format("two")).replace("pin", "migrate"))
    (found,) = json.loads(nurture("diff", "--json", migrating).stdout)
    assert (found["edit"]["rule"], found["edit"]["pinned_before"], found["edit"]["retimed"]) == ("migrate", 2, 0)
    assert [(x["id"], x["get"]) for x in found["edit"]["added"]] == [("two", 2)], "it is new to those who were pinned"
    assert "  2 who were on older versions go on in this one\n" in nurture("apply", migrating).stdout


def test_a_folder_stands_for_its_files(workspace: Path):
    (workspace / "all").mkdir()
    write(workspace / "all", GOOD)
    assert nurture("apply", workspace / "all").exit_code == 0
    assert len(stored(workspace)) == 2


def test_schema_is_json():
    schema = json.loads(nurture("schema").stdout)
    assert schema["title"] == "Nurture document"

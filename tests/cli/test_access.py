"""`nurture keys`, `nurture users`, `nurture why`: through the command line itself, on a data folder of its own."""

import io
import json
import sqlite3
from pathlib import Path

import pytest

from nurture.cli.session import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    for name in ("NURTURE_DATABASE_URL", "NURTURE_REDIS_URL", "NURTURE_SMTP_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "nurture.db") as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_a_key_is_made_listed_and_revoked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("keys", "create", "--name", "shop", "--scopes", "send,reports:read") == 0
    key = json.loads(capsys.readouterr().out)["key"]
    assert key.startswith("nur_")
    assert call("keys", "list", "--json") == 0
    [listed] = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["scopes"], listed["revoked_at"]) == ("shop", ["send", "reports:read"], None)
    assert call("keys", "revoke", key) == 0
    capsys.readouterr()
    assert call("keys", "revoke", key) == 1
    assert "no live key" in capsys.readouterr().err
    assert call("keys", "create", "--name", "shop", "--scopes", "sned") == 1
    assert 'did you mean "send"' in capsys.readouterr().err


def test_a_user_comes_and_goes(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long sentence\nshort\nanother sentence\n"))
    assert call("users", "add", "anna@example.com") == 0
    [(hashed,)] = rows(folder, "SELECT password FROM users")
    assert str(hashed).startswith("$argon2id$")
    assert call("users", "password", "anna@example.com") == 1
    assert "8 to 1024" in capsys.readouterr().err
    assert call("users", "password", "anna@example.com") == 0
    assert rows(folder, "SELECT password FROM users") != [(hashed,)]
    assert call("users", "remove", "anna@example.com") == 1
    assert "the only owner" in capsys.readouterr().err
    assert call("users", "add", "boss@example.com", "--link") == 0
    assert "/setup/" in capsys.readouterr().out
    assert call("users", "role", "anna@example.com", "helpr") == 1
    assert 'did you mean "helper"' in capsys.readouterr().err
    assert call("users", "role", "anna@example.com", "helper") == 0
    assert call("users", "role", "boss@example.com", "reader") == 1
    assert call("users", "link", "anna@example.com") == 0
    capsys.readouterr()
    assert call("users", "list", "--json") == 0
    listed = [(u["email"], u["role"], u["has_password"]) for u in json.loads(capsys.readouterr().out)]
    assert listed == [("anna@example.com", "helper", True), ("boss@example.com", "owner", False)]
    assert call("users", "remove", "anna@example.com") == 0
    assert rows(folder, "SELECT email FROM users") == [("boss@example.com",)]
    assert call("users", "remove", "anna@example.com") == 1


def test_each_command_that_changes_something_leaves_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What only looks leaves none; a key in full and a person's address in an option stand nowhere."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a long sentence\n"))
    (folder / "people.csv").write_text("email\nanna@example.com\n")
    assert call("keys", "create", "--scopes", "all", "--name", "shop") == 0
    key = json.loads(capsys.readouterr().out)["key"]
    for words in (
        ("users", "add", "boss@example.com", "--role", "owner"), ("keys", "revoke", key), ("import", str(folder / "people.csv")), ("halt", "rain"), ("resume",),
        ("why", "anna@example.com"), ("keys", "list"), ("users", "list"), ("audit", "--limit", "3"),
    ):  # fmt: skip
        assert call(*words) == 0, (words, capsys.readouterr())
    capsys.readouterr()
    assert call("audit", "--json") == 0
    lines = json.loads(capsys.readouterr().out)
    assert [line["action"] for line in reversed(lines)] == [
        "key.create", "user.add", "key.revoke", "nurture import", "nurture halt", "nurture resume",
    ]  # fmt: skip
    assert {line["actor"].partition(":")[0] for line in lines} == {"cli"}
    assert lines[1]["object"] == "rain"
    assert key.split("_", 2)[2] not in str(lines)
    assert call("audit", "--on", "snow") == 0
    assert capsys.readouterr().out == ""
    assert call("audit", "--on", "boss@EXAMPLE.com", "--actor", lines[0]["actor"]) == 0
    assert "user.add" in capsys.readouterr().out


def test_why_answers_for_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("why", "eve@example.com") == 1
    assert "nobody here has the address" in capsys.readouterr().err
    (folder / "people.csv").write_text("email\nanna@example.com\n")
    assert call("import", str(folder / "people.csv")) == 0
    capsys.readouterr()
    assert call("why", "Anna@example.com", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert call("why", "anna@example.com") == 0
    assert "No letter has been considered" in capsys.readouterr().out

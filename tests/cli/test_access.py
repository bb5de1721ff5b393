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
    assert call("users", "remove", "anna@example.com") == 0
    assert rows(folder, "SELECT * FROM users") == []
    assert call("users", "remove", "anna@example.com") == 1


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

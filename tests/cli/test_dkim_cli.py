"""`nurture dkim`: from a new key over its record to the letter that it signs."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nurture.cli.session import build
from tests.support.names import NameServer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name_server: NameServer) -> Path:
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NURTURE_DNS_SERVER", name_server.place)
    return tmp_path / "dkim"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["dkim", *arguments])


def new(*more: str) -> list[dict[str, object]]:
    done = call("new", "--domain", "example.com", "--selector", "s2026a", "--json", *more)
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout))


def secrets(folder: Path) -> list[str]:
    return [line for file in folder.glob("*.pem") for line in file.read_text().splitlines() if "-" not in line]


def test_a_new_key_prints_its_record_and_never_its_secret(folder: Path) -> None:
    done = call("new", "--domain", "example.com", "--selector", "s2026a", "--kind", "both")
    shown = call("show")
    for output in (done.output, shown.output, call("show", "--json").output):
        assert "s2026a._domainkey.example.com" in output
        assert "s2026a-ed._domainkey.example.com" in output
        assert "PRIVATE" not in output
        assert [line for line in secrets(folder) if line in output] == []
    assert "nurture dkim use s2026a s2026a-ed --domain example.com" in done.output
    strings = re.findall(r'"([^"]+)"', done.output)
    assert [len(piece) <= 255 for piece in strings] == [True] * 3
    assert "".join(strings[:2]).startswith("v=DKIM1; k=rsa; p=MII")
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", strings[2])


def test_a_key_signs_only_once_its_record_is_there(folder: Path, name_server: NameServer) -> None:
    rsa, ed = new("--kind", "both")
    refused = call("use", "s2026a", "s2026a-ed")
    assert refused.exit_code == 1
    assert "is not published" in str(refused.exception)
    assert "Nothing was changed" in str(refused.exception)
    assert not (folder / "example.com.signing").exists()
    name_server.publish({str(rsa["name"]): {"TXT": [str(rsa["text"])]}, str(ed["name"]): {"TXT": [str(rsa["text"])]}})
    refused = call("use", "s2026a", "s2026a-ed", "--domain", "example.com")
    assert "k=rsa is published, but the key is ed25519" in str(refused.exception)
    name_server.publish({str(ed["name"]): {"TXT": [str(ed["text"])]}})
    assert call("use", "s2026a", "s2026a-ed").exit_code == 0
    assert [key["signs"] for key in json.loads(call("show", "--json").stdout)] == [True, True]
    assert "week" in call("use", "s2026a-ed").output
    assert [key["signs"] for key in json.loads(call("show", "--domain", "EXAMPLE.com", "--json").stdout)] == [False, True]


def test_what_is_wrong_is_one_sentence(folder: Path) -> None:
    assert "There is no key in" in call("show").output
    assert "say which domain" in str(call("use", "s2026a").exception)
    new("--kind", "ed25519")
    assert "already" in str(call("new", "--domain", "example.com", "--selector", "s2026a").exception)
    assert "there are: s2026a" in str(call("use", "s2026b", "--unchecked").exception)
    assert call("use", "s2026a", "--unchecked").exit_code == 0
    assert call("new", "--domain", "example.com", "--selector", "x", "--kind", "dsa").exit_code == 2


def test_a_name_server_that_does_not_answer_is_said(folder: Path, name_server: NameServer) -> None:
    key = new()[0]
    name_server.publish({str(key["name"]): {"SERVFAIL": []}})
    assert "was not answered (SERVFAIL)" in str(call("use", "s2026a").exception)

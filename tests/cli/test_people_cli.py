"""The commands of people, as typed: counts and reasons out, one sentence for an error."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from nurture.cli import people
from nurture.domain.errors import NurtureError


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NURTURE_DATA_DIR", str(tmp_path / "data"))
    return CliRunner()


def call(shell: CliRunner, *words: str) -> str:
    app = typer.Typer()
    people.register(app)
    result = shell.invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_in_counted_and_out_again(shell: CliRunner, tmp_path: Path) -> None:
    Path("p.csv").write_text("Kontakt;tags\nA@x.test;roof\nbad;roof\nb@x.test;\n")
    assert "2 would be added" in call(shell, "import", "p.csv", "--map", "Kontakt=email", "--dry-run")
    told = json.loads(call(shell, "import", "p.csv", "--map", "Kontakt=email", "--json"))
    assert {k: told[k] for k in ("added", "updated", "unchanged", "refused")} == {"added": 2, "updated": 0, "unchanged": 0, "refused": 1}
    assert [e["line"] for e in told["errors"]] == [3]
    assert "'bad' is not an e-mail address" in told["errors"][0]["reason"]
    assert Path("errors.csv").read_text().startswith("line,reason,row")
    assert json.loads(call(shell, "segment", "count", "--where", '{"tag": "roof"}', "--json")) == {"count": 1}
    assert call(shell, "segment", "people", "--where", '{"not": {"tag": "roof"}}') == "b@x.test  subscribed\n"
    call(shell, "export", "--out", "out.csv")
    assert Path("out.csv").read_bytes().count(b"\r\n") == 3
    assert call(shell, "export").encode().replace(b"\r\n", b"\n") == Path("out.csv").read_bytes().replace(b"\r\n", b"\n")
    assert "2 unchanged" in call(shell, "import", "out.csv")
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["import", "none.csv"], "cannot be read"),
        (["segment", "count", "nobody"], "there is no segment 'nobody'"),
        (["segment", "count"], "one of the two"),
        (["segment", "count", "--where", "{tag: roof}"], "double quotes"),
        (["segment", "count", "--where", '{"all": [{"tga": "x"}]}'], "--where at all.0: not a condition"),
        (["export", "--segment", "nobody", "--out", "x.csv"], "there is no segment"),
        (["export", "--out", "none/x.csv"], "cannot be written"),
    ],
)
def test_errors_say_what_to_do(shell: CliRunner, words: list[str], advice: str) -> None:
    with pytest.raises(NurtureError, match=advice):
        call(shell, *words)
    assert not Path("x.csv").exists()


def test_a_map_without_a_field_is_a_usage_error(shell: CliRunner) -> None:
    app = typer.Typer()
    people.register(app)
    assert shell.invoke(app, ["import", "p.csv", "--map", "Kontakt"]).exit_code == 2

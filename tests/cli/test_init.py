"""`nurture init` writes a folder that lints clean, and never over what is there."""

from pathlib import Path

import pytest

from nurture.cli import main
from nurture.definitions.loading import load_files
from nurture.domain.documents import Policy, Sequence
from nurture.services.defining import check
from nurture.shipped import shipped


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["init", *arguments])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out + out.err


@pytest.mark.parametrize(("options", "files"), [(("--trade", "salon"), {"salon.yaml"}), ((), {"policy.yaml", "welcome.yaml"})])
def test_what_is_written_is_whole_and_without_blame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], files: set[str]
) -> None:
    folder = tmp_path / "letters"
    code, said = run(capsys, str(folder), *options)
    assert (code, {p.name for p in folder.iterdir()}) == (0, files)
    assert f"nurture lint {folder}" in said
    loaded = load_files([folder])
    assert [type(p.document) for p in loaded.documents] == [Policy, Sequence]
    assert [*loaded.faults, *check(loaded.documents, shipped("templates"))] == []


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "welcome.yaml").write_text("mine")
    code, said = run(capsys, str(tmp_path))
    assert (code, "is there already" in said, "welcome.yaml" in said) == (1, True, True)
    assert [p.name for p in tmp_path.iterdir()] == ["welcome.yaml"]
    assert (tmp_path / "welcome.yaml").read_text() == "mine"


def test_an_unknown_trade_is_answered_with_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, str(tmp_path), "--trade", "saloon")
    assert code == 1
    assert "salon" in said
    assert "clothes" in said
    assert not list(tmp_path.iterdir())

"""`nurture simulate`: the documented JSON, tables for people, faults told, no database opened."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from nurture.simulation.checker import check

FILE = """\
sequence: short-cycle
mix: 1:1
cadence: 2 per week
letters:
  - {id: gift, kind: useful, subject: "{{ first_name }}, hello", call_to_action: reply, body: "Hello {{ first_name }}, reply to me."}
  - {id: offer, kind: sales, subject: "{{ first_name }}, come", call_to_action: "https://example.com/x", body: "Come [here](https://example.com/x)."}
---
segment: all
where: {status: subscribed}
---
campaign: news
segment: all
letter: {id: a, kind: news, subject: "Hello", call_to_action: reply, body: "Reply to me."}
"""
ARGUMENTS = ["--weeks", "2", "--people", "6", "--seed", "3", "--start", "2026-03-02"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "cycle.yaml").write_text(FILE)
    return tmp_path / "cycle.yaml"


def nurture(file: Path, *arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")} | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "nurture", "simulate", str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=file.parent, env=environment, check=False)


def test_json_is_as_documented_and_the_same_in_every_process(file):
    first, again = nurture(file, *ARGUMENTS, "--json"), nurture(file, *ARGUMENTS, "--json", hash_seed="77")
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    told = json.loads(first.stdout)
    assert set(told) == {"deliveries", "held", "composition", "left", "load", "people", "violations"}
    assert len(told["deliveries"]) == 18
    assert {d["sequence"] for d in told["deliveries"]} == {"short-cycle", "news"}
    assert all(set(d) == {"email", "timezone", "sequence", "letter", "kind", "size", "at", "local"} for d in told["deliveries"])
    assert len(told["composition"]) == 2
    assert sum(row["letters"] for row in told["load"]) == 18
    assert told["violations"] == told["left"] == []
    assert "not simulated" not in first.stderr
    assert sorted(p.name for p in file.parent.iterdir()) == ["cycle.yaml"]  # no database was made
    own = [d for d in told["deliveries"] if d["sequence"] == "short-cycle"]
    assert check(own, [{"sequence": "short-cycle", "mix": "1:1", "cadence": "2 per week", "letters": _letters()}]) == []


def _letters() -> list[dict[str, str]]:
    return [{"id": "gift", "kind": "useful"}, {"id": "offer", "kind": "sales"}]


def test_people_read_tables(file):
    told = nurture(file, *ARGUMENTS)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("18 letters to 6 of 6 people")
    for line in ("clicks and replies", "buyers", "at heart", "the fullest hour began", "2026-W10", "short-cycle  useful", "10:00 #", "nothing waits for its mix", "found 0 violations"):
        assert line in told.stdout


def test_errors_are_refused_with_their_place(file):
    file.write_text(FILE.replace("kind: sales", "kind: sale"))
    told = nurture(file, *ARGUMENTS)
    assert told.returncode == 1
    assert told.stdout == ""
    assert "cycle.yaml:6:" in told.stderr
    assert told.stderr.endswith("Nothing was simulated.\n")


def test_a_wrong_date_is_a_matter_of_usage(file):
    told = nurture(file, "--start", "March")
    assert told.returncode == 2
    assert "2026-03-02" in told.stderr


def test_pictures_are_drawn_on_request(file, tmp_path):
    told = nurture(file, *ARGUMENTS, "--stay", "--svg", str(tmp_path / "drawn"))
    assert told.returncode == 0, told.stderr
    drawn = sorted((tmp_path / "drawn").iterdir())
    assert [p.name for p in drawn] == ["composition.svg", "hours.svg", "load.svg"]
    for picture in drawn:
        root = ET.fromstring(picture.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "http" not in picture.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")  # stands by itself
    assert told.stderr.count("is drawn.") == 3


def test_a_campaign_of_the_past_is_told_and_passed_over(file):
    file.write_text(FILE.replace("segment: all\nletter", 'segment: all\nschedule: {at: "2026-02-01 10:00"}\nletter'))
    told = nurture(file, *ARGUMENTS)
    assert told.returncode == 0, told.stderr
    assert "the campaign news is not simulated" in told.stderr
    assert "lies in the past" in told.stderr
    assert told.stdout.startswith("12 letters")

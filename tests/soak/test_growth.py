"""How cost grows: ten thousand, a hundred thousand and a million people through their first letter, on both databases (docs/scale.md)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import fresh_postgres

pytestmark = pytest.mark.soak
SIZES = (10_000, 100_000, 1_000_000)
EACH = ("import", "plan", "fold", "classify")


def measured(url: str, people: int, folder: Path) -> dict[str, float]:
    """In a process of its own, so that its memory is its own."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.support.list_run", url, str(people), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"\n  {people:,} people: " + ", ".join(f"{name} {value:,.1f}" for name, value in figures.items()), flush=True)
    return figures


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_person_costs_the_same_in_any_list(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    found = {}
    for people in SIZES:
        url = f"sqlite:///{tmp_path / f'{people}.db'}" if kind == "sqlite" else fresh_postgres(request.getfixturevalue("postgres"))
        found[people] = measured(url, people, tmp_path / str(people))
    few, many = found[SIZES[0]], found[SIZES[-1]]
    for name in EACH:
        assert many[f"{name}_work_us"] < 1.5 * few[f"{name}_work_us"], f"{name} grows with the list"
        assert many[f"peak_memory_mb_{name}"] < 200
    assert many["bytes_a_person"] < 1.3 * few["bytes_a_person"]
    for name in [n for n in many if n.startswith("segment_count_ms")]:
        assert many[name] < 200 * few[name], f"{name} grows faster than the list"

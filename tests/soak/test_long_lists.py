"""The big sizes: a list of a million goes in and is planned, in memory that does not grow with it, on both databases. Run by `make soak`."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.databases import fresh_postgres

pytestmark = pytest.mark.soak
SHORT, LONG = 20_000, 1_000_000
MEGABYTES_MORE = 60  # what the long list may take beyond the short one: caches of the database and the allocator
PROGRAM = r"""
import asyncio, json, re, sys, time
from datetime import UTC, datetime
from pathlib import Path
from nurture.definitions.loading import load_files
from nurture.services.defining import apply
from nurture.services.importing import import_csv
from nurture.services.planning import plan
from nurture.shipped import shipped
from nurture.store.database import connect
from nurture.store.schema import migrate
from nurture.store.workspace import ensure_workspace

MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

async def main(url, file):
    db = connect(url)
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, MONDAY, b"soak".ljust(16))
    documents = load_files([shipped("sequences") / n for n in ("two-weeks.yaml", "policy.yaml")]).documents
    await apply(db, list(documents), MONDAY, templates=shipped("templates"))
    start = time.perf_counter()
    result = await import_csv(db, file, now=MONDAY, enrol="two-weeks")
    imported = time.perf_counter() - start
    start, work = time.perf_counter(), time.process_time()
    planned = await plan(db, MONDAY)
    spent, work = time.perf_counter() - start, time.process_time() - work
    await db.close()
    print(json.dumps({
        "added": result.added, "import_s": imported, "sends": planned.counts["sends"], "plan_s": spent, "plan_work_s": work,
        "peak_mb": int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024,
    }))

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "America/Bogota", "Australia/Sydney")


def lived(url: str, folder: Path, people: int) -> dict[str, float]:
    """Import and plan a list in a process of its own, so that its memory is its own."""
    file = folder / "people.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["email", "name", "timezone", "tags"])
        writer.writerows([f"p{n}@example.com", f"Person Number {n}", ZONES[n % len(ZONES)], "roof"] for n in range(people))
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PROGRAM, url, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"\n  {people:,} people in {time.perf_counter() - start:.0f} s: {figures}")
    return figures


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_long_list_takes_no_more_memory_than_a_short_one(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    done = []
    for people in (SHORT, LONG):
        folder = tmp_path / str(people)
        folder.mkdir()
        url = fresh_postgres(request.getfixturevalue("postgres")) if kind == "postgres" else f"sqlite:///{folder / 'nurture.db'}"
        done.append(lived(url, folder, people))
    short, long = done
    assert (long["added"], long["sends"]) == (LONG, LONG)
    assert long["peak_mb"] - short["peak_mb"] < MEGABYTES_MORE
    assert long["peak_mb"] < 200
    for what in ("import_s", "plan_s"):
        assert long[what] / LONG < 2 * short[what] / SHORT, f"{what} grows with the list"

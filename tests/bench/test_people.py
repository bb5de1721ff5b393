"""What a person costs: planned against a bare insert of as many rows, imported against a bare reading of the file; and whether it grows with the list."""

import asyncio
import csv
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.definitions.loading import load_files
from nurture.services.defining import apply
from nurture.services.enrolling import enrol
from nurture.services.importing import import_csv
from nurture.services.planning import plan
from nurture.shipped import shipped
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.subscribers import add
from nurture.store.workspace import ensure_workspace
from tests.bench.conftest import Figures, seconds

pytestmark = pytest.mark.bench
MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "America/Bogota", "Australia/Sydney")
FEW, MANY = 1_000, 8_000


async def _listed(folder: Path, people: int) -> tuple[Database, list[int]]:
    db = connect(f"sqlite:///{folder / f'{people}.db'}")
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, MONDAY, b"bench".ljust(16))
    documents = load_files([shipped("sequences") / "two-weeks.yaml", shipped("sequences") / "policy.yaml"]).documents
    await apply(db, list(documents), MONDAY, templates=shipped("templates"))
    async with db.write() as tx:
        ids = await add(tx, [
            {"email": f"p{n}@example.com", "timezone": ZONES[n % len(ZONES)], "status_at": MONDAY, "joined_at": MONDAY, "changed_at": MONDAY}
            for n in range(people)
        ])  # fmt: skip
    await enrol(db, "two-weeks", ids, MONDAY, "bench")
    return db, ids


async def _planned(folder: Path, people: int) -> float:
    """Seconds a person for one planning sweep over the whole list."""
    db, _ = await _listed(folder, people)
    try:
        start = time.perf_counter()
        done = await plan(db, MONDAY)
        spent = time.perf_counter() - start
        assert (done.people, done.counts["sends"]) == (people, people)
        return spent / people
    finally:
        await db.close()


def _inserted(folder: Path, rows: int) -> float:
    """Seconds a row for a bare insert of rows with two indexes, a thousand a commit."""
    bare = sqlite3.connect(folder / "bare.db")
    bare.executescript("PRAGMA journal_mode=WAL; CREATE TABLE d (id INTEGER PRIMARY KEY, p INT, l INT, o TEXT, m TEXT UNIQUE, due TEXT, UNIQUE (l, p, o))")
    start = time.perf_counter()
    for begin in range(0, rows, 1000):
        batch = [(n, 1, "1", f"<{n:026}@example.com>", "2026-03-02 09:00:00") for n in range(begin, begin + 1000)]
        bare.executemany("INSERT INTO d (p, l, o, m, due) VALUES (?, ?, ?, ?, ?)", batch)
        bare.commit()
    spent = time.perf_counter() - start
    bare.close()
    return spent / rows


def test_planning_against_a_bare_insert_and_a_longer_list(tmp_path: Path, figures: Figures) -> None:
    few, many = asyncio.run(_planned(tmp_path, FEW)), asyncio.run(_planned(tmp_path, MANY))
    figures.note("planning_us", many * 1e6)
    figures.note("planning_to_bare_insert_ratio", many / _inserted(tmp_path, MANY))
    growth = figures.note("planning_growth_with_8_times_the_list", many / few)
    assert growth < 2


def _write_people(path: Path, rows: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["email", "name", "timezone", "tags", "city"])
        writer.writerows([f"p{n}@example.com", f"Person Number {n}", ZONES[n % len(ZONES)], "roof, fair", "Berlin"] for n in range(rows))


async def _imported(folder: Path, path: Path, rows: int) -> float:
    db = connect(f"sqlite:///{folder / f'import-{rows}.db'}")
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, MONDAY, b"bench".ljust(16))
    try:
        start = time.perf_counter()
        result = await import_csv(db, path, now=MONDAY)
        assert result.added == rows
        return (time.perf_counter() - start) / rows
    finally:
        await db.close()


def test_import_against_bare_reading_and_a_longer_file(tmp_path: Path, figures: Figures) -> None:
    spent = {}
    for rows in (FEW * 2, MANY * 2):
        _write_people(tmp_path / f"{rows}.csv", rows)
        spent[rows] = asyncio.run(_imported(tmp_path, tmp_path / f"{rows}.csv", rows))
    longest = max(spent)

    def read() -> None:
        with (tmp_path / f"{longest}.csv").open(newline="", encoding="utf-8") as lines:
            assert sum(1 for _ in csv.DictReader(lines)) == longest

    figures.note("import_us", spent[longest] * 1e6)
    figures.note("import_to_bare_csv_ratio", spent[longest] / (seconds(read, times=3) / longest))
    growth = figures.note("import_growth_with_8_times_the_file", spent[longest] / spent[min(spent)])
    assert growth < 2

"""What a person costs to import, against a bare reading of the file; and whether it grows with the list."""

import asyncio
import csv
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.services.importing import import_csv
from nurture.store.database import connect
from nurture.store.schema import migrate
from nurture.store.workspace import ensure_workspace
from tests.bench.conftest import Figures, seconds

pytestmark = pytest.mark.bench
MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "America/Bogota", "Australia/Sydney")
FEW, MANY = 1_000, 8_000


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

"""What judging a person costs in a list where few move: against a bare reading of the same rows; and whether it grows with the list."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

from nurture.services.classifying import classify_weekly
from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.bench.conftest import Figures
from tests.support.databases import fresh_postgres
from tests.support.listed import fill_list
from tests.support.people import NOW

pytestmark = pytest.mark.bench
FEW, MANY = 10_000, 80_000
BARE = "SELECT s.*, p.joined_at, p.tracking FROM standings s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.status = 'subscribed'"


async def _classified(url: str, people: int) -> tuple[float, float]:
    """Seconds a person, by the clock and of work in this process, for one weekly run over the whole list: the better of three."""
    db = connect(url)
    try:
        await migrate(db)
        await fill_list(db, people)
        spent, worked = [], []
        for _ in range(3):
            start, begun = time.perf_counter(), time.process_time()
            counts = await classify_weekly(db, NOW)
            spent.append(time.perf_counter() - start)
            worked.append(time.process_time() - begun)
            assert sum(counts.values()) == people
            assert counts["passive"] > counts["active"] > counts["fan"] > 0
        return min(spent) / people, min(worked) / people
    finally:
        await db.close()


def _read(file: Path, people: int) -> float:
    """Seconds of work a row for a bare reading of standings and people."""
    bare, spent = sqlite3.connect(file), []
    for _ in range(3):
        begun = time.process_time()
        assert sum(1 for _ in bare.execute(BARE)) == people
        spent.append(time.process_time() - begun)
    bare.close()
    return min(spent) / people


def test_classifying_against_a_bare_reading_and_a_longer_list(tmp_path: Path, figures: Figures) -> None:
    (_, few), (clock, many) = (asyncio.run(_classified(f"sqlite:///{tmp_path / f'{n}.db'}", n)) for n in (FEW, MANY))
    figures.note("classify_us", clock * 1e6)
    figures.note("classify_work_us", many * 1e6)
    figures.note("classify_people_per_second", 1 / many)
    figures.note("classify_to_bare_reading_ratio", many / _read(tmp_path / f"{MANY}.db", MANY))
    growth = figures.note("classify_growth_with_8_times_the_list", many / few)
    assert growth < 2


@pytest.mark.postgres
def test_classifying_on_postgres(postgres: str, figures: Figures) -> None:
    (few, _), (many, work) = (asyncio.run(_classified(fresh_postgres(postgres), n)) for n in (FEW, MANY))
    figures.note("classify_postgres_us", many * 1e6)
    figures.note("classify_postgres_work_us", work * 1e6)
    figures.note("classify_postgres_people_per_second", 1 / many)
    growth = figures.note("classify_postgres_growth_with_8_times_the_list", many / few)
    assert growth < 2

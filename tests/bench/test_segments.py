"""What counting a segment costs on either database, and whether it grows faster than the list; how much memory a list takes at most."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert

from nurture.store.database import Database, connect
from nurture.store.ledger import pieces
from nurture.store.schema import migrate
from nurture.store.tables import METADATA
from tests.bench.conftest import Figures
from tests.support.databases import fresh_postgres
from tests.support.list_run import SEGMENTS, Measured, count_segments
from tests.support.listed import fill_list
from tests.support.people import NOW

pytestmark = pytest.mark.bench
FEW, MANY = 10_000, 80_000
FEW_LIVED, MANY_LIVED = 2_500, 20_000


async def _acts(db: Database, people: int) -> None:
    """A tag for every fourth; two clicks of every fifth, half of them by hand."""
    blank = {"reason": "", "rule_version": 1, "folded": 1, "reacted": 1, "type": "clicked", "at": NOW, "settles_at": NOW}
    for ids in pieces(range(1, people + 1), 10_000):
        clicks = [
            {"uid": f"{n}-{time}", "subscriber_id": n, "evidence": "human" if n % 10 else "machine", **blank} for n in ids if n % 5 == 0 for time in (1, 2)
        ]
        async with db.write() as tx:
            await tx.execute(insert(METADATA.tables["subscriber_tags"]), [{"subscriber_id": n, "tag": "fair"} for n in ids if n % 4 == 0])
            await tx.execute(insert(METADATA.tables["events"]), clicks)


async def _counted(url: str, people: int) -> dict[str, float]:
    db, measured = connect(url), Measured(people)
    try:
        await migrate(db)
        await fill_list(db, people)
        await _acts(db, people)
        if not db.sqlite:
            async with db.write() as tx:
                await tx.exec_driver_sql("ANALYZE")  # autovacuum would, a minute later
        await count_segments(db, measured)
        return measured.figures
    finally:
        await db.close()


def _note(figures: Figures, few: dict[str, float], many: dict[str, float], where: str) -> None:
    for name in SEGMENTS:
        figures.note(f"segment_count{where}_ms_{name}", many[f"segment_count_ms_{name}"])
    growth = sum(many.values()) / sum(few.values()) / (MANY / FEW)
    assert figures.note(f"segment_count{where}_growth_with_8_times_the_list", growth) < 2


def test_counting_segments(tmp_path: Path, figures: Figures) -> None:
    few, many = (asyncio.run(_counted(f"sqlite:///{tmp_path / f'{n}.db'}", n)) for n in (FEW, MANY))
    _note(figures, few, many, "")


@pytest.mark.postgres
def test_counting_segments_on_postgres(postgres: str, figures: Figures) -> None:
    few, many = (asyncio.run(_counted(fresh_postgres(postgres), n)) for n in (FEW, MANY))
    _note(figures, few, many, "_postgres")


def _lived(folder: Path, people: int) -> dict[str, float]:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.support.list_run", f"sqlite:///{folder / 'list.db'}", str(people), str(folder)]
    figures: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    return figures


def test_peak_memory_of_a_list(tmp_path: Path, figures: Figures) -> None:
    few, many = (_lived(tmp_path / str(n), n) for n in (FEW_LIVED, MANY_LIVED))
    for stage in ("import", "plan", "fold", "classify"):
        figures.note(f"peak_memory_mb_{stage}", many[f"peak_memory_mb_{stage}"])
    figures.note("database_bytes_a_person", many["bytes_a_person"])
    figures.note("fold_us", many["fold_us"])
    figures.note("fold_growth_with_8_times_the_list", many["fold_work_us"] / few["fold_work_us"])
    assert many["peak_memory_mb_classify"] < 200

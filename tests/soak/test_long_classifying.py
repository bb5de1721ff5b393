"""The weekly run over a million people: as fast as over ten thousand, in memory that does not grow with the list. Run by `make soak`."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from nurture.store.database import connect
from nurture.store.schema import migrate
from tests.support.listed import fill_list

pytestmark = pytest.mark.soak
SHORT, LONG = 10_000, 1_000_000
MEGABYTES_MORE = 60
PROGRAM = r"""
import asyncio, json, re, sys, time
from datetime import UTC, datetime
from pathlib import Path
from nurture.services.classifying import classify_weekly
from nurture.services.measuring import measure
from nurture.services.previewing import preview_policy
from nurture.domain.documents import Policy
from nurture.store.database import connect

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

async def main(url):
    db = connect(url)
    start, worked = time.perf_counter(), time.process_time()
    counts = await classify_weekly(db, NOW)
    spent, worked = time.perf_counter() - start, time.process_time() - worked
    await preview_policy(db, NOW, Policy.model_validate({"policy": "default", "engagement": {"fan_answers": 5}}), 20)
    await measure(db, NOW)
    await db.close()
    memory = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    people = sum(counts.values())
    print(json.dumps({"people": people, "a_second": people / spent, "a_second_of_one_core": people / worked, "peak_mb": memory}))

asyncio.run(main(sys.argv[1]))
"""


async def _short(url: str) -> None:
    db = connect(url)
    await migrate(db)
    await fill_list(db, SHORT)
    await db.close()


def _lengthen(file: Path) -> None:
    """The short list a hundred times over."""
    bare = sqlite3.connect(file)
    for table, key in (("subscribers", "id"), ("standings", "subscriber_id")):
        columns = [row[1] for row in bare.execute(f"PRAGMA table_info({table})")]
        changed = {key: f"{key} + n * {SHORT}", "email": "n || '-' || email"}
        copied = ", ".join(changed.get(column, column) for column in columns)
        times = f"WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {LONG // SHORT - 1})"
        bare.execute(f"INSERT INTO {table} ({', '.join(columns)}) {times} SELECT {copied} FROM t, {table} ORDER BY n, {key}")
    bare.commit()
    bare.close()


def classified(url: str) -> dict[str, float]:
    """In a process of its own, so that its memory is its own."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, url], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    print(
        f"\n  {found['people']:>9,} people: {found['a_second']:>8,.0f} a second, {found['a_second_of_one_core']:>8,.0f} a second of one core,"
        f" peak {found['peak_mb']:.0f} MB"
    )
    return found


def test_a_million_people_cost_what_ten_thousand_do(tmp_path: Path) -> None:
    file = tmp_path / "list.db"
    asyncio.run(_short(f"sqlite:///{file}"))
    short = classified(f"sqlite:///{file}")
    _lengthen(file)
    long = classified(f"sqlite:///{file}")
    assert (short["people"], long["people"]) == (SHORT, LONG)
    assert long["a_second_of_one_core"] > short["a_second_of_one_core"] / 2  # whatever else this machine does meanwhile
    assert long["peak_mb"] < short["peak_mb"] + MEGABYTES_MORE

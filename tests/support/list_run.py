"""One list through its first letter in a process of its own: `python -m tests.support.list_run URL PEOPLE FOLDER`.

Imports, plans, has every letter accepted and every fifth answered (written straight in), folds, judges, counts segments. Prints one JSON
line of figures: `_us` are microseconds for each person by the clock, `_work_us` of this process's own time, `_ms` of one count.
"""

import asyncio
import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nurture.definitions.loading import load_files
from nurture.domain.conditions import Condition
from nurture.services.classifying import classify_weekly
from nurture.services.defining import apply
from nurture.services.folding import fold
from nurture.services.importing import import_csv
from nurture.services.planning import plan
from nurture.services.segmenting import count_people
from nurture.shipped import shipped
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.workspace import ensure_workspace
from nurture.worker import spare_the_collector

MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "America/Bogota", "Australia/Sydney")
SEGMENTS: dict[str, Any] = {
    "tag": {"tag": "fair"}, "engagement": {"engagement": "new"}, "clicked": {"did": "clicked", "within": "30d"},
    "not_clicked": {"all": [{"status": "subscribed"}, {"not": {"did": "clicked"}}]},
}  # fmt: skip
ACCEPTED = """UPDATE deliveries SET state = 'accepted', accepted_at = due_at, handed_at = due_at, ended_at = due_at, zone = 'Europe/Berlin',
 local_day = '2026-03-02', attempts = 1, folded = 0"""
CLICKED = """INSERT INTO events
 (uid, subscriber_id, delivery_id, type, at, settles_at, link, url, ip, agent, evidence, reason, rule_version, folded, reacted)
 SELECT 'click-' || id, subscriber_id, id, 'clicked', accepted_at, accepted_at, 0, 'https://example.com/offer', '192.0.2.7',
 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', CASE WHEN id % 10 = 0 THEN 'human' ELSE 'machine' END, 'by hand', 1, 0, 0
 FROM deliveries WHERE id % 5 = 0"""


def write_list(file: Path, people: int) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["email", "name", "timezone", "tags"])
        tags = ("roof", "roof,fair", "roof", "roof")
        writer.writerows([f"p{n}@example.com", f"Person Number {n}", ZONES[n % len(ZONES)], tags[n % 4]] for n in range(people))


def peak_mb() -> float:
    """The most memory this process ever had."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


class Measured:
    def __init__(self, people: int) -> None:
        self.people, self.figures = people, dict[str, float]()

    async def each(self, name: str, work: Awaitable[Any]) -> Any:
        begun, start = time.process_time(), time.perf_counter()
        done = await work
        self.figures[f"{name}_us"] = (time.perf_counter() - start) / self.people * 1e6
        self.figures[f"{name}_work_us"] = (time.process_time() - begun) / self.people * 1e6
        self.figures[f"peak_memory_mb_{name}"] = peak_mb()
        return done

    async def best(self, name: str, work: Callable[[], Awaitable[Any]], times: int = 3) -> Any:
        spent = []
        for _ in range(times):
            start = time.perf_counter()
            done = await work()
            spent.append((time.perf_counter() - start) * 1000)
        self.figures[name] = min(spent)
        return done


async def prepared(url: str) -> Database:
    db = connect(url)
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, MONDAY, b"list".ljust(16))
    documents = load_files([shipped("sequences") / n for n in ("two-weeks.yaml", "policy.yaml")]).documents
    await apply(db, list(documents), MONDAY, templates=shipped("templates"))
    return db


async def count_segments(db: Database, measured: Measured) -> None:
    for name, question in SEGMENTS.items():
        condition = TypeAdapter(Condition).validate_python(question)
        await measured.best(f"segment_count_ms_{name}", lambda c=condition: count_people(db, MONDAY + timedelta(days=2), where=c))  # type: ignore[misc]


async def lived(url: str, people: int, folder: Path) -> dict[str, float]:
    file = folder / "people.csv"
    write_list(file, people)
    db, measured = await prepared(url), Measured(people)
    try:
        return await _lived(db, measured, file, people)
    finally:
        await db.close()


async def _answered(db: Database) -> None:
    """Every letter accepted, every fifth clicked. On SQLite by another process: such statements take memory that is not ours to measure."""
    if db.sqlite:
        program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); [c.execute(s) for s in sys.argv[2:]]; c.commit()"
        command = [sys.executable, "-c", program, str(db.engine.url.database), ACCEPTED, CLICKED]
        await asyncio.to_thread(subprocess.run, command, check=True)
        return
    async with db.write() as tx:
        await tx.exec_driver_sql(ACCEPTED.replace("'2026-03-02'", "date '2026-03-02'"))
        await tx.exec_driver_sql(CLICKED)
        await tx.exec_driver_sql("ANALYZE")  # autovacuum would, a minute later


async def _lived(db: Database, measured: Measured, file: Path, people: int) -> dict[str, float]:
    spare_the_collector()
    added = await measured.each("import", import_csv(db, file, now=MONDAY, enrol="two-weeks"))
    planned = await measured.each("plan", plan(db, MONDAY))
    assert (added.added, planned.counts["sends"]) == (people, people), (added, planned)
    await _answered(db)
    assert await measured.each("fold", fold(db, MONDAY + timedelta(days=2))) >= people * 1.2
    counts = await measured.each("classify", classify_weekly(db, MONDAY + timedelta(days=2)))
    assert sum(counts.values()) == people
    await count_segments(db, measured)
    async with db.read() as tx:
        sized = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size" if db.sqlite else "SELECT pg_database_size(current_database())"
        measured.figures["bytes_a_person"] = (await tx.exec_driver_sql(sized)).scalar_one() / people
    return measured.figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(lived(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))))

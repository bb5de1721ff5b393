"""What a person costs to plan: against a bare insert of as many rows, with a longer list, under way, with two workers, and on PostgreSQL."""

import asyncio
import gc
import multiprocessing
import sqlite3
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from nurture.definitions.loading import load_files
from nurture.domain.standing import Entry, pack_entries
from nurture.domain.words import Kind
from nurture.services.defining import apply
from nurture.services.enrolling import enrol
from nurture.services.planning import plan
from nurture.shipped import shipped
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.subscribers import add
from nurture.store.tables import Enrolment, Standing
from nurture.store.workspace import ensure_workspace
from nurture.worker import spare_the_collector
from tests.bench.conftest import Figures
from tests.support.databases import fresh_postgres

pytestmark = pytest.mark.bench
MONDAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "America/Bogota", "Australia/Sydney")
FEW, MANY = 5_000, 40_000
DAY = timedelta(days=1)


async def listed(url: str, people: int) -> Database:
    """A list of which everybody is enrolled in the shipped two weeks and waits for their first letter."""
    db = connect(url)
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
    return db


async def put_under_way(db: Database) -> None:
    """Everybody has had two letters of the sequence, and twelve before."""
    days = [MONDAY - n * 3 * DAY for n in range(14, 0, -1)]
    recent = pack_entries(tuple(Entry(n, day, day.date(), Kind.USEFUL) for n, day in enumerate(days)))
    past: list[dict[str, Any]] = [
        {"letter": f"two-weeks/{letter}", "kind": "useful", "outcome": "sent", "day": date(2026, 2, 24).isoformat(), "delivery": n,
         "at": (MONDAY - (6 - n) * DAY).isoformat(), "reason": "letter of two-weeks; goes in its window", "rule": "ledger"}
        for n, letter in enumerate(("five-questions", "thirty-years"))
    ]  # fmt: skip
    async with db.write() as tx:
        await tx.execute(update(Standing).values(recent=recent, useful_since_sales=2, others_since_sales=2, received=14))
        await tx.execute(update(Enrolment).values(history=past))


async def planned(url: str, people: int, *, under_way: bool = False) -> tuple[float, float]:
    """Seconds a person for one sweep over the whole list: by the clock, and of work in this process."""
    db = await listed(url, people)
    try:
        if under_way:
            await put_under_way(db)
        spare_the_collector()
        work, start = time.process_time(), time.perf_counter()
        done = await plan(db, MONDAY)
        spent = time.perf_counter() - start, time.process_time() - work
        assert done.people == people
        assert under_way or done.counts["sends"] == people
        return spent[0] / people, spent[1] / people
    finally:
        gc.unfreeze()
        await db.close()


def _worker(url: str, start: Any, ended: Any) -> None:
    """One of several processes that plan the same list."""

    async def sweep() -> None:
        db = connect(url)
        await db.reach()
        spare_the_collector()
        start.wait()
        began = time.perf_counter()
        done = await plan(db, MONDAY)
        ended.put((done.people, began, time.perf_counter()))
        await db.close()

    asyncio.run(sweep())


def planned_by_two(url: str, people: int, *, under_way: bool = False) -> float:
    """Seconds a person by the clock, as two workers plan them that start together: what `serve --workers 2` does with a long list."""

    async def prepare() -> None:
        db = await listed(url, people)
        if under_way:
            await put_under_way(db)
        await db.close()

    asyncio.run(prepare())
    fresh = multiprocessing.get_context("spawn")
    start, ended = fresh.Barrier(2), fresh.Queue()
    workers = [fresh.Process(target=_worker, args=(url, start, ended)) for _ in range(2)]
    for worker in workers:
        worker.start()
    done = [ended.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(n for n, _, _ in done) == people
    return (max(end for _, _, end in done) - min(began for _, began, _ in done)) / people


def inserted(folder: Path, rows: int) -> float:
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
    few, _ = asyncio.run(planned(f"sqlite:///{tmp_path / 'few.db'}", FEW))
    many, work = asyncio.run(planned(f"sqlite:///{tmp_path / 'many.db'}", MANY))
    figures.note("planning_us", many * 1e6)
    figures.note("planning_work_us", work * 1e6)
    figures.note("planning_people_per_second", 1 / many)
    figures.note("planning_to_bare_insert_ratio", many / inserted(tmp_path, MANY))
    assert figures.note("planning_growth_with_8_times_the_list", many / few) < 2


def test_planning_those_under_way(tmp_path: Path, figures: Figures) -> None:
    clock, work = asyncio.run(planned(f"sqlite:///{tmp_path / 'under-way.db'}", MANY, under_way=True))
    figures.note("planning_under_way_us", clock * 1e6)
    figures.note("planning_under_way_work_us", work * 1e6)


def test_two_workers_plan_side_by_side(tmp_path: Path, figures: Figures) -> None:
    """Each has its own end of the list: they share the work, and only writing takes turns."""
    cold = planned_by_two(f"sqlite:///{tmp_path / 'cold.db'}", MANY)
    under_way = planned_by_two(f"sqlite:///{tmp_path / 'under-way.db'}", MANY, under_way=True)
    figures.note("planning_two_workers_people_per_second", 1 / cold)
    figures.note("planning_two_workers_under_way_people_per_second", 1 / under_way)


@pytest.mark.postgres
def test_planning_on_postgres(postgres: str, figures: Figures) -> None:
    few, _ = asyncio.run(planned(fresh_postgres(postgres), FEW))
    many, work = asyncio.run(planned(fresh_postgres(postgres), MANY))
    figures.note("planning_postgres_us", many * 1e6)
    figures.note("planning_postgres_work_us", work * 1e6)
    figures.note("planning_postgres_people_per_second", 1 / many)
    figures.note("planning_postgres_two_workers_people_per_second", 1 / planned_by_two(fresh_postgres(postgres), MANY))
    under_way = planned_by_two(fresh_postgres(postgres), MANY, under_way=True)
    figures.note("planning_postgres_two_workers_under_way_people_per_second", 1 / under_way)
    assert figures.note("planning_postgres_growth_with_8_times_the_list", many / few) < 2

"""An upgrade that is killed in the middle leaves the database as it was, and the next one goes through."""

import asyncio
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nurture.store.database import connect
from nurture.store.schema import compare, migrate
from tests.store.test_schema import TABLES, fill
from tests.support.databases import cloned_postgres

UPGRADE = """
import asyncio, os, signal, sys
from sqlalchemy import event
from nurture.store.database import connect
from nurture.store.schema import migrate
db, said, last = connect(sys.argv[1]), 0, int(sys.argv[2])
@event.listens_for(db.engine.sync_engine, "after_cursor_execute")
def count(*_):
    global said
    said += 1
    if said == last:
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(migrate(db))
print(said)
"""
FIRST = "0001"
NEVER = 10**9


async def upgrade(url: str, dies_at: int) -> tuple[int, int]:
    """The exit code of a process that upgrades and dies behind so many statements, and how many it said where it lives."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, url, str(dies_at), stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, int(said or 0)


async def newest(url: str) -> None:
    db = connect(url)
    await migrate(db)
    async with db.read() as tx:
        assert await tx.run_sync(compare) == []
    await db.close()


async def test_an_upgrade_that_is_killed_changes_nothing_on_sqlite(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    db = connect(f"sqlite:///{old}")
    await migrate(db, FIRST)
    await db.close()
    with closing(sqlite3.connect(old)) as file, file:
        tables = dict(file.execute(TABLES).fetchall())
        for table, made_by in tables.items():
            fill(file, table, made_by)
    copies = [Path(shutil.copy(old, tmp_path / f"{n}.db")) for n in range(4)]
    code, statements = await upgrade(f"sqlite:///{copies[0]}", NEVER)
    assert code == 0
    assert statements > 100
    for copy, point in zip(copies[1:], (statements // 3, statements * 2 // 3, statements - 1), strict=True):
        assert await upgrade(f"sqlite:///{copy}", point) == (-signal.SIGKILL, 0)
        with closing(sqlite3.connect(copy)) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert file.execute("SELECT version_num FROM alembic_version").fetchall() == [(FIRST,)]
            assert dict(file.execute(TABLES).fetchall()) == tables
            assert {t for t in tables if file.execute(f"SELECT count(*) FROM {t}").fetchone() != (1,)} == set()
        await newest(f"sqlite:///{copy}")


@pytest.fixture
def empty(postgres: str) -> str:
    return cloned_postgres(postgres)


@pytest.mark.postgres
async def test_an_upgrade_that_is_killed_changes_nothing_on_postgres(empty: str) -> None:
    db, url = connect(empty), empty
    await migrate(db, FIRST)
    assert await upgrade(url, 60) == (-signal.SIGKILL, 0)
    async with db.read() as tx:
        assert (await tx.exec_driver_sql("SELECT version_num FROM alembic_version")).all() == [(FIRST,)]
    await db.close()
    await newest(url)

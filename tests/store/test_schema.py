"""The migrations make exactly the tables, on both databases."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from nurture.store.database import Database, connect
from nurture.store.schema import compare, config, migrate


async def test_all_migrations_equal_a_fresh_schema(db: Database) -> None:
    async with db.read() as tx:
        assert await tx.run_sync(compare) == []


async def test_migrating_twice_changes_nothing(db: Database) -> None:
    await migrate(db)
    async with db.read() as tx:
        assert await tx.run_sync(compare) == []


async def test_the_ledger_leaves_room_for_rewrites_on_postgres(db: Database) -> None:
    if db.sqlite:
        return
    async with db.read() as tx:
        options = (await tx.exec_driver_sql("SELECT reloptions FROM pg_class WHERE relname = 'deliveries'")).scalar_one()
    assert options == ["fillfactor=50"]


async def test_a_database_in_use_reaches_the_newest_schema_and_loses_no_row(tmp_path: Path) -> None:
    """A row in every table as soon as there is such a table, each pointing to the others; every migration leaves them all, and so does the
    last one for whoever skipped those between.
    """
    revisions = [r.revision for r in ScriptDirectory.from_config(config()).walk_revisions()][::-1]
    for name, steps in (("one by one", revisions), ("at once", [revisions[0], revisions[-1]])):
        db = connect(f"sqlite:///{tmp_path / name}")
        filled: set[str] = set()
        for revision in steps:
            await migrate(db, revision)
            with closing(sqlite3.connect(tmp_path / name)) as file, file:
                there = {str(row[0]): str(row[1]) for row in file.execute(TABLES)}
                assert [table for table in filled & there.keys() if file.execute(f"SELECT count(*) FROM {table}").fetchone() != (1,)] == []
                for table in there.keys() - filled:
                    fill(file, table, there[table])
                filled = set(there)
                assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        async with db.write() as tx:
            with pytest.raises(IntegrityError):  # foreign keys are watched again
                await tx.exec_driver_sql("INSERT INTO subscriber_tags (subscriber_id, tag) VALUES (77, 'nobody')")
        await db.close()


TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"


def fill(file: sqlite3.Connection, table: str, made_by: str) -> None:
    """One row; every number is 1, so that all point to each other."""
    row: dict[str, object] = {}
    for _, name, kind, *_ in file.execute(f"PRAGMA table_info({table})"):
        one_of = re.search(rf"\b{name} IN \('([^']+)'", made_by)
        kinds: dict[str, object] = {"JSON": "{}", "DATETIME": "2026-03-02 00:00:00.000000", "DATE": "2026-03-02", "BLOB": b"x"}
        word = one_of[1] if one_of else "x"
        row[name] = kinds.get(kind, word if kind.startswith(("VARCHAR", "TEXT")) else 1)
    file.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))

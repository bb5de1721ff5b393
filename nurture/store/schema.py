"""Bring the database to the newest schema: all migrations, under a lock, on both databases."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection as SyncConnection

from nurture.domain.errors import NurtureError
from nurture.store.database import Database

HERE = Path(__file__).parent


def config() -> Config:
    """Where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    return config


def _upgrade(connection: SyncConnection, revision: str) -> bool:
    """Whether there was anything to do."""
    settings, context = config(), MigrationContext.configure(connection)
    before = context.get_current_revision()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)
    return MigrationContext.configure(connection).get_current_revision() != before


async def migrate(db: Database, revision: str = "head") -> None:
    """Run the migrations that are missing; restartable: they run in the one transaction of this call."""
    async with db.alter() as tx:
        if not db.sqlite:
            await tx.exec_driver_sql("SELECT pg_advisory_xact_lock(7240318)")
        changed = await tx.run_sync(_upgrade, revision)
        if changed and db.sqlite and (lost := (await tx.exec_driver_sql("PRAGMA foreign_key_check")).all()):
            tables = ", ".join(sorted({row[0] for row in lost}))
            raise NurtureError(f"rows in {tables} point to rows that are not there; the database was left as it was, restore a backup.")


async def is_newest(db: Database) -> bool:
    """Whether no migration is missing. Changes nothing."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - asked by `doctor` alone

    def revision(connection: SyncConnection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with db.read() as tx:
        return await tx.run_sync(revision) == ScriptDirectory.from_config(config()).get_current_head()


def compare(connection: SyncConnection) -> list[Any]:
    """What autogenerate would still change: empty when the migrations make exactly the tables."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - heavy, and only tests and `make migration` ask

    from nurture.store.tables import METADATA  # noqa: PLC0415

    options = {"compare_type": True, "include_object": _described}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def _described(thing: Any, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """All but what the tables cannot say: on PostgreSQL events are kept by months, each a table, and UNIQUE there by uid and moment."""
    if kind == "table":
        return not (name or "").startswith("events_")
    return kind != "unique_constraint" or thing.table.name != "events"

"""The migrations make exactly the tables, on both databases."""

from nurture.store.database import Database
from nurture.store.schema import compare, migrate


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

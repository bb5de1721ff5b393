"""What each database tells of itself: version, what a commit is worth, its clock."""

from nurture.domain.examination.facts import DatabaseFacts
from nurture.store.database import Connection


async def facts(tx: Connection, *, newest: bool) -> DatabaseFacts:
    """`newest`: whether no migration is missing (store/schema.py)."""

    async def one(statement: str) -> str:
        return str((await tx.exec_driver_sql(statement)).scalar_one())

    if tx.dialect.name == "postgresql":
        number = int(await one("SHOW server_version_num"))
        promises = {name: await one(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")}
        clock = (await tx.exec_driver_sql("SELECT clock_timestamp()")).scalar_one()
        return DatabaseFacts("PostgreSQL", (number // 10_000, number % 10_000), promises, newest_schema=newest, clock=clock)
    version = tuple(int(part) for part in (await one("SELECT sqlite_version()")).split("."))
    levels = {"0": "off", "1": "normal", "2": "full", "3": "extra"}
    promises = {"journal_mode": await one("PRAGMA journal_mode"), "synchronous": levels[await one("PRAGMA synchronous")]}
    return DatabaseFacts("SQLite", version, promises, newest_schema=newest)

"""Making sure that what was erased is gone from the disk, as far as each database lets us."""

import asyncio

from nurture.store.database import Connection, Database

_TRIES = 10
_PAUSE = 0.1


async def overwrite(tx: Connection) -> None:
    """SQLite leaves old bytes in its pages unless told to overwrite them; to be said before the change, in its transaction."""
    if tx.dialect.name == "sqlite":
        await tx.exec_driver_sql("PRAGMA secure_delete = ON")


async def scrub(db: Database) -> bool:
    """Empty SQLite's journal into the file, so that no older page stands there; False where readers kept it. PostgreSQL's own vacuum
    frees old rows, and its write-ahead log is recycled by checkpoints: neither is ours to hurry.
    """
    if not db.sqlite or db.single:
        return True
    for _ in range(_TRIES):
        async with db.read() as tx:
            await tx.rollback()
            busy = (await tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]
        if not busy:
            return True
        await asyncio.sleep(_PAUSE)
    return False

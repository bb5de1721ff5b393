"""One SQLite database into another, page by page: what was lived through in memory becomes a file."""

from typing import Any

from nurture.domain.errors import NurtureError
from nurture.store.database import Database


async def pour(source: Database, target: Database) -> None:
    """Replace everything in `target` by what `source` holds, in one transaction. Raises NurtureError where either is not SQLite."""
    if not (source.sqlite and target.sqlite):
        raise NurtureError("Invented history is written to SQLite only; unset NURTURE_DATABASE_URL.")
    async with source.writer, target.writer, source.engine.connect() as full, target.engine.connect() as empty:
        into: Any = (await empty.get_raw_connection()).driver_connection
        out: Any = (await full.get_raw_connection()).driver_connection
        await out.backup(into)
    await target.engine.dispose()  # connections that knew the old pages
    target.parsed.clear()

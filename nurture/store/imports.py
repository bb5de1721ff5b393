"""How far each imported file has come: written in the same transaction as its people, so that a killed import goes on from there."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from nurture.store.database import Connection
from nurture.store.tables import METADATA

imports = METADATA.tables["imports"]
_i = imports.c


async def unfinished(tx: Connection, digest: str) -> tuple[int, dict[str, Any]] | None:
    """(last line, counts) of an import of this file that was broken off; None when there is none."""
    row = (await tx.execute(select(_i.line, _i.counts).where(_i.digest == digest, _i.finished_at.is_(None)))).one_or_none()
    return (row.line, row.counts) if row and row.line else None


async def begin(tx: Connection, digest: str, now: datetime) -> None:
    """A new run of this file, from its first line."""
    values = {"line": 0, "counts": {}, "started_at": now, "finished_at": None}
    if not (await tx.execute(update(imports).where(_i.digest == digest).values(values))).rowcount:
        await tx.execute(insert(imports).values(digest=digest, **values))


async def advance(tx: Connection, digest: str, line: int, counts: dict[str, Any], finished_at: datetime | None = None) -> None:
    await tx.execute(update(imports).where(_i.digest == digest).values(line=line, counts=counts, finished_at=finished_at))

"""Answers kept for an Idempotency-Key: the first request reserves the key, its answer serves every repetition."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.tables import METADATA

_ROWS = METADATA.tables["idempotency"]
_i = _ROWS.c
UNDER_WAY = 0
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Kept:
    """`status` 0: the first request is still under way."""

    digest: str
    status: int
    body: bytes
    at: datetime


async def reserve(tx: Connection, key_id: int, key: str, digest: str, now: datetime) -> bool:
    """True for the one caller who came first."""
    values = {"key_id": key_id, "key": key, "digest": digest, "status": UNDER_WAY, "body": b"", "at": now}
    statement = insert(tx, _ROWS).values(**values).on_conflict_do_nothing(index_elements=["key_id", "key"]).returning(_i.id)
    return (await tx.execute(statement)).one_or_none() is not None


async def kept(tx: Connection, key_id: int, key: str) -> Kept | None:
    query = select(_i.digest, _i.status, _i.body, _i.at).where(_i.key_id == key_id, _i.key == key)
    row = (await tx.execute(query)).one_or_none()
    return Kept(row[0], row[1], bytes(row[2]), row[3]) if row else None


async def keep(tx: Connection, key_id: int, key: str, status: int, body: bytes) -> None:
    await tx.execute(update(_ROWS).where(_i.key_id == key_id, _i.key == key).values(status=status, body=body))


async def forget(tx: Connection, key_id: int, key: str, at: datetime) -> bool:
    """Give a key free, if it is still the row of that moment."""
    statement = delete(_ROWS).where(_i.key_id == key_id, _i.key == key, _i.at == at)
    return (await tx.execute(statement)).rowcount > 0


async def purge(tx: Connection, now: datetime) -> int:
    """Answers hold personal data: what is older than they are kept for goes. Returns how many."""
    return int((await tx.execute(delete(_ROWS).where(_i.at < now - KEPT_FOR))).rowcount)

"""Addresses that were erased, known by a keyed hash alone: enough to keep a list that still has one from mailing it, and nothing more."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select

from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.ledger import pieces
from nurture.store.tables import METADATA
from nurture.store.workspace import load_workspace

_suppressions = METADATA.tables["suppressions"]
_h = _suppressions.c.digest
ERASED = "this person was erased at their own wish; only they themselves can join again, by a form"


async def suppress(tx: Connection, email: str, now: datetime) -> None:
    """Remember a normalised address that is about to be forgotten."""
    statement = insert(tx, _suppressions).values(digest=await _digest(tx, email), at=now)
    await tx.execute(statement.on_conflict_do_update(index_elements=[_h], set_={"at": now}))


async def last_erasure(tx: Connection) -> tuple[int, datetime | None]:
    """How many are erased, and when the last one was: another answer than before means that somebody was erased in between."""
    row = (await tx.execute(select(func.count(), func.max(_suppressions.c.at)))).one()
    return int(row[0]), row[1]


async def suppressed(tx: Connection, emails: Iterable[str]) -> set[str]:
    """Those of these normalised addresses that were erased."""
    found: set[str] = set()
    if (await tx.execute(select(_h).limit(1))).first() is None:
        return found
    for piece in pieces(sorted(set(emails)), 5_000):
        by_digest = dict(zip(await _digests(tx, piece), piece, strict=True))
        rows = await tx.execute(select(_h).where(_h.in_(list(by_digest))))
        found.update(by_digest[digest] for digest in rows.scalars())
    return found


async def lift(tx: Connection, email: str) -> None:
    """The person came back by their own act."""
    await tx.execute(delete(_suppressions).where(_h == await _digest(tx, email)))


async def _digest(tx: Connection, email: str) -> str:
    return (await _digests(tx, [email]))[0]


async def _digests(tx: Connection, emails: Iterable[str]) -> list[str]:
    """Keyed by the installation's identity, which no rotation of the signing key changes."""
    key = (await load_workspace(tx)).identity
    return [hashlib.blake2b(email.encode(), digest_size=16, key=key, person=b"nurture-erased-1").hexdigest() for email in emails]

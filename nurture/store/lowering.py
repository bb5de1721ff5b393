"""What follows when others lower a person's status: their ways end, what waits for them is cancelled, the consent log says so."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import insert, update

from nurture.domain.words import Status
from nurture.store.database import Connection
from nurture.store.ledger import pieces
from nurture.store.outbox import cancel_rows, open_rows
from nurture.store.subscribers import touch
from nurture.store.tables import METADATA

_enrolments = METADATA.tables["enrolments"]
_consents = METADATA.tables["consents"]
MAILS = "mail"


async def follow_lowering(tx: Connection, lowered: Mapping[int, Status], source: str, now: datetime) -> None:
    """`lowered`: who got which lower status just now. A person who only became pending again keeps their ways: they wait."""
    gone = sorted(i for i, status in lowered.items() if status is not Status.PENDING)
    e = _enrolments.c
    for piece in pieces(gone):
        ended = update(_enrolments).where(e.subscriber_id.in_(piece), e.ended_at.is_(None))
        await tx.execute(ended.values(state="left", ended_at=now, end_reason="left"))
    waiting = await open_rows(tx, lowered)
    await cancel_rows(tx, [row.id for row in waiting.values()], "left", now)
    await record_consents(tx, [(i, False, None, now) for i in gone], source)
    await touch(tx, lowered, now)


async def record_consents(tx: Connection, lines: Iterable[tuple[int, bool, str | None, datetime]], source: str, wording: str = "") -> None:
    """(person, granted, IP, when) for the append-only log."""
    rows = [
        {"subscriber_id": i, "what": MAILS, "granted": granted, "wording": wording, "source": source, "ip": ip, "at": at}
        for i, granted, ip, at in lines
    ]
    if rows:
        await tx.execute(insert(_consents), rows)

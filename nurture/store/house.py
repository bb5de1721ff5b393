"""People of the house who get letters from it and are nobody of the list: to them go the digests."""

from datetime import datetime

from nurture.domain.people import HOUSE
from nurture.domain.words import Status
from nurture.store import subscribers as people
from nurture.store.database import Connection


async def ensure_house(tx: Connection, email: str, now: datetime) -> int:
    """The row of this address (normalised). Whoever is not known gets one that is archived, so that only service letters reach it, and that
    stands in no count of the list.
    """
    known = await people.find(tx, email)
    if known is None:
        row = {"email": email, "source": HOUSE, "status": Status.ARCHIVED.value, "status_at": now, "joined_at": now, "changed_at": now}
        (new,) = await people.add(tx, [row])
        if new:
            return new
        known = await people.find(tx, email)  # another worker was first
    assert known is not None  # noqa: S101 - it was there a moment ago, and rows are never deleted
    return known.id

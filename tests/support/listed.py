"""A list of any size with a year behind it, written straight into the standings: for what passes over everybody."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from nurture.domain.folding import month_of
from nurture.domain.standing import Entry, Mark, pack_entries, pack_instants, pack_peaks
from nurture.domain.words import Kind
from nurture.store.database import Database
from nurture.store.ledger import pieces
from nurture.store.tables import METADATA, Standing
from tests.support.people import NOW

_DAY = timedelta(days=1)
_KINDS = (Kind.USEFUL, Kind.NEWS, Kind.USEFUL, Kind.SALES)


def _letters(now: datetime, acted: dict[int, Mark]) -> bytes:
    """Two letters a week for 90 days: 26 of them; `acted` says what was done with each, counted from the last."""
    entries = []
    for back in range(26, 0, -1):
        at = now - back * 3.5 * _DAY
        entries.append(Entry(100 - back, at, at.date(), _KINDS[back % 4], acted.get(back, Mark(0))))
    return pack_entries(tuple(entries))


def listed(people: int, now: datetime, seed: int = 1) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(row of subscribers, row of standings) of people who stand in the class that their letters say: 80 : 17 : 3, a quarter ripening."""
    rng = random.Random(seed)
    shapes = {
        (name, sign): _letters(now, acted)
        for name, sign, acted in (
            ("passive", False, {}), ("passive", True, {}), ("active", True, {2: Mark.OPENED, 9: Mark.CLICKED}),
            ("fan", True, dict.fromkeys(range(1, 7), Mark.OPENED | Mark.CLICKED)),
        )
    }  # fmt: skip
    blank = Standing(subscriber_id=0).model_dump()
    for number in range(1, people + 1):
        roll = rng.random()
        name = "passive" if roll < 0.8 else "active" if roll < 0.97 else "fan"
        sign = name != "passive" or rng.random() < 0.25
        acted = now - (timedelta(days=rng.uniform(1, 25)) if name != "passive" else timedelta(days=rng.uniform(100, 300)))
        joined = now - timedelta(days=rng.uniform(200, 500))
        person = {"email": f"p{number}@example.com", "joined_at": joined, "status_at": joined, "changed_at": joined}
        standing = blank | {
            "subscriber_id": number, "recent": shapes[name, sign], "received": 60, "useful_since_sales": 2, "others_since_sales": 3,
            "engagement": name, "engagement_at": joined, "flags": int(name == "passive" and sign),
        }  # fmt: skip
        if sign:
            standing |= {"last_sign_at": acted, "score": 3.0, "score_at": acted, "peaks": pack_peaks(((month_of(acted), 3.0),))}
        if name != "passive":
            standing |= {"answers": pack_instants((acted - 60 * _DAY, acted))}
        yield person, standing


async def fill_list(db: Database, people: int, now: datetime = NOW) -> None:
    """Write the list into an empty database."""
    for piece in pieces(listed(people, now), 5000):
        async with db.write() as tx:
            await tx.execute(insert(METADATA.tables["subscribers"]), [_whole(person) for person, _ in piece])
            await tx.execute(insert(METADATA.tables["standings"]), [standing for _, standing in piece])


def _whole(person: dict[str, Any]) -> dict[str, Any]:
    return {"topics": {}, "fields": {}} | person

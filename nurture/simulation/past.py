"""A past for invented people, so that a cleanup finds somebody who sleeps: half a dozen letters, answered or not as they are at heart."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from nurture.domain.standing import NO_MARK, Entry, FlagBit, Mark, Standing
from nurture.domain.words import Engagement, Kind
from nurture.simulation.behaviour import Type
from nurture.simulation.people import Person
from nurture.store.database import Database
from nurture.store.standings import load_standings, save_standings

LETTERS = 6
_NOBODYS = 1 << 40  # deliveries of a time before the world began
_SIGN = timedelta(days=100)


async def give_past(db: Database, people: Iterable[Person], ids: Mapping[str, int], start: datetime) -> None:
    """Standings as they would be after so many letters of the year before."""
    tempers = {ids[p.email]: p.temper.type for p in people}
    async with db.write() as tx:
        known = await load_standings(tx, tempers)
        await save_standings(tx, [_lived(standing, tempers[person], start) for person, standing in known.items()])


def _lived(standing: Standing, at_heart: Type, start: datetime) -> Standing:
    times = [start - timedelta(days=50 + 7 * n) for n in range(LETTERS, 0, -1)]
    clicked = Mark.CLICKED if at_heart is Type.FAN else NO_MARK
    kinds = [Kind.USEFUL] * (LETTERS - 1) + [Kind.SALES]  # the last one sold: nothing is earned yet, as for people without a past
    recent = tuple(Entry(_NOBODYS + n, at, at.date(), kind, clicked) for n, (at, kind) in enumerate(zip(times, kinds, strict=True)))
    signs: dict[Type, dict[str, Any]] = {
        Type.PASSIVE: {},
        Type.RIPENING: {"last_sign_at": start - _SIGN, "flags": FlagBit.RIPENING},
        Type.ACTIVE: {"last_sign_at": times[-1], "answers": (times[-1],), "engagement": Engagement.ACTIVE},
        Type.FAN: {"last_sign_at": times[-1], "answers": (times[-2], times[-1]), "engagement": Engagement.FAN},
    }
    words: dict[str, Any] = {"engagement": Engagement.PASSIVE, "recent": recent, "received": LETTERS}
    return replace(standing, **(words | signs[at_heart]))

"""What is told of a world when its time is over: who its people were and what they did, who left and why, how many letters each hour."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from nurture.domain.words import Status
from nurture.simulation.behaviour import SEEN_ON_LETTERS
from nurture.simulation.movers import Move
from nurture.simulation.people import Person
from nurture.simulation.returns import Deed
from nurture.store.database import Database
from nurture.store.subscribers import stream

_WHY = {
    Status.UNSUBSCRIBED: "left by the button in a letter",
    Status.BOUNCED: "the address is dead: a hard bounce",
    Status.COMPLAINED: "complained",
}


async def take_census(db: Database, people: Sequence[Person], deeds: Iterable[Deed], moves: Iterable[Move]) -> list[dict[str, Any]]:
    """One row a person, by address: `{email, heart, engagement, kinds, frequency, fields, zones: [{at, timezone}], deeds: [{at, act}]}`.

    `heart` is what they are, `engagement` the class the engine gave them; `kinds` and `frequency`: what they wanted when they came.
    `zones`: the first has no moment, it held from the beginning. `deeds`: clicks, replies, visits, purchases, wishes and leaving, no
    opens.
    """
    done: dict[str, list[Deed]] = defaultdict(list)
    for deed in deeds:
        done[deed.email].append(deed)
    moved: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        moved[move.email].append(move)
    classes: dict[str, str] = {}
    async with db.read() as tx:
        async for known in stream(tx):
            classes |= {p.email: p.engagement.value for p in known}
    return [_line(p, classes[p.email], done[p.email], moved[p.email]) for p in sorted(people, key=lambda p: p.email)]


def _line(person: Person, engagement: str, deeds: Sequence[Deed], moves: Sequence[Move]) -> dict[str, Any]:
    told = [d for d in sorted(deeds, key=lambda d: (d.at, d.act)) if d.act is not SEEN_ON_LETTERS[0]]
    return {
        "email": person.email, "heart": person.temper.type.value, "engagement": engagement,
        "kinds": person.columns.get("kinds", "all"), "frequency": person.columns.get("frequency", "normal"), "fields": person.fields,
        "zones": [{"at": None, "timezone": person.columns["timezone"]}, *({"at": _iso(m.at), "timezone": m.zone} for m in moves)],
        "deeds": [{"at": _iso(d.at), "act": d.act.value} for d in told],
    }  # fmt: skip


async def departures(db: Database) -> list[dict[str, Any]]:
    """Who gets no more letters, by time: `{email, at, why}`."""
    found: list[tuple[datetime, str, Status]] = []
    async with db.read() as tx:
        async for known in stream(tx):
            found += [(p.status_at, p.email, p.status) for p in known if p.status in _WHY]
    return [{"email": email, "at": _iso(at), "why": _WHY[status]} for at, email, status in sorted(found)]


def load_by_hour(deliveries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Letters accepted in each hour of UTC that had any: `{hour, letters}`."""
    hours = Counter(datetime.fromisoformat(d["at"]).replace(minute=0, second=0, microsecond=0) for d in deliveries)
    return [{"hour": _iso(hour), "letters": letters} for hour, letters in sorted(hours.items())]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()

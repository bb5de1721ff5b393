"""What comes back: people's reactions to their letters wait here for their moment, then enter by the same doors as in the real world."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from nurture.domain.evidence import Hit
from nurture.domain.words import EventType, Evidence, Kind
from nurture.services.leaving import leave
from nurture.services.tracking import Received, record_hits
from nurture.simulation.behaviour import Act, Reaction, Temper, faded, react
from nurture.store.chronicle import Taken
from nurture.store.database import Database
from nurture.store.events import add_events

_PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Soul:
    """How one invented person feels, and since when their interest fades."""

    temper: Temper
    since: datetime


class Returns:
    """`souls` by subscriber id. With `leaving=False` nobody leaves, so that everybody's letters can be seen to the end."""

    def __init__(self, souls: dict[int, Soul], seed: int, *, leaving: bool) -> None:
        self.souls = souls
        self.seed = seed
        self.leaving = leaving
        self._hits: list[tuple[datetime, int, Reaction, Taken]] = []
        self._acts: list[tuple[datetime, int, Reaction, Taken]] = []
        self._count = 0

    def hear(self, letters: Iterable[Taken]) -> None:
        """Draw what each person will do with their letter: the same for the same seed, person and letter, whatever else happens."""
        for letter in letters:
            soul = self.souls.get(letter.subscriber_id)
            if soul is None:
                continue
            rng = Random(f"{self.seed} {letter.email} {letter.letter} {letter.at.date()}")
            interest = faded(soul.temper, letter.at - soul.since)
            for reaction in react(soul.temper, Kind(letter.kind), len(letter.links), interest, rng):
                if reaction.act is not Act.LEAVE or self.leaving:
                    self._count += 1
                    waiting = self._hits if reaction.act in (Act.OPEN, Act.CLICK) else self._acts
                    heapq.heappush(waiting, (letter.at + reaction.after, self._count, reaction, letter))

    def first(self) -> datetime | None:
        """When the next of all reactions comes."""
        return min((waiting[0][0] for waiting in (self._hits, self._acts) if waiting), default=None)

    async def hits(self, db: Database, now: datetime) -> None:
        """Let the opens and clicks up to `now` come in."""
        arrived = [_hit(*reaction) for reaction in _until(self._hits, now)]
        if arrived:
            await record_hits(db, arrived, now)

    async def acts(self, db: Database, now: datetime) -> bool:
        """Let what may change the next letters come in: purchases, answers, leaving; whether there was any."""
        events: list[dict[str, object]] = []
        leavers: list[tuple[datetime, Taken]] = []
        for at, number, reaction, letter in _until(self._acts, now):
            if reaction.act is Act.LEAVE:
                leavers.append((at, letter))
            else:
                events.append(_event(at, number, reaction, letter))
        if events:
            async with db.write() as tx:
                await add_events(tx, events)
        for at, letter in leavers:
            await leave(db, letter.subscriber_id, delivery_id=letter.id, now=at, how="leave-page")
        return bool(events or leavers)


def _until(waiting: list[tuple[datetime, int, Reaction, Taken]], now: datetime) -> Iterator[tuple[datetime, int, Reaction, Taken]]:
    while waiting and waiting[0][0] <= now:
        yield heapq.heappop(waiting)


def _hit(at: datetime, number: int, reaction: Reaction, letter: Taken) -> Received:
    url = letter.links[reaction.link] if reaction.link is not None else None
    hit = Hit(at, link=reaction.link, agent=reaction.agent, ip=f"192.0.2.{letter.subscriber_id % 250 + 1}")
    return Received(f"hit:{letter.id}:{number}", letter.id, letter.subscriber_id, letter.version_id, hit, url)


def _event(at: datetime, number: int, reaction: Reaction, letter: Taken) -> dict[str, object]:
    bought = reaction.act is Act.BUY
    return {
        "uid": f"act:{letter.id}:{number}", "subscriber_id": letter.subscriber_id, "delivery_id": letter.id, "at": at, "settles_at": at,
        "type": (EventType.CONVERTED if bought else EventType.REPLIED).value, "name": _PURCHASE if bought else None,
        "value": 49.0 if bought else None, "currency": "EUR" if bought else None, "evidence": Evidence.HUMAN.value,
        "reason": "a purchase" if bought else "an answer by mail",
    }  # fmt: skip

"""What comes back: people's reactions to their letters wait here for their moment, then enter by the same doors as in the real world."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from nurture.domain.evidence import Hit
from nurture.domain.words import EventType, Evidence, Kind
from nurture.services.leaving import leave
from nurture.services.preferring import Choice, prefer
from nurture.services.tracking import Received, record_hits
from nurture.simulation.behaviour import ENDING, SEEN_ON_LETTERS, Act, Reaction, Temper, mood, react
from nurture.store.bounces import Bounce, note_bounces
from nurture.store.chronicle import Taken
from nurture.store.database import Database
from nurture.store.events import add_events

PURCHASE = "purchase"
_EVENTS = {
    Act.BUY: (EventType.CONVERTED, PURCHASE, "a purchase"),
    Act.REPLY: (EventType.REPLIED, None, "an answer by mail"),
    Act.VISIT: (EventType.VISITED, "site", "looked at the site"),
}
_CHOICES = {Act.LESS: Choice.LESS, Act.USEFUL: Choice.USEFUL, Act.PAUSE: Choice.PAUSE}


@dataclass(frozen=True, slots=True)
class Soul:
    """How one invented person feels, and since when their interest fades."""

    temper: Temper
    since: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person did that changes their letters or counts as a response. The rules are judged by it from outside."""

    email: str
    at: datetime
    act: Act


class Returns:
    """`souls` by subscriber id. With `leaving=False` nobody leaves, bounces or asks for less: all letters can be seen to the end.

    `deeds`: all that people did so far, in no order; what machines did is no deed.
    """

    def __init__(self, souls: dict[int, Soul], seed: int, *, leaving: bool) -> None:
        self.souls = souls
        self.seed = seed
        self.leaving = leaving
        self.deeds: list[Deed] = []
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
            temper, interest = mood(soul.temper, letter.at - soul.since)
            for reaction in react(temper, Kind(letter.kind), len(letter.links), interest, rng):
                if reaction.act not in ENDING or self.leaving:
                    self._count += 1
                    waiting = self._hits if reaction.act in SEEN_ON_LETTERS else self._acts
                    heapq.heappush(waiting, (letter.at + reaction.after, self._count, reaction, letter))

    def first(self) -> datetime | None:
        """When the next of all reactions comes."""
        return min((waiting[0][0] for waiting in (self._hits, self._acts) if waiting), default=None)

    async def hits(self, db: Database, now: datetime) -> None:
        """Let the opens and clicks up to `now` come in."""
        arrived = []
        for at, number, reaction, letter in _until(self._hits, now):
            self._remember(at, reaction, letter)
            arrived.append(_hit(at, number, reaction, letter))
        if arrived:
            await record_hits(db, arrived, now)

    async def acts(self, db: Database, now: datetime) -> bool:
        """Let purchases, answers, visits, wishes and leaving come in, in order; whether any of them may forbid the very next letter."""
        events: list[dict[str, object]] = []
        forbids = False
        for at, number, reaction, letter in _until(self._acts, now):
            self._remember(at, reaction, letter)
            forbids |= reaction.act not in (Act.REPLY, Act.VISIT)
            if reaction.act in _EVENTS:
                events.append(_event(at, number, reaction, letter))
            else:
                await _end(db, at, number, reaction, letter)
        if events:
            async with db.write() as tx:
                await add_events(tx, events)
        return forbids

    def _remember(self, at: datetime, reaction: Reaction, letter: Taken) -> None:
        if not reaction.machine:
            self.deeds.append(Deed(letter.email, at, reaction.act))


async def _end(db: Database, at: datetime, number: int, reaction: Reaction, letter: Taken) -> None:
    """Leaving, asking for less, and a mailbox that is gone, each by its own door."""
    if reaction.act is Act.LEAVE:
        await leave(db, letter.subscriber_id, delivery_id=letter.id, now=at, how="leave-page")
    elif reaction.act is Act.BOUNCE:
        bounce = Bounce(f"act:{letter.id}:{number}", letter.id, letter.subscriber_id, True, "550 5.1.1 no such mailbox", at)
        async with db.write() as tx:
            await note_bounces(tx, [bounce], at)
    else:
        await prefer(db, letter.subscriber_id, _CHOICES[reaction.act], at)


def _until(waiting: list[tuple[datetime, int, Reaction, Taken]], now: datetime) -> Iterator[tuple[datetime, int, Reaction, Taken]]:
    while waiting and waiting[0][0] <= now:
        yield heapq.heappop(waiting)


def _hit(at: datetime, number: int, reaction: Reaction, letter: Taken) -> Received:
    """Filters and proxies sit elsewhere than the person."""
    url = letter.links[reaction.link] if reaction.link is not None else None
    ip = f"{'198.51.100' if reaction.machine else '192.0.2'}.{letter.subscriber_id % 250 + 1}"
    hit = Hit(at, link=reaction.link, page=reaction.page, agent=reaction.agent, ip=ip)
    return Received(f"hit:{letter.id}:{number}", letter.id, letter.subscriber_id, letter.version_id, hit, url)


def _event(at: datetime, number: int, reaction: Reaction, letter: Taken) -> dict[str, object]:
    type_, name, reason = _EVENTS[reaction.act]
    bought = reaction.act is Act.BUY
    return {
        "uid": f"act:{letter.id}:{number}", "subscriber_id": letter.subscriber_id, "delivery_id": letter.id, "at": at, "settles_at": at,
        "type": type_.value, "name": name, "value": 49.0 if bought else None, "currency": "EUR" if bought else None,
        "evidence": Evidence.HUMAN.value, "reason": reason,
    }  # fmt: skip

"""A list of which the truth is known: who sleeps for good, who would come back, who would leave or complain. And a cleanup lived through it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select, update

from nurture.definitions.loading import load_text
from nurture.domain.standing import FlagBit, Mark, pack_entries, unpack_entries
from nurture.domain.tokens import TokenKey
from nurture.domain.words import EventType, Evidence
from nurture.services.cleaning import Sheet, begin, result
from nurture.services.defining import apply
from nurture.services.leaving import leave
from nurture.shipped import shipped
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.settling import House, start_life
from nurture.store.bounces import Bounce, note_bounces
from nurture.store.chronicle import Taken
from nurture.store.database import Database
from nurture.store.events import add_events
from nurture.store.inbound import Whose, note_complaint
from nurture.store.ledger import pieces
from nurture.store.subscribers import add
from nurture.store.tables import CleanupMember, Standing
from nurture.store.workspace import ensure_workspace
from tests.support.cleaning import asleep

START = datetime(2026, 3, 2, 0, tzinfo=UTC)  # a Monday
LONG_AGO = START - timedelta(days=900)
ZONES = ("America/Los_Angeles", "America/New_York", "Europe/London", "Europe/Berlin", "Europe/Moscow", "Asia/Kolkata", "Asia/Tokyo", "Pacific/Auckland")
OFFER = """
  - id: day-{n}
    kind: sales
    subject: "Offer {n}"
    call_to_action: https://example.com/{n}
    body: Hello {{{{ first_name | default('there') }}}}.
"""
TEXT = """
policy: default
sender: {name: Anna, address: anna@example.com}
postal_address: 1 Main Street, Town
timezone: Europe/Berlin
---
cleanup: spring
silent: archive
closing: {id: closing, kind: about, subject: We close your subscription, body: Hello.}
offers:
"""


@dataclass
class Truth:
    """Fates by person: `returns` after so many offers, `leaves`, `complains`, `bounces`; all others sleep. Stands where people's reactions
    do in a simulation.
    """

    fates: dict[int, tuple[str, int]]
    letters: Counter[int] = field(default_factory=Counter)
    heard: list[Taken] = field(default_factory=list)
    waiting: list[tuple[datetime, int, Taken]] = field(default_factory=list)
    complained: int = 0

    def hear(self, letters: Iterable[Taken]) -> None:
        for letter in letters:
            self.heard.append(letter)
            person = letter.subscriber_id
            self.letters[person] += letter.letter.startswith("spring/day-")
            fate, offers = self.fates.get(person, ("sleeps", 0))
            if fate != "sleeps" and self.letters[person] == offers and letter.letter.startswith("spring/day-"):
                after = Random(f"{person} {letter.letter}").uniform(0.5, 20.0)
                self.waiting.append((letter.at + timedelta(hours=after), person, letter))
        self.waiting.sort(key=lambda w: w[:2], reverse=True)

    def first(self) -> datetime | None:
        return self.waiting[-1][0] if self.waiting else None

    async def hits(self, db: Database, now: datetime) -> None:
        """Everything comes by acts()."""

    async def acts(self, db: Database, now: datetime) -> bool:
        came = False
        while self.waiting and self.waiting[-1][0] <= now:
            at, person, letter = self.waiting.pop()
            came = True
            fate = self.fates[person][0]
            if fate == "leaves":
                await leave(db, person, delivery_id=letter.id, now=at, how="leave-page")
                continue
            async with db.write() as tx:
                if fate == "complains":
                    self.complained += await note_complaint(tx, f"c{person}", Whose(person, letter.email, letter.id), "spam", at)
                elif fate == "bounces":
                    await note_bounces(tx, [Bounce(f"b{person}", letter.id, person, True, "550 5.1.1", at)], at)
                else:
                    await add_events(tx, [clicked(person, letter.id, at)])
        return came


def clicked(person: int, delivery: int | None, at: datetime) -> dict[str, Any]:
    return {
        "uid": f"click:{person}:{at.isoformat()}", "subscriber_id": person, "delivery_id": delivery, "type": EventType.CLICKED.value, "at": at,
        "settles_at": at, "evidence": Evidence.HUMAN.value, "reason": "a person",
    }  # fmt: skip


@dataclass
class Lived:
    """`groups`: who was who at the start, by name; `members`: (person, part, verdict); `heard`: every accepted letter."""

    sheet: Sheet
    groups: dict[str, set[int]]
    truth: Truth
    members: list[tuple[int, str, str | None]]
    heard: list[Taken]


def answering() -> bytes:
    """Six letters, all of them clicked."""
    return pack_entries(tuple(e._replace(marks=Mark.CLICKED) for e in unpack_entries(asleep(START)["recent"])))


async def people_of(db: Database, number: int, rng: Random) -> dict[str, set[int]]:
    """80 % passive, of whom a fifth ripen and some have a reason to be left alone; 17 % active, 3 % fans."""
    kinds = rng.choices(("passive", "active", "fan"), weights=(80, 17, 3), k=number)
    reasons = [rng.choices(("", "ripening", "customer", "refuser", "useful", "paused"), weights=(74, 20, 2, 2, 1, 1))[0] if k == "passive" else "" for k in kinds]
    rows = [
        {
            "email": f"p{n}@example.com", "first_name": "Ann", "timezone": ZONES[n % len(ZONES)], "joined_at": LONG_AGO, "status_at": LONG_AGO, "changed_at": LONG_AGO,
            "tags": ("customer",) if reasons[n] == "customer" else (), "kinds": "useful" if reasons[n] == "useful" else "all",
            "paused_until": START + timedelta(days=90) if reasons[n] == "paused" else None, "fields": {}, "topics": {},
        }
        for n in range(number)
    ]  # fmt: skip
    async with db.write() as tx:
        ids = await add(tx, rows)
    groups: dict[str, set[int]] = {}
    for person, kind, reason in zip(ids, kinds, reasons, strict=True):
        groups.setdefault(reason or kind, set()).add(person)
    marks: dict[str, dict[str, Any]] = {
        "passive": {}, "ripening": {"flags": int(FlagBit.RIPENING), "last_sign_at": START - timedelta(days=100)}, "customer": {"customer": True},
        "refuser": {"temperature": "refuser", "refused_at": START - timedelta(days=10)}, "useful": {}, "paused": {},
        "active": {"engagement": "active"}, "fan": {"engagement": "fan", "recent": answering()},
    }  # fmt: skip
    async with db.write() as tx:
        for name, people in groups.items():
            for piece in pieces(sorted(people)):
                await tx.execute(update(Standing).where(Standing.subscriber_id.in_(piece)).values(asleep(START) | marks[name]))
        awake = sorted(groups["active"] | groups["fan"])
        await add_events(tx, [clicked(person, None, START - timedelta(days=2)) for person in awake])
    return groups


async def live_through(db: Database, number: int, *, complains: float, weeks: int, seed: int = 7, returns: float = 0.04) -> Lived:
    """The whole cleanup, or what there is of it after so many weeks."""
    rng, clock = Random(seed), Clock(START)
    async with db.write() as tx:
        await ensure_workspace(tx, START, b"installation-id!")
    loaded = load_text(TEXT + "".join(OFFER.format(n=n) for n in range(1, 4)))
    assert not loaded.errors, loaded.errors
    await apply(db, loaded.documents, START, templates=shipped("templates"))
    groups = await people_of(db, number, rng)
    fates = {}
    for person in sorted(groups["passive"]):
        draw = rng.random()
        if draw < complains:
            fates[person] = ("complains", 1)
        elif draw < complains + returns:
            fates[person] = ("returns", rng.randint(1, 3))
        elif draw < complains + returns + 0.05:
            fates[person] = ("leaves", rng.randint(1, 3))
        elif draw < complains + returns + 0.052:
            fates[person] = ("bounces", 1)
    truth = Truth(fates)
    await begin(db, "spring", START)
    life = await start_life(db, Sink(clock), truth, House("https://letters.example.com", (TokenKey.derive("truth"),)))  # type: ignore[arg-type]
    life.cleaning = True
    await life.begin()
    for week in range(1, weeks + 1):
        await life.week(START + timedelta(weeks=week))
    async with db.read() as tx:
        query = select(CleanupMember.subscriber_id, CleanupMember.part, CleanupMember.verdict)
        members = [(person, part, verdict) for person, part, verdict in await tx.execute(query)]
    return Lived(await result(db, "spring", clock.now), groups, truth, members, truth.heard)

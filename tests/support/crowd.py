"""A small crowd with every kind of value, standing, event, delivery and enrolment, in the database and as plain Python for an oracle."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from nurture.domain.standing import FlagBit
from nurture.domain.words import Engagement, EventType, Evidence, Frequency, Kind, State, Status, Temperature
from nurture.store.database import Database
from nurture.store.tables import Delivery, Document, Enrolment, Event, Lane, Letter, Standing, Subscriber
from tests.support.people import NOW, add_people

LETTERS = ("roof/one", "roof/two", "sale/one")
KINDS = (Kind.USEFUL, Kind.NEWS, Kind.SALES)
SEQUENCES = ("roofing", "welcome")
FIELD_VALUES = {
    "visits": [3, 4.5, "3", "10", -2, "-2", "3.0", True, None, "", "many", [3], 10**30],
    "vip": [True, False, "true", "false", "yes", 1, None],
    "interests": [["roofs", "walls"], [], "roofs", "Roofs and walls", {"a": 1}, [1, 2], None],
    "birthday": ["1980-03-02", "1984-02-29", "03-05", "--12-31", "2001-01-01T10:00:00", "1999-02-28", "soon", 19800302, ""],
    "город": ["Москва", "Томск", "москва", ""],
    'odd "key".x': ["a", "b"],
    "2nd": ["z", "Z"],
}


@dataclass
class Person:
    id: int
    email: str
    columns: dict[str, Any]
    tags: tuple[str, ...]
    engagement: str
    temperature: str
    flags: FlagBit
    events: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)


async def make_crowd(db: Database, size: int = 30, now: datetime = NOW) -> list[Person]:
    """The same people every time."""
    chance = random.Random(5)
    await _lay_ground(db, now)
    crowd = [await _person(db, chance, n, now) for n in range(size)]
    async with db.write() as tx:
        for person in crowd:
            for number in range(chance.randint(0, 4)):
                await _letter(tx, chance, person, number, now)
            for sequence in chance.sample(SEQUENCES, chance.randint(0, 2)):
                state = chance.choice(["active", "active", "done", "exited"])
                row = {"sequence_id": SEQUENCES.index(sequence) + 1, "subscriber_id": person.id, "enrolled_at": now, "state": state}
                await tx.execute(insert(Enrolment).values({"history": []} | row))
                person.sequences += [sequence] if state == "active" else []
    return crowd


async def _lay_ground(db: Database, now: datetime) -> None:
    stamp: dict[str, Any] = {"state": "draft", "version": 1, "created_at": now, "changed_at": now}
    letters = [{"id": "one", "kind": "useful", "size": "short", "subject": "S", "body": "B"}]
    async with db.write() as tx:
        for number, name in enumerate(SEQUENCES, 1):
            await tx.execute(
                insert(Document).values(id=number, type="sequence", name=name, content={"sequence": name, "letters": letters}, **stamp)
            )
        await tx.execute(
            insert(Document).values(
                id=9, type="segment", name=SEQUENCES[0], content={"segment": SEQUENCES[0], "where": {"tag": "x"}}, **stamp
            )
        )
        for number, (name, kind) in enumerate(zip(LETTERS, KINDS, strict=True), 1):
            await tx.execute(insert(Letter).values(id=number, name=name, kind=kind.value))
        await tx.execute(insert(Lane).values(id=1, name="sequence:roof"))


async def _person(db: Database, chance: random.Random, number: int, now: datetime) -> Person:
    fields = {k: chance.choice(v) for k, v in FIELD_VALUES.items() if chance.random() < 0.8}
    topics = {t: chance.choice([True, False]) for t in ("roofs", "walls") if chance.random() < 0.6}
    columns = {
        "status": chance.choice(list(Status)).value, "source": chance.choice(["", "fair", "import"]), "fields": fields, "topics": topics,
        "country": chance.choice([None, "DE", "de", "PL"]), "timezone": chance.choice([None, "Europe/Berlin", "Asia/Tokyo"]),
        "frequency": chance.choice(list(Frequency)).value, "first_name": chance.choice(["", "Anna", "Zoë", "élan", "anna"]),
        "joined_at": now - timedelta(days=chance.choice([0, 1, 30, 31, 200, 365])),
        "paused_until": chance.choice([None, now + timedelta(days=3)]),
    }  # fmt: skip
    tags = tuple(chance.sample(["roof", "wall", "customer"], chance.randint(0, 3)))
    email = f"p{number}@example.com"
    (person_id,) = await add_people(db, email, now=now, tags=tags, **columns)
    person = Person(
        person_id, email, columns, tags, chance.choice(list(Engagement)).value, chance.choice(list(Temperature)).value, FlagBit(chance.randint(0, 7))
    )  # fmt: skip
    values = {"engagement": person.engagement, "temperature": person.temperature, "flags": int(person.flags)}
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id == person_id).values(values))
        await tx.execute(update(Subscriber).where(Subscriber.id == person_id).values(email=email))
    return person


async def _letter(tx: Any, chance: random.Random, person: Person, number: int, now: datetime) -> None:
    which = chance.randint(0, 2)
    state = chance.choice([State.ACCEPTED, State.ACCEPTED, State.REJECTED, State.HELD])
    at = now - timedelta(days=chance.choice([1, 20, 100]))
    delivery_id = person.id * 100 + number
    row = {
        "id": delivery_id, "letter_id": which + 1, "subscriber_id": person.id, "occasion": str(number), "version_id": 1, "lane_id": 1,
        "kind": KINDS[which].value, "message_id": f"m{delivery_id}", "state": state.value, "due_at": at, "created_at": at,
        "accepted_at": at if state is State.ACCEPTED else None, "ended_at": at,
    }  # fmt: skip
    defaults = {k: v for k, v in Delivery(**row).model_dump().items() if v is not None}
    await tx.execute(insert(Delivery).values(defaults))
    person.deliveries.append({"letter": LETTERS[which], "state": state, "at": at})
    for event in range(chance.randint(0, 3)):
        seen = {
            "uid": f"{delivery_id}-{event}", "subscriber_id": person.id, "delivery_id": chance.choice([delivery_id, delivery_id, None]),
            "type": chance.choice([EventType.CLICKED, EventType.OPENED, EventType.REPLIED, EventType.CONVERTED]).value,
            "at": now - timedelta(days=chance.choice([0, 5, 50])), "settles_at": now, "evidence": chance.choice(list(Evidence)).value,
            "url": chance.choice([None, "https://example.com/a", "https://example.com/a?x=1", "https://example.com/ab"]),
            "name": chance.choice([None, "purchase", "lead"]),
        }  # fmt: skip
        await tx.execute(insert(Event).values(reason="", rule_version=1, folded=0, **seen))
        with_letter = {"letter": LETTERS[which], "kind": KINDS[which]} if seen["delivery_id"] else {"letter": None, "kind": None}
        person.events.append(seen | with_letter)

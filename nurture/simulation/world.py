"""A whole world for a moment: an in-memory database, invented people, a virtual clock, and the services of production."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from nurture.definitions.faults import Position
from nurture.definitions.loading import Placed
from nurture.domain.documents import Campaign, Cleanup, Policy, Sender
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.drawing import Folder
from nurture.domain.errors import NurtureError
from nurture.domain.letters import Letter
from nurture.domain.rules import Rule
from nurture.domain.tokens import TokenKey
from nurture.domain.words import Engagement
from nurture.services import campaigning, cleaning
from nurture.services.campaigning.drawing import read_folder
from nurture.services.defining import apply
from nurture.services.enrolling import enrol
from nurture.shipped import shipped
from nurture.simulation.census import departures, load_by_hour, take_census
from nurture.simulation.checker import Violation, check
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.life import WEEK, Life
from nurture.simulation.past import give_past
from nurture.simulation.people import Person, invent
from nurture.simulation.returns import Returns
from nurture.simulation.settling import House, settle_people, souls, start_life
from nurture.store.chronicle import Taken, decisions
from nurture.store.classes import count_classes
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.workspace import ensure_workspace

SENDER = Sender.model_validate({"name": "Anna", "address": "anna@example.com", "reply_to": "anna@example.com"})
POSTAL_ADDRESS = "Example Street 1, 10115 Berlin, Germany"
GONE = 0.004  # of all addresses: the mailbox is no longer there when the first letter comes
Look = Callable[[Database], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Simulated:
    """`deliveries`, `held`, `composition`, `left`, `load` and `people` as `simulate --json` prints them.

    `documents` are those in force, as JSON, for the checker; `count`: how many people were invented; `notes`: what could not be simulated.
    """

    deliveries: list[dict[str, Any]]
    held: list[dict[str, Any]]
    composition: list[dict[str, Any]]
    left: list[dict[str, Any]]
    load: list[dict[str, Any]]
    people: list[dict[str, Any]]
    notes: list[str]
    documents: list[dict[str, Any]]
    start: datetime
    weeks: int
    count: int
    seed: int

    def violations(self) -> list[Violation]:
        """What the independent checker holds against it."""
        end = self.start + self.weeks * WEEK
        return check(self.deliveries, self.documents, start=self.start, end=end, people=self.people, left=self.left, held=self.held)


async def simulate(
    placed: Sequence[Placed], *, weeks: int, people: int, seed: int, start: datetime, stay: bool = False, look: Look | None = None,
    columns: Mapping[str, Any] | None = None, progress: Callable[[int, int], None] | None = None,
) -> Simulated:  # fmt: skip
    """Live through `weeks` from `start` (aware UTC) with `people` invented ones, all enrolled at the start in every sequence.

    Same arguments, same result. With `stay` nobody leaves, bounces, moves or asks for less, so that everybody's letters are seen to the
    end. `columns` hold for everybody (`{"kinds": "useful"}`). `look(database)` is asked before the world ends, `progress(week, weeks)`
    after each week.
    """
    documents = in_force(placed)
    db = connect("sqlite://")
    try:
        await _lay(db, documents, start, seed)
        invented = invent(people, [p.document for p in documents], start, Random(f"people {seed}"))
        if columns:
            invented = [replace(p, columns={**p.columns, **columns}) for p in invented]
        ids = await settle_people(db, invented, start)
        cleans = any(isinstance(p.document, Cleanup) for p in documents)
        if cleans:
            await give_past(db, invented, ids, start)
        notes = await _set_going(db, documents, list(ids.values()), start)
        deliveries: list[dict[str, Any]] = []
        told = deliveries.extend
        returns = Returns(souls(invented, ids, start), seed, leaving=not stay)
        house = House("https://letters.example.com", (TokenKey.derive(f"simulation {seed}"),))
        sink = Sink(Clock(start), () if stay else _gone(invented, seed))
        life = await start_life(db, sink, returns, house, lambda letters: told(map(_delivery, letters)))
        if not stay:
            life.coming = sorted((m for p in invented for m in p.moves), key=lambda m: (m.at, m.email), reverse=True)
        life.cleaning = cleans
        await life.begin()
        composition = [await _week(life, start, week, weeks, progress) for week in range(1, weeks + 1)]
        if look:
            await look(db)
        deliveries.sort(key=lambda d: (d["at"], d["email"], d["letter"]))
        census = await take_census(db, invented, returns.deeds, life.moved)
        left, load = await departures(db), load_by_hour(deliveries)
        return Simulated(
            deliveries, await _held(db), composition, left, load, census, notes, as_json(documents), start, weeks, people, seed
        )
    finally:
        await db.close()


def in_force(placed: Sequence[Placed]) -> list[Placed]:
    """The documents as they are simulated: drafts count as live, and a policy with a sender is always there."""
    found = [_live(p) for p in placed]
    if not any(isinstance(p.document, Policy) for p in found):
        found.append(Placed(Policy(), "<default>", 1, {(): Position(1, 1, 1, 1)}))
    return found


def _live(placed: Placed) -> Placed:
    document = placed.document
    if isinstance(document, SequenceDocument | Rule):
        document = document.model_copy(update={"state": "live"})
    return Placed(document, placed.file, placed.line, placed.positions)


def as_json(placed: Sequence[Placed]) -> list[dict[str, Any]]:
    """The documents as plain data, for the checker."""
    return [p.document.model_dump(mode="json", by_alias=True, exclude_none=True) | _drawn(p.document) for p in placed]


def _drawn(document: object) -> dict[str, Any]:
    """The letters of a campaign's folder, which its document only names."""
    if not isinstance(document, Campaign) or not isinstance(document.drawn, Folder):
        return {}
    letters = [letter for _, _, letter in read_folder(shipped("templates"), document.drawn) if isinstance(letter, Letter)]
    return {"drawn": [letter.model_dump(mode="json", by_alias=True, exclude_none=True) for letter in letters]}


async def _lay(db: Database, documents: Sequence[Placed], start: datetime, seed: int) -> None:
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, start, hashlib.blake2b(str(seed).encode(), digest_size=16).digest())
    await apply(db, [_with_sender(p) for p in documents], start, templates=shipped("templates"))


def _with_sender(placed: Placed) -> Placed:
    policy = placed.document
    if not isinstance(policy, Policy):
        return placed
    filled = {"sender": policy.sender or SENDER, "postal_address": policy.postal_address or POSTAL_ADDRESS}
    return Placed(policy.model_copy(update=filled), placed.file, placed.line, placed.positions)


def _gone(invented: Sequence[Person], seed: int) -> set[str]:
    return {p.email for p in invented if Random(f"mailbox {seed} {p.email}").random() < GONE}


async def _set_going(db: Database, documents: Sequence[Placed], ids: list[int], start: datetime) -> list[str]:
    """Everybody enters every sequence, every campaign and cleanup is started; returns why one could not be."""
    notes = []
    for placed in documents:
        match placed.document:
            case SequenceDocument(name=name):
                await enrol(db, name, ids, start, "simulation", own_hour=True)
            case Campaign(name=name):
                try:
                    await campaigning.start(db, name, start)
                except NurtureError as error:
                    notes.append(f"{placed.file}:{placed.line}: the campaign {name} is not simulated: {error.message}")
            case Cleanup(name=name):
                try:
                    await cleaning.begin(db, name, start)
                except NurtureError as error:
                    notes.append(f"{placed.file}:{placed.line}: the cleanup {name} is not simulated: {error.message}")
    return notes


async def _week(life: Life, start: datetime, week: int, weeks: int, progress: Callable[[int, int], None] | None) -> dict[str, Any]:
    end = start + week * WEEK
    await life.week(end)
    if progress:
        progress(week, weeks)
    async with life.db.read() as tx:
        counts = await count_classes(tx)
    year, number, _ = (end - timedelta(seconds=1)).isocalendar()
    return {"week": f"{year}-W{number:02}"} | {c.value: counts.get(c.value, 0) for c in Engagement}


def _delivery(letter: Taken) -> dict[str, Any]:
    return {
        "email": letter.email, "timezone": letter.zone, "sequence": letter.sequence, "letter": letter.letter, "kind": letter.kind,
        "size": letter.size, "at": letter.at.astimezone(UTC).isoformat(), "local": letter.at.astimezone(ZoneInfo(letter.zone)).isoformat(),
    }  # fmt: skip


async def _held(db: Database) -> list[dict[str, Any]]:
    """Sales letters that wait for their mix when the time is over."""
    async with db.read() as tx:
        rows = await decisions(tx)
    return [
        {"email": row["email"], "letter": d["letter"], "until": d["until"], "reason": d["reason"]}
        for row in rows
        if (d := row["decision"])["decision"] == "wait" and d["rule"] == "mix"
    ]

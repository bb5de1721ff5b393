"""A whole world for a moment: an in-memory database, invented people, a virtual clock, and the services of production."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from nurture.definitions.faults import Position
from nurture.definitions.loading import Placed
from nurture.domain.documents import Policy, Sender
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.rules import Rule
from nurture.domain.tokens import TokenKey
from nurture.domain.words import Engagement
from nurture.services.defining import apply
from nurture.services.enrolling import enrol
from nurture.shipped import shipped
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.life import WEEK, Life
from nurture.simulation.people import invent
from nurture.simulation.returns import Returns
from nurture.simulation.settling import House, settle_people, souls, start_life
from nurture.store.chronicle import Taken, decisions
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.standings import count_classes
from nurture.store.workspace import ensure_workspace

SENDER = Sender.model_validate({"name": "Anna", "address": "anna@example.com", "reply_to": "anna@example.com"})
POSTAL_ADDRESS = "Example Street 1, 10115 Berlin, Germany"


@dataclass(frozen=True, slots=True)
class Simulated:
    """`deliveries`, `held` and `composition` as `simulate --json` prints them; `documents` are those in force, as JSON, for the checker."""

    deliveries: list[dict[str, Any]]
    held: list[dict[str, Any]]
    composition: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    start: datetime
    weeks: int
    people: int
    seed: int


async def simulate(
    placed: Sequence[Placed], *, weeks: int, people: int, seed: int, start: datetime, progress: Callable[[int, int], None] | None = None
) -> Simulated:
    """Live through `weeks` from `start` (aware UTC) with `people` invented ones, all enrolled at the start in every sequence.

    Same arguments, same result. Nobody leaves, so that everybody's letters can be seen to the end. `progress(week, weeks)` after each week.
    """
    documents = in_force(placed)
    db = connect("sqlite://")
    try:
        await _lay(db, documents, start, seed)
        invented = invent(people, [p.document for p in documents], start, Random(f"people {seed}"))
        ids = await settle_people(db, invented, start)
        await _enrol_all(db, documents, list(ids.values()), start)
        deliveries: list[dict[str, Any]] = []
        told = deliveries.extend
        returns = Returns(souls(invented, ids, start), seed, leaving=False)
        house = House("https://letters.example.com", (TokenKey.derive(f"simulation {seed}"),))
        life = await start_life(db, Sink(Clock(start)), returns, house, lambda letters: told(map(_delivery, letters)))
        await life.begin()
        composition = [await _week(life, start, week, weeks, progress) for week in range(1, weeks + 1)]
        deliveries.sort(key=lambda d: (d["at"], d["email"], d["letter"]))
        return Simulated(deliveries, await _held(db), composition, as_json(documents), start, weeks, people, seed)
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
    return [p.document.model_dump(mode="json", by_alias=True, exclude_none=True) for p in placed]


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


async def _enrol_all(db: Database, documents: Sequence[Placed], ids: list[int], start: datetime) -> None:
    for placed in documents:
        if isinstance(placed.document, SequenceDocument):
            await enrol(db, placed.document.name, ids, start, "simulation", own_hour=True)


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

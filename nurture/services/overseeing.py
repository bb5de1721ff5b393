"""How sending stands: what is halted, paused, slow or at rest, each with its sentence; what waits; what the warm-up leaves of this day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.throttles import sentence
from nurture.domain.warming import WarmUp, day_of
from nurture.store import health
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.lanes import notices
from nurture.store.throttles import load_throttles, parked_counts, used_since
from nurture.store.workers import leases
from nurture.store.workspace import halted_because


@dataclass(frozen=True, slots=True)
class Warming:
    """The warm-up's day: `ceiling` letters, `sent` of them gone; `ends`: the first day without a ceiling."""

    day: date
    ceiling: int
    sent: int
    ends: date

    def sentence(self) -> str:
        left = max(0, self.ceiling - self.sent)
        return f"warm-up: {left:,} of {self.ceiling:,} letters are left for {self.day}; open from {self.ends}"


@dataclass(frozen=True, slots=True)
class Status:
    """`paused`: lane -> why. `throttles`: relay or domain -> its sentence; `parked`: domain -> letters that wait for its turn."""

    at: datetime
    halted: str | None
    workers: int
    open: dict[str, int]
    paused: dict[str, str]
    throttles: dict[str, str]
    parked: dict[str, int]
    warm_up: Warming | None

    def troubles(self) -> list[str]:
        """What keeps letters back, the gravest first."""
        told = [f"halted: {self.halted}"] if self.halted else []
        told += [f"{lane}: {why}" for lane, why in self.paused.items()]
        told += self.throttles.values()
        told += [f"{count:,} letters wait for the turn of {domain}" for domain, count in self.parked.items()]
        if self.warm_up:
            told.append(self.warm_up.sentence())
        return told

    def words(self) -> list[str]:
        """One line at least."""
        return self.troubles() or ["Nothing keeps letters back."]

    def to_json(self) -> dict[str, Any]:
        warm = self.warm_up
        return {
            "at": self.at.isoformat(), "halted": self.halted, "workers": self.workers, "open": self.open, "paused": self.paused,
            "throttles": self.throttles, "parked": self.parked,
            "warm_up": warm and {"day": str(warm.day), "ceiling": warm.ceiling, "sent": warm.sent, "ends": str(warm.ends)},
            "words": self.words(),
        }  # fmt: skip


async def oversee(db: Database, now: datetime, warm_up: WarmUp | None = None) -> Status:
    """Nothing here writes; every question goes by an index."""
    async with db.read() as tx:
        return await _status(tx, now, warm_up, len(await leases(tx)), (await health.waiting(tx)).open)


async def troubles(db: Database, now: datetime, warm_up: WarmUp | None = None) -> list[str]:
    """Only what keeps letters back, for a page that counts nothing."""
    async with db.read() as tx:
        return (await _status(tx, now, warm_up, 0, {})).troubles()


async def _status(tx: Connection, now: datetime, warm_up: WarmUp | None, workers: int, waiting: dict[str, int]) -> Status:
    stored = await load_throttles(tx)
    names = {row.id: row.name.partition(":")[2] for row in stored}
    said = {row.name.partition(":")[2]: sentence(row.name, row.state, now) for row in stored}
    return Status(
        now, await halted_because(tx), workers, waiting, await notices(tx), {name: words for name, words in said.items() if words},
        {names[i]: count for i, count in (await parked_counts(tx)).items() if i in names}, await _warming(tx, now, warm_up),
    )  # fmt: skip


async def _warming(tx: Connection, now: datetime, warm_up: WarmUp | None) -> Warming | None:
    if warm_up is None:
        return None
    day, began = day_of(now, ZoneInfo((await load_policy(tx)).timezone))
    ceiling = warm_up.ceiling(day)
    return None if ceiling is None else Warming(day, ceiling, await used_since(tx, began), warm_up.ends())

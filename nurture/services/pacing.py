"""People under the floor of their sequences and of the policy's pace, with why; and what the library still holds for those who are owed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from nurture.domain.pace_report import Floor, Library, Named, PaceReport, last_complete
from nurture.domain.pacing import pace_on
from nurture.store import floors as counts
from nurture.store.database import Connection, Database
from nurture.store.owed import count_owed
from nurture.store.programme import Programme, load_programme, repayment

NAMES = 20
UNITS: tuple[Literal["week", "month"], ...] = ("week", "month")


async def pace(db: Database, now: datetime, names: int = NAMES) -> PaceReport:
    """As of `now`, over the last week and month that are over everywhere; `names`: how many people of each floor are named."""
    async with db.read() as tx:
        programme = await load_programme(db, tx)
        floors = [floor for per in UNITS for floor in await _sequences(tx, programme, per, now, names)]
        policy = await _policy(tx, programme, now, names)
        return PaceReport(now, tuple(floors + policy), await library(tx, programme))


async def _sequences(tx: Connection, programme: Programme, per: Literal["week", "month"], now: datetime, names: int) -> list[Floor]:
    running = {key: s for key, (s, runs) in programme.sequences.items() if runs and s.cadence is not None and s.cadence.per == per}
    promised = {key: s.cadence.count for key, s in running.items() if s.cadence is not None}
    if not running:
        return []
    first, last = last_complete(per, now)
    rows = await counts.count_in_sequences(tx, list(running), first, last)
    people = _people(rows)
    under = [r for r in rows if r.letters < promised[r.source]]
    named = await counts.names_in_sequences(tx, promised, first, last, names) if under else []
    return [
        Floor(
            f"sequence:{s.name}", s.title or s.name, str(s.cadence), first, last, people[key],
            _reasons(r for r in under if r.source == key), _named(r for r in named if r.source == key),
        )
        for key, s in sorted(running.items(), key=lambda item: item[1].name)
    ]  # fmt: skip


async def _policy(tx: Connection, programme: Programme, now: datetime, names: int) -> list[Floor]:
    """The policy's floor, by what held on the first day of the stretch; a season may have begun since."""
    found = []
    stopped = [key for key, (_, runs) in programme.sequences.items() if not runs]
    for per in UNITS:
        first, last = last_complete(per, now)
        floor = pace_on(programme.policy.pace, first)[0]
        if floor is None or floor.per != per:
            continue
        people, rows = await counts.count_everywhere(tx, floor.count, stopped, first, last)
        named = await counts.names_everywhere(tx, floor.count, stopped, first, last, names) if rows else []
        found.append(Floor("policy", "Everything together", str(floor), first, last, people, _reasons(rows), _named(named)))
    return found


def _people(rows: Iterable[counts.UnderRow]) -> Counter[int]:
    people: Counter[int] = Counter()
    for row in rows:
        people[row.source] += row.people
    return people


def _reasons(rows: Iterable[counts.UnderRow]) -> Mapping[str, int]:
    """The most frequent first."""
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons[row.reason] += row.people
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def _named(rows: Iterable[counts.NameRow]) -> tuple[Named, ...]:
    return tuple(Named(r.subscriber_id, r.email, r.letters, r.reason) for r in rows)


async def library(tx: Connection, programme: Programme) -> Library:
    """How much of the library is left to those who are owed. Topics they left and conditions are not looked at: the planner does."""
    repaying, shelf = repayment(programme)
    left: Counter[int] = Counter()
    waiting = dry = 0
    for waits, had, people in await count_owed(tx, repaying, shelf) if repaying else []:
        left[max(len(shelf) - had, 0)] += people
        waiting += people if waits else 0
        dry += people if waits and had >= len(shelf) else 0
    return Library(len(shelf), dict(left), waiting, dry)



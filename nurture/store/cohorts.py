"""A chunk of people as the planner sees them, fetched in a handful of statements however many they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.delivery import letter_name
from nurture.domain.documents import Campaign, Sequence
from nurture.domain.mixes import Promise
from nurture.domain.plans import OpenRow, Past, Person, Shelf, Way
from nurture.domain.standing import Mark, Standing
from nurture.domain.words import Frequency, Kind, Kinds, Status
from nurture.store.conditions import matching
from nurture.store.enrolments import EnrolmentRow, active_of, conversions_since, had_letters
from nurture.store.ledger import deliveries, pieces, subscribers
from nurture.store.outbox import open_rows
from nurture.store.programme import Programme
from nurture.store.standings import load_standings

_p, _d = subscribers.c, deliveries.c
_READ = (_p.id, _p.timezone, _p.status, _p.kinds, _p.frequency, _p.topics, _p.paused_until, _p.fields)


@dataclass(frozen=True, slots=True)
class Member:
    """One person with their ways, the library as it stands for them, and their open row."""

    person: Person
    ways: tuple[Way, ...]
    shelf: Shelf
    row: OpenRow | None


@dataclass(frozen=True, slots=True)
class Cohort:
    """`members`: subscribed people with at least one way. `rows`: their enrolments as stored, by id."""

    members: tuple[Member, ...]
    rows: Mapping[int, EnrolmentRow]


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)


async def load_cohort(tx: AsyncConnection, programme: Programme, ids: Iterable[int], now: datetime) -> Cohort:
    """Open rows are read before standings are, so that nothing accepted meanwhile is missed."""
    wanted = sorted(set(ids))
    rows = await open_rows(tx, wanted)
    standings = await load_standings(tx, wanted)
    enrolments = await active_of(tx, wanted)
    people = await _people(tx, [i for i in wanted if i in enrolments])
    holds = await _holding(tx, programme, list(people), now)
    had = await had_letters(tx, people, [programme.letters[key].id for key, _, _ in programme.shelf if key in programme.letters])
    exits = await conversions_since(tx, people, sorted({n for s, _ in programme.sequences.values() for n in s.exit_on}))
    names = {letter.id: name for name, letter in programme.letters.items()}
    doubts = await _doubts(tx, standings, names)
    members = []
    for person_id, row in people.items():
        ways = tuple(
            _way(e, programme, exits.get(person_id, []))
            for e in enrolments[person_id]
            if _runs(programme, e)
        )
        if not ways or row["status"] != Status.SUBSCRIBED.value:
            continue
        shelf = Shelf(
            programme.shelf,
            frozenset(k for k, who in holds.items() if person_id in who),
            frozenset(names[i] for i in had.get(person_id, ())),
        )
        open_row = rows.get(person_id)
        found = None
        if open_row:
            found = OpenRow(
                open_row.id,
                names[open_row.letter_id],
                open_row.occasion,
                open_row.state,
                open_row.due_at,
                open_row.closes_at,
                open_row.enrolment_id,
            )
        standing = standings.get(person_id) or Standing(person_id)
        bound = _still_bound(enrolments[person_id], programme)
        members.append(Member(_person(row, standing, programme, bound, doubts.get(person_id, {})), ways, shelf, found))
    return Cohort(tuple(members), {e.id: e for found in enrolments.values() for e in found})


async def _people(tx: AsyncConnection, ids: list[int]) -> dict[int, RowMapping]:
    found: dict[int, RowMapping] = {}
    for piece in pieces(ids):
        found.update((row["id"], row) for row in (await tx.execute(select(*_READ).where(_p.id.in_(piece)))).mappings())
    return found


async def _holding(tx: AsyncConnection, programme: Programme, ids: list[int], now: datetime) -> dict[str, frozenset[int]]:
    """For every letter with `only_if`: who of these people it holds for now."""
    asked: dict[str, Any] = {key: letter.only_if for key, letter, _ in programme.shelf if letter.only_if is not None}
    sources: list[tuple[Sequence | Campaign, bool]] = [*programme.sequences.values(), *programme.campaigns.values()]
    for source, live in sources:
        if live:
            asked |= {letter_name(source.name, x.id): x.only_if for x in source.letters if x.only_if is not None}
    zone = programme.policy.timezone
    return {key: frozenset(await matching(tx, condition, now, ids, zone)) for key, condition in asked.items()}


def _runs(programme: Programme, row: EnrolmentRow) -> bool:
    found = programme.source(row.sequence_id)
    return found is not None and found[1] and (isinstance(found[0], Sequence) or (row.sequence_id, row.number) in programme.occasions)


def _still_bound(enrolments: Iterable[EnrolmentRow], programme: Programme) -> tuple[Promise, ...]:
    """The promises of ways that stand still: a person is in a sequence from enrolment to done or exit."""
    still = [found[0] for e in enrolments if (found := programme.sequences.get(e.sequence_id)) and not found[1]]
    return tuple(p for sequence in still for p in sequence.promises)


async def _doubts(tx: AsyncConnection, standings: Mapping[int, Standing], names: Mapping[int, str]) -> dict[int, dict[str, int]]:
    """Letters that may have arrived and may be taken back: by person, their names and deliveries."""
    wanted = [e.delivery for s in standings.values() for e in s.recent if e.marks & Mark.UNCERTAIN]
    found: dict[int, dict[str, int]] = {}
    for piece in pieces(wanted):
        query = select(_d.id, _d.subscriber_id, _d.letter_id).where(_d.id.in_(piece), _d.state.in_(("cancelled", "pending", "deferred")))
        for row in await tx.execute(query):
            found.setdefault(row.subscriber_id, {})[names[row.letter_id]] = row.id
    return found


def _person(
    row: RowMapping, standing: Standing, programme: Programme, bound: tuple[Promise, ...], doubts: Mapping[str, int]
) -> Person:
    return Person(
        subscriber_id=row["id"],
        zone=zone_of(row["timezone"] or programme.policy.timezone),
        entries=standing.recent,
        useful_since_sales=standing.useful_since_sales,
        others_since_sales=standing.others_since_sales,
        kinds=Kinds(row["kinds"]),
        frequency=Frequency(row["frequency"]),
        declined_topics=frozenset(topic for topic, wanted in (row["topics"] or {}).items() if wanted is False),
        paused_until=row["paused_until"],
        fields=row["fields"] or {},
        bound=bound,
        doubts=doubts,
    )


def _way(row: EnrolmentRow, programme: Programme, conversions: list[tuple[str, datetime]]) -> Way:
    found = programme.source(row.sequence_id)
    assert found is not None  # noqa: S101 - the caller has asked whether it runs
    exit_on = found[0].exit_on if isinstance(found[0], Sequence) else ()
    exited = next((name for name, at in conversions if name in exit_on and at >= row.enrolled_at), None)
    return Way(
        enrolment_id=row.id,
        source=found[0],
        number=row.number,
        enrolled_at=row.enrolled_at,
        now_until=row.now_until,
        history=tuple(_past(entry) for entry in row.history),
        stale_since=row.stale_since,
        exit=exited,
        occasion=programme.occasions.get((row.sequence_id, row.number)),
    )


def _past(entry: Mapping[str, Any]) -> Past:
    at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    return Past(entry["letter"], Kind(entry["kind"]), entry["outcome"], date.fromisoformat(entry["day"]), at)

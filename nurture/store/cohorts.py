"""A chunk of people as the planner sees them, fetched in a handful of statements however many they are."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Select, Text, cast, null, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.cleanup.courses import Course
from nurture.domain.delivery import HORIZON, letter_name
from nurture.domain.documents import Campaign, Sequence
from nurture.domain.mixes import Promise
from nurture.domain.pacing import reach
from nurture.domain.plans import OpenRow, Past, Person, Shelf, Way
from nurture.domain.rhythm import Pulls, rhythm_of
from nurture.domain.standing import Mark, has_mark, unpack_entries
from nurture.domain.words import Frequency, Kind, Kinds
from nurture.store.conditions import matching
from nurture.store.dialect_batch import moment
from nurture.store.dialect_bulk import rows_of
from nurture.store.enrolments import conversions_since, enrolments, had_letters
from nurture.store.ledger import deliveries, pieces, subscribers
from nurture.store.outbox import OpenRow as OpenRecord
from nurture.store.outbox import open_rows
from nurture.store.programme import Programme
from nurture.store.rhythms import load_pulls
from nurture.store.standings import standings

_p, _d, _e, _s = subscribers.c, deliveries.c, enrolments.c, standings.c
_KINDS = {word.value: word for word in Kinds}
_FREQUENCIES = {word.value: word for word in Frequency}
_LETTER_KINDS = {word.value: word for word in Kind}
_NONE: frozenset[str] = frozenset()


class _Row(NamedTuple):
    """One way with its person, as the driver gives it; `id` None: a person without any."""

    subscriber_id: int
    recent: bytes
    acts: bytes | None
    useful_since_sales: int
    others_since_sales: int
    timezone: str | None
    kinds: str
    frequency: str
    paused_until: str | datetime | None
    cleanup_lane: int | None
    topics: str
    fields: str | None
    id: int
    sequence_id: int
    number: int
    version: int | None
    enrolled_at: str | datetime
    now_until: str | datetime | None
    stale_since: str | datetime | None
    history: str
    decision: str | None


_OF_PERSON = _Row._fields.index("id")


@lru_cache(maxsize=4)
def _members(*, everybody: bool, fields: bool) -> Select[Any]:
    """Subscribed people with their ways under way, by person; `fields` only where they are asked for: they may be long."""
    of_person = {**dict(_p), **dict(_s)}
    columns = [of_person[name] if name in _Row._fields[:_OF_PERSON] else _e[name] for name in _Row._fields]
    packed = (cast(c, Text).label(c.name) if isinstance(c.type, JSON) else c for c in columns)
    asked = (null().label("fields") if c.name == "fields" and not fields else c for c in packed)
    query = select(*asked).join_from(standings, subscribers, _p.id == _s.subscriber_id)
    under_way = (_e.subscriber_id == _s.subscriber_id) & text("enrolments.state = 'active'")
    joined = query.outerjoin(enrolments, under_way) if everybody else query.join(enrolments, under_way)
    return joined.where(text("subscribers.status = 'subscribed'")).order_by(_s.subscriber_id, _e.id)


class Member(NamedTuple):
    """One person with their ways, the library as it stands for them, and their open row."""

    person: Person
    ways: tuple[Way, ...]
    shelf: Shelf
    row: OpenRow | None


class WayRow(NamedTuple):
    """An enrolment as it is stored: `history` as in the table's description, `decision` still packed."""

    history: list[dict[str, Any]]
    decision: str | None


@dataclass(frozen=True, slots=True)
class Cohort:
    """`members`: subscribed people with at least one way. `rows`: their enrolments as stored, by id."""

    members: tuple[Member, ...]
    rows: Mapping[int, WayRow]


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)


async def load_cohort(
    tx: AsyncConnection, programme: Programme, ids: Iterable[int], now: datetime, *, everybody: bool = False
) -> Cohort:
    """Open rows are read before standings are, so that nothing accepted meanwhile is missed. `everybody`: those without a way too."""
    wanted = sorted(set(ids))
    names = {letter.id: name for name, letter in programme.letters.items()}
    rows = await open_rows(tx, wanted)
    query = _members(everybody=everybody, fields=programme.asks_fields)
    found = [_Row._make(row) for piece in pieces(wanted) for row in await rows_of(tx, query, _s.subscriber_id, piece)]
    people = sorted({row.subscriber_id for row in found})
    holds = await _holding(tx, programme, people, now)
    older = await _pinned_holding(tx, programme, found, now) if programme.pinned else {}
    had = await had_letters(tx, people, [programme.letters[key].id for key, _, _ in programme.shelf if key in programme.letters])
    courses = [*(sequence for sequence, _ in programme.sequences.values()), *programme.pinned.values()]
    exits = await conversions_since(tx, people, sorted({n for s in courses for n in s.exit_on}))
    doubts = await _doubts(tx, found, names)
    coming = await _coming(tx, programme, people, now, everything=everybody)
    pulls = await load_pulls(tx) if programme.policy.best_hour else None
    since, shelf = now - reach(programme.policy.gap, programme.policy.pace), Shelf(programme.shelf)
    sources = programme.running()
    members: list[Member] = []
    stored: dict[int, WayRow] = {}
    for person_id, group in groupby(found, key=itemgetter(0)):
        own = list(group)
        first = own[0]
        ways = []
        for row in own if first.id is not None else ():
            history = json.loads(row.history) if row.history != "[]" else []
            kept = stored[row.id] = WayRow(history, None if row.decision == "null" else row.decision)
            source: Sequence | Campaign | Course | None = sources.get(row.sequence_id)
            if source is None and row.cleanup_lane is not None:
                source = programme.courses.get((row.sequence_id, row.number))
            if source is not None and row.version is not None:
                source = programme.pinned.get((row.sequence_id, row.version), source)
            elif source is not None and programme.drawn:
                source = programme.drawn.get((row.sequence_id, row.number), source)
            if source is not None and _is_open(programme, row, source):
                ways.append(_way(row, source, kept.history, programme, exits.get(person_id)))
        if not (ways or everybody):
            continue
        held = frozenset(key for key, who in holds.items() if person_id in who) if holds else _NONE
        if person_id in older:
            held = held - older[person_id].asked | older[person_id].holds
        got = frozenset(names[i] for i in had[person_id]) if person_id in had else _NONE
        bound = _still_bound(own, programme) if len(ways) < len(own) else ()
        person = _person(first, programme, bound, doubts.get(person_id), since, pulls)
        opens = tuple(coming[person_id]) if person_id in coming else ()
        reads = replace(shelf, holds=held, had=got, coming=opens) if held or got or opens else shelf
        members.append(Member(person, tuple(ways), reads, _open(rows.get(person_id), names)))
    return Cohort(tuple(members), stored)


def _open(row: OpenRecord | None, names: Mapping[int, str]) -> OpenRow | None:
    if row is None:
        return None
    return OpenRow(row.id, names[row.letter_id], row.occasion, row.state, row.due_at, row.closes_at, row.enrolment_id)


async def _holding(tx: AsyncConnection, programme: Programme, ids: list[int], now: datetime) -> dict[str, frozenset[int]]:
    """For every letter with `only_if`: who of these people it holds for now."""
    asked: dict[str, Any] = {key: letter.only_if for key, letter, _ in programme.shelf if letter.only_if is not None}
    sources: list[tuple[Sequence | Campaign, bool]] = [*programme.sequences.values(), *programme.campaigns.values()]
    sources += [(campaign, True) for campaign in programme.drawn.values()]
    for source, live in sources:
        if live:
            asked |= {letter_name(source.name, x.id): x.only_if for x in source.letters if x.only_if is not None}
    zone = programme.policy.timezone
    return {key: frozenset(await matching(tx, condition, now, ids, zone)) for key, condition in asked.items()}


@dataclass(slots=True)
class _Older:
    """Of one person who is pinned to older versions: the letters whose conditions are asked there, and those whose condition holds."""

    asked: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)


async def _pinned_holding(tx: AsyncConnection, programme: Programme, rows: Iterable[_Row], now: datetime) -> dict[int, _Older]:
    """The conditions of older versions, asked of those who are pinned to them."""
    whose: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        if row.version is not None:
            whose.setdefault((row.sequence_id, row.version), []).append(row.subscriber_id)
    found: dict[int, _Older] = {person: _Older() for people in whose.values() for person in people}
    for key, people in whose.items():
        source = programme.pinned.get(key)
        for letter in source.letters if source else ():
            if source and letter.only_if is not None:
                name = letter_name(source.name, letter.id)
                held = set(await matching(tx, letter.only_if, now, people, programme.policy.timezone))
                for person in people:
                    found[person].asked.add(name)
                    found[person].holds.update({name} if person in held else ())
    return found


async def _coming(
    tx: AsyncConnection, programme: Programme, ids: list[int], now: datetime, *, everything: bool
) -> dict[int, list[Way]]:
    """The next occasion of started campaigns for those of their segments: of those that open within the horizon or bring a useful letter,
    or of all.
    """
    found: dict[int, list[Way]] = {}
    for campaign_id, (number, occasion) in programme.coming.items():
        campaign, live = programme.campaigns[campaign_id]
        matters = everything or campaign.kind is Kind.USEFUL or occasion.opens_at <= now + HORIZON
        if live and matters and campaign.segment in programme.segments:
            way = Way(-campaign_id, campaign, number, max(now, occasion.opens_at), occasion=occasion)
            for person in await matching(tx, programme.segments[campaign.segment], now, ids, programme.policy.timezone):
                found.setdefault(person, []).append(way)
    return found


def _is_open(programme: Programme, row: _Row, source: Sequence | Campaign | Course) -> bool:
    return isinstance(source, Sequence | Course) or (row.sequence_id, row.number) in programme.occasions


def _still_bound(rows: Iterable[_Row], programme: Programme) -> tuple[Promise, ...]:
    """The promises of ways that stand still: a person is in a sequence from enrolment to done or exit."""
    still = [found[0] for row in rows if (found := programme.source(row.sequence_id, row.version)) and not found[1]]
    return tuple(p for source in still for p in source.promises)


async def _doubts(tx: AsyncConnection, rows: Iterable[_Row], names: Mapping[int, str]) -> dict[int, dict[str, int]]:
    """Letters that may have arrived and may be taken back: by person, their names and deliveries. Nobody else is in doubt."""
    doubtful = {row.subscriber_id: bytes(row.recent) for row in rows if row.recent and has_mark(row.recent, Mark.UNCERTAIN)}
    wanted = [e.delivery for recent in doubtful.values() for e in unpack_entries(recent) if e.marks & Mark.UNCERTAIN]
    found: dict[int, dict[str, int]] = {person: {} for person in doubtful}
    for piece in pieces(wanted):
        query = select(_d.id, _d.subscriber_id, _d.letter_id).where(_d.id.in_(piece), _d.state.in_(("cancelled", "pending", "deferred")))
        for row in await tx.execute(query):
            found[row.subscriber_id][names[row.letter_id]] = row.id
    return found


def _declined(topics: str) -> frozenset[str]:
    return frozenset(topic for topic, wanted in json.loads(topics).items() if wanted is False)


def _person(
    row: _Row, programme: Programme, bound: tuple[Promise, ...], doubts: Mapping[str, int] | None, since: datetime,
    pulls: Pulls | None,
) -> Person:  # fmt: skip
    """`doubts` None: nothing is in doubt, so that no letter before `since` can matter."""
    return Person(
        subscriber_id=row.subscriber_id,
        zone=zone_of(row.timezone or programme.policy.timezone),
        entries=unpack_entries(row.recent, since if doubts is None else None) if row.recent else (),
        useful_since_sales=row.useful_since_sales,
        others_since_sales=row.others_since_sales,
        kinds=_KINDS[row.kinds],
        frequency=_FREQUENCIES[row.frequency],
        declined_topics=_declined(row.topics) if row.topics != "{}" else _NONE,
        paused_until=moment(row.paused_until),
        fields=json.loads(row.fields) if row.fields else {},
        bound=bound,
        doubts=doubts or {},
        rhythm=rhythm_of(row.acts, pulls) if row.acts else None,
        cleaned_by=programme.cleaning.get(row.cleanup_lane) if row.cleanup_lane is not None else None,
    )


def _way(
    row: _Row, source: Sequence | Campaign | Course, history: Collection[Mapping[str, Any]], programme: Programme,
    conversions: Iterable[tuple[str, datetime]] | None,
) -> Way:  # fmt: skip
    exited, enrolled_at = None, moment(row.enrolled_at)
    if conversions and isinstance(source, Sequence):
        exited = next((name for name, at in conversions if name in source.exit_on and at >= enrolled_at), None)
    return Way(
        enrolment_id=row.id,
        source=source,
        number=row.number,
        enrolled_at=enrolled_at,
        now_until=moment(row.now_until),
        history=tuple(map(_past, history)) if history else (),
        stale_since=moment(row.stale_since),
        exit=exited,
        occasion=programme.occasions.get((row.sequence_id, row.number)) if programme.occasions else None,
    )


def _past(entry: Mapping[str, Any]) -> Past:
    at = datetime.fromisoformat(entry["at"])
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return Past(entry["letter"], _LETTER_KINDS[entry["kind"]], entry["outcome"], date.fromisoformat(entry["day"]), at)

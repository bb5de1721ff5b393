"""A few thousand rows into the database at once: who is new, who changes, who is refused; and who may enter a sequence by it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.people import GONE, Draft, Merged, merge, newcomer, of_the_house, refusal
from nurture.domain.rows import Row
from nurture.domain.words import Status
from nurture.store import subscribers
from nurture.store.audiences import newly_matching, remember_all_matching, remember_matches
from nurture.store.choices import log_permissions
from nurture.store.conditions import matching, matching_query
from nurture.store.database import Connection
from nurture.store.documents import load_documents, load_policy
from nurture.store.enrolments import enrol, may_re_enter
from nurture.store.ledger import subscribers as subscriber_table
from nurture.store.lowering import follow_lowering, record_consents
from nurture.store.standings import look_now
from nurture.store.subscribers import Person
from nurture.store.suppressions import ERASED, suppressed

SOURCE = "import"
_UP = Status.SUBSCRIBED.value


@dataclass(frozen=True, slots=True)
class Line:
    """A row that could be read, with its place in the file."""

    number: int
    raw: str
    row: Row


@dataclass(frozen=True, slots=True)
class Refused:
    line: int
    reason: str
    raw: str


@dataclass(slots=True)
class Outcome:
    """What became of some rows; `touched` are all people the rows name, `new` and `changed` among them."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    new: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    enrolled: int = 0


@dataclass(frozen=True, slots=True)
class Doors:
    """Sequences as (document id, document): `open` ones take the imported people in, `shut` ones with an audience pass them over."""

    open: tuple[tuple[int, SequenceDocument], ...]
    shut: tuple[tuple[int, SequenceDocument], ...]
    zone: str


async def find_doors(tx: Connection, names: Sequence[str]) -> Doors:
    """A paused sequence counts as live: it goes on one day. Raises NurtureError for a name that is no live sequence."""
    stored = [s for s in await load_documents(tx, "sequence") if s.state == "live"]
    live = {s.name: (s.id, s.document) for s in stored if isinstance(s.document, SequenceDocument)}
    for name in names:
        if name not in live:
            raise NurtureError(f"--enrol names {name!r}, which is no live sequence; apply its file first", ErrorKind.MISSING)
    shut = tuple(entry for name, entry in live.items() if name not in names and entry[1].audience is not None)
    return Doors(tuple(live[name] for name in dict.fromkeys(names)), shut, (await load_policy(tx)).timezone)


async def put_in(tx: Connection, lines: Sequence[Line], doors: Doors, now: datetime) -> Outcome:
    """All rows in their order; a later row of the same address finds what the earlier one did."""
    outcome = Outcome()
    known = await subscribers.find_many(tx, [line.row.draft.email for line in lines])
    waiting = await _waiting(tx, doors, [person.id for person in known.values()], now)
    for wave in _waves(lines):
        await _put_in_once(tx, wave, known, outcome, now)
        known = {}
    await _keep_out(tx, doors, outcome, waiting, now)
    outcome.enrolled = await _let_in(tx, doors, sorted(outcome.touched), now)
    return outcome


def judge(person: Person, draft: Draft, now: datetime) -> Merged:
    """What the row does to a known person: someone who is gone is never written to again because a file lists them."""
    if of_the_house(person.status, person.source):
        return merge(person.known, replace(draft, columns={"source": SOURCE} | dict(draft.columns)), now)
    if draft.status is None and person.status in GONE:
        return Merged(refused=refusal(person.status, Status.SUBSCRIBED))
    if person.source and "source" in draft.columns:  # where a person was first heard of stays
        draft = replace(draft, columns={k: v for k, v in draft.columns.items() if k != "source"})
    return merge(person.known, draft, now, loosen=False)


def _waves(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The rows in lists in which no address stands twice, in order for each address."""
    rest = list(lines)
    while rest:
        wave: dict[str, Line] = {}
        later = []
        for line in rest:
            if line.row.draft.email in wave:
                later.append(line)
            else:
                wave[line.row.draft.email] = line
        yield list(wave.values())
        rest = later


async def _put_in_once(tx: Connection, lines: Sequence[Line], known: dict[str, Person], outcome: Outcome, now: datetime) -> None:
    people = known or await subscribers.find_many(tx, [line.row.draft.email for line in lines])
    strangers = [line for line in lines if line.row.draft.email not in people]
    erased = await suppressed(tx, [line.row.draft.email for line in strangers]) if strangers else set()
    outcome.refused += [Refused(line.number, ERASED, line.raw) for line in strangers if line.row.draft.email in erased]
    strangers = [line for line in strangers if line.row.draft.email not in erased]
    await _add(tx, strangers, outcome, now)
    changes: dict[int, Merged] = {}
    for line in lines:
        person = people.get(line.row.draft.email)
        if person is None:
            continue
        merged = judge(person, line.row.draft, now)
        if merged.refused:
            outcome.refused.append(Refused(line.number, merged.refused, line.raw))
            continue
        outcome.touched.add(person.id)
        if merged.changes:
            changes[person.id] = merged
            outcome.updated += 1
        else:
            outcome.unchanged += 1
    await _change(tx, changes, now)
    outcome.changed |= changes.keys()


async def _add(tx: Connection, lines: Sequence[Line], outcome: Outcome, now: datetime) -> None:
    rows = [{"source": SOURCE} | newcomer(line.row.draft, now) | {"tags": line.row.draft.tags or ()} for line in lines]
    ids = await subscribers.add(tx, rows)
    agreed = [(i, True, a.ip, a.at) for i, line in zip(ids, lines, strict=True) if i and (a := line.row.agreed)]
    await record_consents(tx, agreed, SOURCE)
    await log_permissions(tx, {i: row["tracking"] for i, row in zip(ids, rows, strict=True) if i and row.get("tracking")}, SOURCE, now)
    outcome.added += sum(1 for i in ids if i)
    new = {i for i in ids if i}
    outcome.new |= new
    outcome.touched |= new
    overtaken = [line for i, line in zip(ids, lines, strict=True) if not i]
    if overtaken:  # another writer put these addresses in a moment ago: they are known now
        await _put_in_once(tx, overtaken, {}, outcome, now)


async def _change(tx: Connection, changes: dict[int, Merged], now: datetime) -> None:
    if not changes:
        return
    await subscribers.change(tx, {i: m.values for i, m in changes.items()}, now)
    await log_permissions(tx, {i: m.values["tracking"] for i, m in changes.items() if m.values.get("tracking")}, SOURCE, now)
    await subscribers.add_tags(tx, {i: m.add_tags for i, m in changes.items() if m.add_tags})
    lowered = {i: Status(m.values["status"]) for i, m in changes.items() if m.values.get("status", _UP) != _UP}
    if lowered:
        await follow_lowering(tx, lowered, SOURCE, now)
    await subscribers.touch(tx, changes.keys() - lowered.keys(), now)


async def _waiting(tx: Connection, doors: Doors, ids: Sequence[int], now: datetime) -> dict[int, set[int]]:
    """By sequence: who came to match before this import by something else and is still to be taken in by the sweep."""
    if not ids:
        return {}
    among = subscriber_table.c.id.in_(ids)
    return {
        key: set(await newly_matching(tx, key, matching_query(document.audience, now, doors.zone).where(among), len(ids)))
        for key, document in doors.shut
        if document.audience is not None
    }


async def _keep_out(tx: Connection, doors: Doors, outcome: Outcome, waiting: dict[int, set[int]], now: datetime) -> None:
    """An import starts no sequence: who matches an audience by it joins its baseline. Who must confirm first is left to their own act."""
    moved = outcome.new | outcome.changed
    for key, document in doors.shut:
        among = moved - waiting.get(key, set())
        if document.audience is not None and among:
            query = matching_query(document.audience, now, doors.zone).where(subscriber_table.c.status == Status.SUBSCRIBED.value)
            await remember_all_matching(tx, key, query, sorted(among))


async def _let_in(tx: Connection, doors: Doors, ids: Sequence[int], now: datetime) -> int:
    """`--enrol`: the person's own hour begins, so a first letter with `window: now` may go at once. Returns how many ways were opened."""
    opened = 0
    for key, document in doors.open:
        subscribed = await subscribers.with_status(tx, ids, Status.SUBSCRIBED)
        fitting = subscribed if document.audience is None else await matching(tx, document.audience, now, subscribed, doors.zone)
        before = None if document.re_entry is None else now - document.re_entry
        allowed = await may_re_enter(tx, key, fitting, before)
        await remember_matches(tx, key, allowed)
        taken = await enrol(tx, key, allowed, by=SOURCE, now=now, own_hour=True, again=before is not None)
        await look_now(tx, taken, now)
        opened += len(taken)
    return opened

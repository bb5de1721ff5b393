"""The report: who is in the list against what is usual, the mix promised against the mix delivered, hours kept, what comes next."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.documents import Policy, document_name, letters_of
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.heat import ANSWERED_WITHIN_DAYS, heat_maps
from nurture.domain.lift import lift
from nurture.domain.mixes import Promise
from nurture.domain.reports import (
    MIX_KINDS,
    Coming,
    ComingDay,
    Composition,
    Counts,
    Delivered,
    HoursReport,
    MixReport,
    Past,
    Punctuality,
    Report,
    Stay,
    Week,
    WindowReport,
    unearned,
)  # fmt: skip
from nurture.domain.rhythm import Timing
from nurture.domain.shares import benchmark
from nurture.domain.standing import FlagBit
from nurture.domain.windows import Hours, blacked_out, hours_of
from nurture.domain.words import Engagement, Kind, State, Status, ZoneSource
from nurture.store import reports as counts
from nurture.store.database import Connection, Database
from nurture.store.documents import StoredDocument, load_document, load_documents
from nurture.store.rhythms import Answered, count_arms

LONG = timedelta(days=90)
SHORT = timedelta(days=28)
AHEAD = timedelta(days=14)
WEEKS = 53
_CHUNK = 500
_EVER = datetime.min.replace(tzinfo=UTC)


async def report(db: Database, now: datetime, audited: int | None = None, timed: int | None = None) -> Report:
    """All figures as of `now`. `audited`: how many of the newest sales letters are checked one by one, None: all of 90 days;
    `timed`: of how many of the newest letters the hours are looked at, None: all of 28 days."""
    async with db.survey() as tx:
        stored_policy = await load_document(tx, "policy", "default")
        policy = stored_policy.document if stored_policy and isinstance(stored_policy.document, Policy) else Policy()
        documents = await load_documents(tx, "sequence")
        people = await counts.count_people(tx)
        delivered = await counts.count_delivered(tx, now - LONG)
        composition = _composition(people, await counts.weekly_compositions(tx, WEEKS))
        handed = await counts.count_handed(tx, now - SHORT, timed)
        everywhere = Stay(_EVER, None, policy.mix, stored_policy.changed_at if stored_policy else _EVER)
        checked, wrong = await _audit(tx, documents, everywhere, now - LONG, audited)
        coming = await _coming(tx, policy, now)
        answering = await counts.count_answering(tx, now - SHORT)
        hours = await _hours(tx, policy, now, timed)
    zones = Counter[ZoneSource]()
    for row in people:
        if row.status == Status.SUBSCRIBED:
            zones[ZoneSource(row.zone_source)] += row.people
    rules = _Rules(documents, policy, stored_policy)
    return Report(
        at=now,
        composition=composition,
        benchmark=benchmark(composition.now),
        mix=MixReport(*_mix(delivered, documents, policy, now), checked, wrong),
        windows=_windows(handed, rules, dict(zones)),
        coming=coming,
        weekly=_weekly(delivered),
        letters={
            "days_7": sum(r.letters for r in delivered if r.day > (now - timedelta(days=7)).date()),
            "days_28": sum(r.letters for r in delivered if r.day > (now - SHORT).date()),
            "answering_28": answering,
        },
        hours=hours,
    )


def _composition(people: Iterable[counts.PeopleRow], weeks: Iterable[tuple[str, str, int]]) -> Composition:
    now: Counter[Engagement] = Counter(dict.fromkeys(Engagement, 0))
    statuses: Counter[Status] = Counter(dict.fromkeys(Status, 0))
    ripening = 0
    for row in people:
        statuses[Status(row.status)] += row.people
        if row.status == Status.SUBSCRIBED:
            now[Engagement(row.engagement)] += row.people
            ripening += row.people if row.flags & FlagBit.RIPENING else 0
    by_week: dict[str, dict[Engagement, int]] = defaultdict(dict)
    for week, engagement, number in weeks:
        by_week[week][Engagement(engagement)] = number
    return Composition(dict(now), dict(statuses), ripening, tuple(Week(w, dict(p)) for w, p in sorted(by_week.items())))


def _mix(
    delivered: Sequence[counts.DeliveredRow], documents: Sequence[StoredDocument], policy: Policy, now: datetime
) -> tuple[Delivered, tuple[Delivered, ...]]:
    recent = (now - SHORT).date()
    short: dict[str, Counter[str]] = defaultdict(Counter)
    long: dict[str, Counter[str]] = defaultdict(Counter)
    for row in delivered:
        if row.kind not in MIX_KINDS:
            continue
        for lane in (row.lane, ""):
            long[lane][row.kind] += row.letters
            if row.day > recent:
                short[lane][row.kind] += row.letters

    known = {f"sequence:{d.name}": d.document for d in documents}

    def line(lane: str, title: str, promise: str | None) -> Delivered:
        return Delivered(lane, title, promise, _every_kind(short[lane]), _every_kind(long[lane]))

    lanes = []
    for lane in sorted({*known, *(r.lane for r in delivered if r.kind in MIX_KINDS)}):
        document = known.get(lane)
        if isinstance(document, SequenceDocument):
            lanes.append(line(lane, document.title or document.name, _written(document.mix or ())))
        else:
            lanes.append(line(lane, lane.partition(":")[2] or lane, None))
    return line("", "Everything together", _written(policy.mix)), tuple(lanes)


def _every_kind(counter: Counter[str]) -> Counts:
    return {kind.value: counter[kind] for kind in MIX_KINDS}


def _written(promises: Sequence[Promise]) -> str | None:
    return ", ".join(str(p) for p in promises) or None


def _weekly(delivered: Iterable[counts.DeliveredRow]) -> tuple[tuple[date, Counts], ...]:
    """Letters by kind for each calendar week (its Monday) of the reader's dates."""
    weeks: dict[date, Counter[str]] = defaultdict(Counter)
    for row in delivered:
        weeks[row.day - timedelta(days=row.day.weekday())][row.kind] += row.letters
    return tuple((week, dict(weeks[week])) for week in sorted(weeks))


async def _audit(
    tx: Connection, documents: Sequence[StoredDocument], everywhere: Stay, since: datetime, limit: int | None
) -> tuple[int, tuple[int, ...]]:
    promises = {d.name: (d.document.promises, d.changed_at) for d in documents if isinstance(d.document, SequenceDocument)}
    people = await counts.sold_to(tx, since, limit)
    checked = 0
    wrong: list[int] = []
    for start in range(0, len(people), _CHUNK):
        chunk = people[start : start + _CHUNK]
        letters: dict[int, list[Past]] = defaultdict(list)
        stays: dict[int, list[Stay]] = defaultdict(list)
        for row in await counts.letters_of_people(tx, chunk):
            earns = row.state == State.ACCEPTED and not row.dup_risk
            letters[row.subscriber].append(Past(row.delivery, Kind(row.kind), row.at, row.lane, earns))
        for person, name, begun, ended in await counts.stays_of_people(tx, chunk):
            stays[person].append(Stay(begun, ended, *promises.get(name, ((), _EVER))))
        for person in chunk:
            bad, looked = unearned(letters[person], stays[person], everywhere)
            wrong.extend(bad)
            checked += looked
    return checked, tuple(sorted(wrong))


class _Rules:
    """Which hours each letter may leave in by the documents in force, and since when these say so."""

    def __init__(self, documents: Sequence[StoredDocument], policy: Policy, stored: StoredDocument | None) -> None:
        self.policy = policy
        self.home = ZoneInfo(policy.timezone)
        self.hours: dict[str, tuple[Hours, datetime]] = {}
        floor = stored.changed_at if stored else _EVER
        for kept in documents:
            if isinstance(kept.document, SequenceDocument):
                for letter in letters_of(kept.document):
                    name = f"{document_name(kept.document)}/{letter.id}"
                    self.hours[name] = (hours_of(letter, kept.document.windows, policy), max(floor, kept.changed_at))

    def zone(self, name: str | None) -> ZoneInfo:
        return ZoneInfo(name) if name else self.home

    def outside(self, row: counts.HandedRow, at: datetime, local: datetime) -> int:
        """How many of the row's letters left outside their hours: by the reader's clock, where the rule is still that day's."""
        hours, since = self.hours.get(row.letter, (None, at))
        if hours is None or hours.now or at < since:
            return row.late
        days = [span for span in hours.spans if local.weekday() in {d.number for d in span.days}]
        fits = any(span.from_ <= local.time() < span.until for span in days) and not blacked_out(local.date(), self.policy)
        return row.late if fits else row.letters


def _windows(handed: Iterable[counts.HandedRow], rules: _Rules, zones: dict[ZoneSource, int]) -> WindowReport:
    letters: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    hours: dict[str, list[int]] = defaultdict(lambda: [0] * 24)
    for row in handed:
        at = datetime.fromtimestamp(row.minute * 60, UTC)
        local = at.astimezone(rules.zone(row.zone))
        letters[row.kind] += row.letters
        outside[row.kind] += rules.outside(row, at, local)
        hours[row.kind][local.hour] += row.letters
    kinds = [k.value for k in Kind if letters[k]]
    return WindowReport({k: Punctuality(letters[k], letters[k] - outside[k]) for k in kinds}, {k: tuple(hours[k]) for k in kinds}, zones)


async def _hours(tx: Connection, policy: Policy, now: datetime, timed: int | None) -> HoursReport:
    answered = Answered.of(tx, now - LONG, timed)
    maps = heat_maps(await answered.letters(), await answered.acts(), policy.timezone)
    arms = await count_arms(tx, now - LONG, now - timedelta(days=ANSWERED_WITHIN_DAYS), timed)
    found = lift(arms[Timing.LEARNED], arms[Timing.RANDOM])
    return HoursReport(found, maps[""], {lane: maps[lane] for lane in sorted(maps) if lane and maps[lane].total})


async def _coming(tx: Connection, policy: Policy, now: datetime) -> Coming:
    kinds = await counts.letter_kinds(tx)
    home = ZoneInfo(policy.timezone)
    planned: dict[date, Counter[str]] = defaultdict(Counter)
    expected: dict[date, Counter[str]] = defaultdict(Counter)
    first = now.astimezone(home).date()
    last = first + AHEAD
    later = undated = held = 0
    for row in await counts.count_open(tx):
        due = datetime.fromtimestamp((row.minute or 0) * 60, UTC).astimezone(ZoneInfo(row.zone) if row.zone else home).date()
        planned[max(due, first)][row.kind] += row.letters
    for letter, zone, hour, rule, people in await counts.count_waiting(tx):
        kind = kinds.get(letter, Kind.USEFUL.value)
        held += people if kind == Kind.SALES and rule.startswith("mix") else 0
        if hour is None:
            undated += people
            continue
        day = datetime.fromisoformat(f"{hour}:00+00:00").astimezone(ZoneInfo(zone) if zone else home).date()
        if day > last:
            later += people
        else:
            expected[max(day, first)][kind] += people
    days = [first + timedelta(days=n) for n in range(AHEAD.days + 1)]
    return Coming(tuple(ComingDay(d, dict(planned[d]), dict(expected[d])) for d in days), later, undated, held)

"""Fold what the ledger and the events say into a person's standing. Facts are applied in order of time; applying one twice changes nothing
new.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from nurture.domain.mix import OUTSIDE, counts_since_sales
from nurture.domain.rhythm import count_act
from nurture.domain.standing import KEEP_AT_MOST, KEEP_DAYS, KEEP_LETTERS, Entry, Mark, Standing
from nurture.domain.words import EventType, Evidence, Kind

WEIGHTS = {"purchase": 8.0, "answer": 5.0, "click": 3.0, "open": 1.0}
PEAK_MONTHS = 13
PURCHASE = "purchase"
LEAD = "lead"


@dataclass(frozen=True, slots=True)
class LetterFact:
    """A delivery that ended in a way the inbox may know of. `uncertain`: held, or once unknown and never accepted."""

    delivery: int
    at: datetime
    day: date
    kind: Kind
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class EventFact:
    """A settled event. `kind`: of the letter it answers, if any. `hard`: a bounce that takes back what the letter earned. `hour`: the local
    hour it speaks for, where it is the first act on a letter whose hour was left to chance.
    """

    type: EventType
    at: datetime
    evidence: Evidence
    delivery: int | None = None
    kind: Kind | None = None
    name: str | None = None
    hard: bool = False
    hour: int | None = None


def fold(standing: Standing, letters: Iterable[LetterFact], events: Iterable[EventFact], half_life: timedelta) -> Standing:
    """All facts into the standing; letters stand before events of the same instant."""
    for letter in sorted(letters, key=lambda f: (f.at, f.delivery)):
        standing = fold_letter(standing, letter)
    for event in sorted(events, key=lambda f: (f.at, f.type, f.delivery or 0)):
        standing = fold_event(standing, event, half_life)
    return standing


def fold_letter(standing: Standing, fact: LetterFact) -> Standing:
    """One letter joins `recent` (or is corrected there), in order of time, and the counts since the last sales letter move with it."""
    known = next((e for e in standing.recent if e.delivery == fact.delivery), None)
    marks = (known.marks & ~Mark.UNCERTAIN if known else Mark(0)) | (Mark.UNCERTAIN if fact.uncertain else Mark(0))
    entry = Entry(fact.delivery, fact.at.replace(microsecond=0), fact.day, fact.kind, marks)
    recent = _trim(tuple(sorted([*(e for e in standing.recent if e.delivery != fact.delivery), entry], key=lambda e: (e.at, e.delivery))))
    was_certain = known is not None and not known.marks & Mark.UNCERTAIN
    received = standing.received + (not fact.uncertain and not was_certain)
    return _counted(replace(standing, recent=recent, received=received), entry if known is None or not was_certain else None)


def _trim(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The last 16 letters or those of 90 days before the newest, whichever reaches further back, at most 48."""
    since = entries[-1].at - KEEP_DAYS
    young = sum(e.at >= since for e in entries)
    return entries[-min(max(KEEP_LETTERS, young), KEEP_AT_MOST) :]


def _counted(standing: Standing, added: Entry | None) -> Standing:
    counts = counts_since_sales(standing.recent)
    if counts is not None:
        return replace(standing, useful_since_sales=counts[0], others_since_sales=counts[1])
    if added is None or added.marks & Mark.UNCERTAIN or added.kind in OUTSIDE:
        return standing
    useful = standing.useful_since_sales + (added.kind is Kind.USEFUL)
    return replace(standing, useful_since_sales=useful, others_since_sales=standing.others_since_sales + 1)


def fold_event(standing: Standing, fact: EventFact, half_life: timedelta) -> Standing:
    """One event. Machine evidence changes nothing; an unknown open only marks that a proxy was seen."""
    if fact.type is EventType.BOUNCED:
        return _bounced(standing, fact) if fact.hard else standing
    if fact.evidence is not Evidence.HUMAN:
        return (
            _mark(standing, fact.delivery, Mark.PROXY) if fact.type is EventType.OPENED and fact.evidence is Evidence.UNKNOWN else standing
        )
    if fact.hour is not None:
        standing = replace(standing, acts=count_act(standing.acts, fact.hour))
    return _acts[fact.type](standing, fact, half_life) if fact.type in _acts else standing


def remember_proxies(rebuilt: Standing, old: Standing, before: datetime) -> Standing:
    """Opens that tell nothing are not kept for ever: of letters from before the moment the standing alone knows that a proxy was seen."""
    seen = {e.delivery for e in old.recent if e.at < before and e.marks & Mark.PROXY}
    if not seen:
        return rebuilt
    return replace(rebuilt, recent=tuple(e._replace(marks=e.marks | Mark.PROXY) if e.delivery in seen else e for e in rebuilt.recent))


def _entry(standing: Standing, delivery: int | None) -> Entry | None:
    return next((e for e in standing.recent if e.delivery == delivery), None)


def _mark(standing: Standing, delivery: int | None, mark: Mark) -> Standing:
    if delivery is None:
        return standing
    return replace(standing, recent=tuple(e._replace(marks=e.marks | mark) if e.delivery == delivery else e for e in standing.recent))


def _bounced(standing: Standing, fact: EventFact) -> Standing:
    entry = _entry(standing, fact.delivery)
    if entry is None or entry.marks & Mark.BOUNCED:
        return standing
    marked = _mark(standing, fact.delivery, Mark.BOUNCED)
    if counts_since_sales(marked.recent) is not None or entry.kind in (*OUTSIDE, Kind.SALES) or entry.marks & Mark.UNCERTAIN:
        return _counted(marked, None)
    useful = marked.useful_since_sales - (entry.kind is Kind.USEFUL)
    return replace(marked, useful_since_sales=max(useful, 0), others_since_sales=max(marked.others_since_sales - 1, 0))


def decayed(score: float, since: datetime, at: datetime, half_life: timedelta) -> float:
    """weight x 2^(-age/half-life): with 180 days an interest is gone to an eighth in 18 months."""
    return score * 2 ** (-(at - since) / half_life)


def month_of(at: datetime) -> int:
    return (at.year - 2020) * 12 + at.month


def _scored(standing: Standing, weight: float, at: datetime, half_life: timedelta) -> Standing:
    latest = max(at, standing.score_at or at)
    score = decayed(standing.score, standing.score_at, latest, half_life) if standing.score_at else 0.0
    score += decayed(weight, at, latest, half_life)
    peaks = dict(standing.peaks)
    peaks[month_of(latest)] = max(peaks.get(month_of(latest), 0.0), score)
    return replace(standing, score=score, score_at=latest, peaks=tuple(sorted(peaks.items()))[-PEAK_MONTHS:])


def _sign(standing: Standing, at: datetime) -> Standing:
    return replace(standing, last_sign_at=max(at, standing.last_sign_at or at))


def _answer(standing: Standing, at: datetime, *, again: bool = False) -> Standing:
    """`again`: the letter was answered before; the last answer is younger now, but it is no second one."""
    if again and standing.answers:
        return _sign(replace(standing, answers=(*standing.answers[:-1], max(at, standing.answers[-1]))), at)
    return _sign(replace(standing, answers=tuple(sorted([*standing.answers, at]))[-2:]), at)


def _opened(standing: Standing, fact: EventFact, half_life: timedelta) -> Standing:
    entry = _entry(standing, fact.delivery)
    signed = _sign(_mark(standing, fact.delivery, Mark.OPENED), fact.at)
    return signed if entry and entry.marks & Mark.OPENED else _scored(signed, WEIGHTS["open"], fact.at, half_life)


def _clicked(standing: Standing, fact: EventFact, half_life: timedelta) -> Standing:
    entry = _entry(standing, fact.delivery)
    after = _answer(_mark(standing, fact.delivery, Mark.CLICKED), fact.at, again=entry is not None and entry.answered)
    if fact.kind is Kind.SALES:
        after = replace(after, wanted_at=max(fact.at, after.wanted_at or fact.at))
    return after if entry and entry.marks & Mark.CLICKED else _scored(after, WEIGHTS["click"], fact.at, half_life)


def _answered(standing: Standing, fact: EventFact, half_life: timedelta) -> Standing:
    entry = _entry(standing, fact.delivery)
    after = _answer(_mark(standing, fact.delivery, Mark.ANSWERED), fact.at, again=entry is not None and entry.answered)
    return _scored(after, WEIGHTS["answer"], fact.at, half_life)


def _visited(standing: Standing, fact: EventFact, _half_life: timedelta) -> Standing:
    return _sign(standing, fact.at)


def _attended(standing: Standing, fact: EventFact, _half_life: timedelta) -> Standing:
    return _answer(replace(standing, purchases=tuple(sorted([*standing.purchases, fact.at]))[-3:]), fact.at)


def _converted(standing: Standing, fact: EventFact, half_life: timedelta) -> Standing:
    after = _answer(replace(standing, conversions=standing.conversions + 1), fact.at)
    if fact.name == LEAD:
        return replace(after, wanted_at=max(fact.at, after.wanted_at or fact.at))
    if fact.name != PURCHASE:
        return after
    bought = max(fact.at, after.bought_at or fact.at)
    after = replace(after, customer=True, bought_at=bought, purchases=tuple(sorted([*after.purchases, fact.at]))[-3:])
    return _scored(after, WEIGHTS["purchase"], fact.at, half_life)


def _touched(standing: Standing, fact: EventFact, _half_life: timedelta) -> Standing:
    """A talk noted by hand: `buy` (asked to buy), `advice` (asked for advice), `no` (said no)."""
    signed = _sign(standing, fact.at)
    match fact.name:
        case "buy":
            return replace(signed, wanted_at=max(fact.at, signed.wanted_at or fact.at))
        case "advice":
            return replace(signed, asked_at=max(fact.at, signed.asked_at or fact.at))
        case "no":
            return replace(signed, refused_at=max(fact.at, signed.refused_at or fact.at))
    return signed


def _refused(standing: Standing, fact: EventFact, _half_life: timedelta) -> Standing:
    return replace(standing, refused_at=max(fact.at, standing.refused_at or fact.at))


_acts = {
    EventType.OPENED: _opened,
    EventType.CLICKED: _clicked,
    EventType.REPLIED: _answered,
    EventType.ANSWERED: _answered,
    EventType.VISITED: _visited,
    EventType.ATTENDED: _attended,
    EventType.CONVERTED: _converted,
    EventType.TOUCHED: _touched,
    EventType.REFUSED: _refused,
}

"""The look before a campaign is started: who is reached and when, who is held back and why, what stands empty, what is missing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from nurture.domain.findings import Finding
from nurture.domain.plans import Person, Plan, Way
from nurture.domain.rivals import RULE_WORDS

BIG = 100 * 1024  # bytes of HTML: Gmail cuts what is longer

_REASONS = {
    "declined": "declined this kind or topic",
    "condition": "the letter's condition does not hold for them",
    "mix": "are owed useful letters first (held until they had them)",
    "had": "had it from the library",
    "library": "had every useful letter of the library",
    "stale": "no window within the time it may wait",
    "superseded": "have a newer issue of it",
    "window": "no window opens for it",
    "test": "wait for the winner of the test",
    "one at a time": "have another letter on its way first",
}
_LATER = tuple(RULE_WORDS[rule] for rule in ("gap", "cap", "capacity", "paused"))


@dataclass(frozen=True, slots=True)
class Hole:
    """A merge field without a default that is empty for `people`; `example`: one of them."""

    field: str
    people: int
    example: str


Level: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Note:
    """One finding. A `fail` keeps letters from leaving."""

    level: Level
    words: str


@dataclass(slots=True)
class Reach:
    """Counted person by person: `people` is `goes` and all of `held` and `never`. `leaves`: letters by the date they leave on the reader's
    own calendar; `later`: of these, what keeps some from leaving earlier; `held`: people by the reason that keeps the letter from being
    their next for now, `never`: by the reason that they do not get it.
    """

    people: int = 0
    goes: int = 0
    leaves: Counter[date] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    never: Counter[str] = field(default_factory=Counter)
    last: datetime | None = None

    def add(self, plan: Plan, way: Way, person: Person) -> datetime | None:
        """One person more, as the planner decided for them; when their letter leaves, where that is known."""
        self.people += 1
        mine = way.enrolment_id
        if plan.send and plan.send.enrolment_id == mine:
            return self._goes(plan.send.due_at, person, plan.send.reason)
        if skip := next((s for s in plan.skips if s.enrolment_id == mine), None):
            self.never[_REASONS.get(skip.outcome, skip.reason)] += 1
            return None
        if done := next((d for d in plan.done if d.enrolment_id == mine), None):
            self.never[_REASONS.get(done.rule, done.reason)] += 1
            return None
        wait = next((w for w in plan.waits if w.enrolment_id == mine), None)
        if wait is None:
            self.held["another letter goes first"] += 1
            return None
        if wait.rule in ("mix", "test", "one at a time") or wait.until is None:
            self.held[_REASONS.get(wait.rule, wait.reason)] += 1
            return None
        return self._goes(wait.until, person, wait.reason)

    def _goes(self, moment: datetime, person: Person, reason: str) -> datetime:
        self.goes += 1
        self.later.update(words for words in _LATER if words in reason)
        self.leaves[moment.astimezone(person.zone).date()] += 1
        self.last = max(self.last or moment, moment)
        return moment

    def times(self, factor: float) -> "Reach":
        """Reckoned up from a sample."""

        def more(counts: Counter[Any]) -> Counter[Any]:
            return Counter({key: round(n * factor) for key, n in counts.items()})

        goes, held, never = round(self.goes * factor), more(self.held), more(self.never)
        return Reach(goes + held.total() + never.total(), goes, more(self.leaves), more(self.later), held, never, self.last)


@dataclass(frozen=True, slots=True)
class Preflight:
    """`looked_at`: how many people were asked; where these are fewer than `segment`, the counts of `reach` are reckoned up.

    `owed`: people to whom useful letters are owed after this one. `size`: bytes of the letter's HTML; `links`: where it leads.
    """

    campaign: str
    letter: str
    subject: str
    segment: int
    held_out: int
    looked_at: int
    reach: Reach
    owed: int
    owed_each: int
    holes: tuple[Hole, ...]
    size: int
    links: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def ready(self) -> bool:
        return all(note.level != "fail" for note in self.notes)

    @property
    def windows(self) -> int:
        """On how many days letters leave."""
        return len(self.reach.leaves)


def with_findings(found: Preflight, findings: Iterable[Finding]) -> Preflight:
    """What was found of the sending besides, among its notes."""
    return replace(found, notes=(*found.notes, *(Note(f.level, f"{f.check}: {f.words}") for f in findings)))


def to_json(found: Preflight) -> dict[str, Any]:
    """As it is printed and answered."""
    reach = found.reach
    return {
        "campaign": found.campaign, "ready": found.ready, "letter": found.letter, "subject": found.subject, "segment": found.segment,
        "held_out": found.held_out, "looked_at": found.looked_at, "reached": reach.goes, "held": dict(reach.held),
        "never": dict(reach.never), "later": dict(reach.later), "leaves": {day.isoformat(): n for day, n in sorted(reach.leaves.items())},
        "windows": found.windows, "last": reach.last.isoformat() if reach.last else None,
        "mix": {"owed": found.owed, "owed_each": found.owed_each, "held": reach.held[_REASONS["mix"]]},
        "empty": [{"field": h.field, "people": h.people, "example": h.example} for h in found.holes],
        "size": found.size, "links": list(found.links), "notes": [{"level": n.level, "words": n.words} for n in found.notes],
    }  # fmt: skip


def in_words(found: Preflight) -> list[str]:
    """Line by line, for a terminal."""
    reach = found.reach
    told = [f"{found.campaign}: {found.letter or 'no letter'}" + (f', "{found.subject}"' if found.subject else "")]
    told.append(f"{found.segment:,} in the segment; the letter is next for {reach.goes:,}.")
    told += [f"  held  {n:>8,}  {why}" for why, n in reach.held.most_common()]
    told += [f"  never {n:>8,}  {why}" for why, n in reach.never.most_common()]
    if found.held_out:
        told.append(f"  held out {found.held_out:,}, to compare with")
    if found.looked_at < found.segment:
        told.append(f"  (reckoned up from {found.looked_at:,} people, evenly taken)")
    told += [f"  later {n:>8,}  {why}" for why, n in reach.later.most_common()]
    if reach.leaves and reach.last:
        span = f"{min(reach.leaves):%a %d %b} to {max(reach.leaves):%a %d %b}"
        days = f"{found.windows} day{'s' if found.windows != 1 else ''}"
        told.append(f"Leaves on {days}, {span}; the last at {reach.last:%Y-%m-%d %H:%M} UTC.")
    if found.owed:
        told.append(f"Afterwards {found.owed:,} people are owed {found.owed_each} useful letters each before the next offer.")
    told += [f"{{{{ {h.field} }}}} is empty for {h.people:,}, such as {h.example}" for h in found.holes]
    told.append(f"{found.size / 1024:.0f} KB of HTML, {len(found.links)} link{'s' if len(found.links) != 1 else ''}")
    told += [f"  {link}" for link in found.links[:20]]
    told += [f"{note.level:4}  {note.words}" for note in found.notes]
    told.append("Ready to start." if found.ready else "Not ready: mend what stands under fail.")
    return told

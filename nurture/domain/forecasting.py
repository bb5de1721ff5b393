"""What one person gets in the weeks ahead, by the planner's own rules: each letter is taken as accepted, and the planner asked again.

Nothing is stored and nothing random: as long as nobody answers, leaves or edits, the planner will decide just so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from nurture.domain.capacity import Load
from nurture.domain.documents import Policy, lane_name
from nurture.domain.mix import OUTSIDE
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Past, Person, Plan, Shelf, Skip, Wait, Way, keyed, next_of_each
from nurture.domain.standing import Entry
from nurture.domain.words import Kind, Size, State

_MOST_LOOKS = 1000  # a rule that never moved on would be a defect; it must not hang a report


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A letter that leaves at `at` (UTC). `lane`: the sequence or campaign on whose way it goes; `title`: what its author calls it, else
    its subject.
    """

    letter: str
    lane: str
    kind: Kind
    size: Size
    at: datetime
    reason: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Foresight:
    """`held`: sales letters that still wait for their mix at the end; `waits`: everything else that waits then."""

    letters: tuple[Foreseen, ...] = ()
    skips: tuple[Skip, ...] = ()
    held: tuple[Wait, ...] = ()
    waits: tuple[Wait, ...] = ()


def carry_out(ways: Iterable[Way], plan: Plan, now: datetime, person: Person) -> tuple[Way, ...]:
    """The ways as a plan leaves them: what it skips is done, what it ends is gone."""
    stale, over = dict(plan.stale), {d.enrolment_id for d in plan.done}
    today = now.astimezone(person.zone).date()
    kept = []
    for way in ways:
        if way.enrolment_id in over:
            continue
        skipped = tuple(Past(s.letter, s.kind, s.outcome, today, now) for s in plan.skips if s.enrolment_id == way.enrolment_id)
        since = stale.get(way.enrolment_id, way.stale_since)
        kept.append(way._replace(history=way.history + skipped, stale_since=since) if skipped or since != way.stale_since else way)
    return tuple(kept)


@dataclass(slots=True)
class _Ahead:
    """The person as they will be: everything that a letter's acceptance changes. `reason`: why the open row leaves."""

    person: Person
    ways: tuple[Way, ...]
    shelf: Shelf
    row: OpenRow | None
    now: datetime
    reason: str = "is written already"
    letters: list[Foreseen] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)

    def look(self, policy: Policy, begin: datetime, load: Load | None) -> tuple[Plan, datetime]:
        """Plan once and live on until the planner would look again, or somebody joins at `begin`; the plan, and that moment."""
        plan = plan_person(self.person, self.ways, self.shelf, policy, self.now, self.row, load)
        self.skips += plan.skips
        self.ways = carry_out(self.ways, plan, self.now, self.person)
        if plan.send:
            s, self.reason = plan.send, plan.send.reason
            if load is not None:
                load.take(s.due_at)
            self.row = OpenRow(0, s.letter, s.occasion, State.PENDING, s.due_at, s.closes_at, s.enrolment_id)
        elif not plan.keep:
            self.row = None
        if self.row is None:
            again = self.now if plan.done and self.ways else plan.look_at  # fewer promises bind from now on
            return plan, min(again, begin) if again else begin
        at = max(self.row.due_at, self.now)
        if begin <= at:
            return plan, begin
        self.accept(self.row, at)
        return plan, at

    def accept(self, row: OpenRow, at: datetime) -> None:
        """The letter is taken: it counts in mix, gap and cap, and its way goes on."""
        self.row = None
        way = next((w for w in self.ways if w.enrolment_id == row.enrolment_id), None)
        shelf = ((key, letter) for key, letter, _ in self.shelf.letters)
        letter = next((x for key, x in (*(keyed(way.source) if way else ()), *shelf) if key == row.letter), None)
        if way is None or letter is None:
            return
        day = at.astimezone(self.person.zone).date()
        counts = self.person.useful_since_sales, self.person.others_since_sales
        if letter.kind is Kind.SALES:
            counts = 0, 0
        elif letter.kind not in OUTSIDE:
            counts = counts[0] + (letter.kind is Kind.USEFUL), counts[1] + 1
        entries = (*self.person.entries, Entry(-1 - len(self.letters), at, day, letter.kind))
        self.person = self.person._replace(entries=entries, useful_since_sales=counts[0], others_since_sales=counts[1])
        self.shelf = replace(self.shelf, had=self.shelf.had | {row.letter})
        done = Past(row.letter, letter.kind, "sent", day, at)
        self.ways = tuple(w._replace(history=(*w.history, done)) if w is way else w for w in self.ways)
        title = letter.title or letter.subject
        self.letters.append(Foreseen(row.letter, lane_name(way.source), letter.kind, letter.size, at, self.reason, title))


def foresee(
    person: Person, ways: tuple[Way, ...], shelf: Shelf, policy: Policy, now: datetime, until: datetime, *,
    row: OpenRow | None = None, to_come: Iterable[Way] = (), load: Load | None = None, first_of: str | None = None,
) -> Foresight:  # fmt: skip
    """Everything from `now` until `until`. `to_come`: ways that begin later (a campaign's next occasions), by their `enrolled_at`; `load`:
    what the relay has to carry for others, None where nothing bounds it; `first_of`: a lane; no further than its first letter.
    """
    ahead = _Ahead(person, ways, shelf, row, now)
    later = sorted(to_come, key=lambda w: w.enrolled_at)
    if row is not None and row.state not in (State.PENDING, State.DEFERRED):
        ahead.accept(row, now)
    plan = Plan()
    for _ in range(_MOST_LOOKS):
        joining = tuple(w for w in later if w.enrolled_at <= ahead.now)
        later, ahead.ways = later[len(joining) :], ahead.ways + joining
        if later or ahead.shelf.coming:
            ahead.shelf = replace(ahead.shelf, coming=next_of_each(later))
        plan, moment = ahead.look(policy, later[0].enrolled_at if later else until, load)
        if moment >= until or (ahead.letters and ahead.letters[-1].lane == first_of):
            break
        ahead.now = moment
    waits = [w for w in plan.waits if any(w.enrolment_id == way.enrolment_id for way in ahead.ways)]
    return Foresight(
        tuple(x for x in ahead.letters if x.at < until), tuple(ahead.skips), tuple(w for w in waits if w.rule == "mix"),
        tuple(w for w in waits if w.rule != "mix"),
    )  # fmt: skip

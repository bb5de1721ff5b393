"""What an edit of a sequence does to people under way: the planner's rules are asked about each, as things are and as they will be."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from nurture.domain.delivery import letter_name
from nurture.domain.documents import OnEdit, Policy, Sequence, lane_name
from nurture.domain.forecasting import Foreseen, foresee
from nurture.domain.letters import Letter
from nurture.domain.planning import plan_person
from nurture.domain.plans import OpenRow, Person, Plan, Shelf, Way, keyed
from nurture.domain.timing import dates_of
from nurture.domain.turns import skipped


@dataclass(frozen=True, slots=True)
class AddedLetter:
    """A letter at this `step` of the new version. `get`: people under way to whom it will go, of them `out_of_order` after a letter that
    stands behind it. `without`: under way and will not see it, being pinned. `unwanted`: declined it, or its condition or date does not
    hold for them now. `finished`: had done with the sequence before it came, and will not see it.
    """

    id: str
    step: int
    get: int
    out_of_order: int
    without: int
    unwanted: int
    finished: int


@dataclass(frozen=True, slots=True)
class RemovedLetter:
    """Of people under way who had not had it: who loses it, and who still gets it, being pinned."""

    id: str
    lose: int
    still_get: int


@dataclass(frozen=True, slots=True)
class Edit:
    """What people under way notice. `looked_at`: how many were asked; where these are fewer than `people`, all counts are reckoned up.

    `retimed`: the same letter next, `sooner` or `later`; `another_next`: another letter is next; `finish`: nothing is left for them.
    `taken_back`: letters written already that will not leave now. `pinned_before`: how many are on older versions as it is.
    """

    rule: OnEdit
    people: int
    looked_at: int
    pinned_before: int = 0
    added: tuple[AddedLetter, ...] = ()
    removed: tuple[RemovedLetter, ...] = ()
    retimed: int = 0
    sooner: int = 0
    later: int = 0
    another_next: int = 0
    finish: int = 0
    taken_back: int = 0


class Outlook(NamedTuple):
    """One person's way through the sequence: the plan for them now, and the sequence's next letter, None where none comes in time."""

    person: Person
    way: Way
    shelf: Shelf
    plan: Plan
    next: Foreseen | None

    def gets(self, letter: Letter, key: str) -> bool:
        """Whether a letter is theirs to come, as they stand now: on their way, not done, not declined, its condition and date given."""
        if not self.lists(key) or any(p.letter == key for p in self.way.history) or self._ends():
            return False
        if letter.about is not None and dates_of(self.person, self.way, letter) is None:
            return False
        return skipped(self.person, self.way, self.shelf, letter, key) is None and all(s.letter != key for s in self.plan.skips)

    def lists(self, key: str) -> bool:
        return any(key == own for own, _ in keyed(self.way.source))

    def _ends(self) -> bool:
        return any(d.enrolment_id == self.way.enrolment_id for d in self.plan.done)


def outlook(
    name: str, person: Person, ways: tuple[Way, ...], shelf: Shelf, row: OpenRow | None, policy: Policy, now: datetime, until: datetime
) -> Outlook | None:
    """None for who is not on a way through the sequence of this name."""
    way = next((w for w in ways if isinstance(w.source, Sequence) and w.source.name == name), None)
    if way is None:
        return None
    plan = plan_person(person, ways, shelf, policy, now, row)
    lane = lane_name(way.source)
    seen = foresee(person, ways, shelf, policy, now, until, row=row, to_come=shelf.coming, first_of=lane)
    return Outlook(person, way, shelf, plan, next((x for x in seen.letters if x.lane == lane), None))


@dataclass(slots=True)
class Weighing:
    """Adds up what the edit from one version to the next does, person by person."""

    old: Sequence
    new: Sequence
    counts: Counter[str] = field(default_factory=Counter)
    by_letter: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def weigh(self, before: Outlook, after: Outlook, row: OpenRow | None) -> None:
        """One person more. `row`: their open delivery."""
        order = [key for key, _ in keyed(self.new)]
        had = {p.letter for p in after.way.history}
        for letter in self.new.letters:
            key = letter_name(self.new.name, letter.id)
            if key in had or not (letter.id in self._added or (after.lists(key) and not before.lists(key))):
                continue
            gets = after.gets(letter, key)
            behind = order[order.index(key) + 1 :]
            self.by_letter[letter.id].update(
                get=gets, out_of_order=gets and any(k in had for k in behind), without=not after.lists(key),
                unwanted=not gets and after.lists(key),
            )  # fmt: skip
        for key, letter in keyed(before.way.source):
            if (letter.id in self._removed or not after.lists(key)) and before.gets(letter, key):
                self.by_letter[letter.id]["still_get" if after.lists(key) else "lose"] += 1
        self.counts.update(_moved(before, after))
        self.counts.update(finish=_ends_by(before, after), taken_back=_taken_back(before, after, row))

    @property
    def _added(self) -> list[str]:
        """By the new version itself; people who were pinned to older ones may meet letters that are no news to the rest."""
        known = {letter.id for letter in self.old.letters}
        return [letter.id for letter in self.new.letters if letter.id not in known]

    @property
    def _removed(self) -> list[str]:
        kept = {letter.id for letter in self.new.letters}
        return [letter.id for letter in self.old.letters if letter.id not in kept]

    def edit(self, people: int, looked_at: int, finished: int, pinned_before: int) -> Edit:
        """What was added up, said of all `people` under way. `finished`: how many are done with the sequence."""
        scale = people / looked_at if looked_at < people else 1

        def told(counts: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
            return {name: round(counts.get(name, 0) * scale) for name in names}

        added = []
        for step, letter in enumerate(self.new.letters, 1):
            counts = told(self.by_letter[letter.id], ("get", "out_of_order", "without", "unwanted"))
            if letter.id in self._added or any(counts.values()):
                added.append(AddedLetter(letter.id, step, **counts, finished=finished if letter.id in self._added else 0))
        gone = dict.fromkeys([*self._removed, *(key for key, found in self.by_letter.items() if found["lose"])])
        removed = tuple(RemovedLetter(key, **told(self.by_letter[key], ("lose", "still_get"))) for key in gone)
        counts = told(self.counts, ("sooner", "later", "another_next", "finish", "taken_back"))
        retimed = counts["sooner"] + counts["later"]
        return Edit(self.new.on_edit, people, looked_at, pinned_before, tuple(added), removed, retimed, **counts)


def _moved(before: Outlook, after: Outlook) -> tuple[str, ...]:
    """How the sequence's next letter differs; one that no longer comes in time comes later, unless nothing is left."""
    if after.next is None:
        return ("later",) if before.next and not _ends_by(before, after) else ()
    if before.next is None or before.next.letter != after.next.letter:
        return ("another_next",)
    if before.next.at == after.next.at:
        return ()
    return ("sooner",) if after.next.at < before.next.at else ("later",)


def _ends_by(before: Outlook, after: Outlook) -> bool:
    ended = {d.enrolment_id for d in before.plan.done}
    return any(d.enrolment_id == after.way.enrolment_id and d.enrolment_id not in ended for d in after.plan.done)


def _taken_back(before: Outlook, after: Outlook, row: OpenRow | None) -> bool:
    """Whether the open row, which would leave, gives its place to another letter or to none; the same letter at another time is re-timed.
    """
    if row is None or not before.plan.keep or after.plan.keep:
        return False
    send = after.plan.send
    return row.enrolment_id == after.way.enrolment_id and (send is None or (send.letter, send.occasion) != (row.letter, row.occasion))

"""Who would stand in another class under another policy: the decision for one person, and the list's answer."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nurture.domain.documents import Policy
from nurture.domain.engagement import CLASSES, Verdict, judge
from nurture.domain.shares import benchmark
from nurture.domain.signs import Signs, Yardstick
from nurture.domain.words import Engagement


def meant(given: Policy, present: Policy) -> Policy:
    """A document of nothing but `engagement:` changes the present policy in the figures it names; any other replaces it whole."""
    if given.model_fields_set != {"engagement"}:
        return given
    figures = {name: getattr(given.engagement, name) for name in given.engagement.model_fields_set}
    return present.model_copy(update={"engagement": present.engagement.model_copy(update=figures)})


def shift(signs: Signs, present: Yardstick, other: Yardstick) -> Verdict | None:
    """Where the other policy leads a person in the end, two weekly runs after a fall; None where they stand there, or go there anyway."""
    verdict = judge(signs, other)
    if verdict.engagement == signs.engagement or verdict.engagement is judge(signs, present).engagement:
        return None
    return verdict


@dataclass(frozen=True, slots=True)
class Shift:
    """One person who would move, by name."""

    email: str
    old: Engagement
    new: Engagement
    reason: str


@dataclass(slots=True)
class Preview:
    """`now`: people by class as they stand. `counts`: how many would go from what to what; of these `shifts` names some."""

    now: Counter[Engagement] = field(default_factory=Counter)
    counts: Counter[tuple[Engagement, Engagement]] = field(default_factory=Counter)
    shifts: list[Shift] = field(default_factory=list)

    def note(self, signs: Signs, verdict: Verdict | None) -> None:
        old = CLASSES[signs.engagement]
        self.now[old] += 1
        if verdict:
            self.counts[old, verdict.engagement] += 1

    @property
    def then(self) -> Counter[Engagement]:
        """People by class when all have moved."""
        found = Counter(self.now)
        for (old, new), people in self.counts.items():
            found[old] -= people
            found[new] += people
        return found


def to_json(preview: Preview) -> dict[str, Any]:
    """`{moves, now, then, matrix, shares}`; `now` and `then` count all five classes, shares are of passive + active + fan."""
    return {
        "moves": [{"email": s.email, "from": s.old.value, "to": s.new.value, "reason": s.reason} for s in preview.shifts],
        "matrix": [{"from": old.value, "to": new.value, "people": people} for (old, new), people in sorted(preview.counts.items())],
        "now": _classes(preview.now),
        "then": _classes(preview.then),
        "shares": {
            before.engagement.value: {"now": round(before.share, 4), "then": round(after.share, 4), "usual": before.usual}
            for before, after in zip(benchmark(preview.now), benchmark(preview.then), strict=True)
        },
    }


def _classes(people: Mapping[Engagement, int]) -> dict[str, int]:
    return {e.value: people.get(e, 0) for e in Engagement}

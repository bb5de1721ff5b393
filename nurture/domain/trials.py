"""Is one variant better? A test that stays true however often somebody looks, and that says so while nothing can be told.

The safe logrank test (ter Schure, Perez-Ortiz, Ly, Grunwald: The Safe Logrank Test, 2020, arXiv:2011.06931): each answer, in the order in
which they came, is weighed by how likely its variant was, given how many readers of each had the letter by then and had not answered. Where
the letters are equal that is nothing but their shares, so the product of the weights is a martingale that begins at one, and by Ville's
inequality it ever reaches 1/alpha with a chance of at most alpha. Readers may be added, letters leave at any hour, and looks are free.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, combinations
from math import exp, log

ALPHA = 0.05
_RATIOS = (1.15, 1.35, 1.7, 2.5)  # differences to look for, both ways, all equally likely beforehand
_THETAS = tuple(sorted((*_RATIOS, *(1 / r for r in _RATIOS))))
LEAST_ANSWERS = 10  # below that no evidence can be strong enough; told as a number to wait for


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant: letters accepted and readers who answered, by the outcome that is compared."""

    name: str
    letters: int = 0
    answered: int = 0

    @property
    def rate(self) -> float | None:
        return self.answered / self.letters if self.letters else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`winner` None: nothing can be told yet. `evidence`: how many times likelier the answers are under a difference than under none, of
    the best variant against its nearest rival; `needed` of it makes a winner.
    """

    arms: tuple[Arm, ...]
    winner: str | None = None
    evidence: float = 1.0
    needed: float = 1 / ALPHA
    rivals: tuple[str, ...] = field(default=())

    @property
    def sentence(self) -> str:
        """One honest sentence."""
        if self.winner:
            return (
                f"Variant {self.winner} is better: the evidence is {_times(self.evidence)} to 1, {self.needed:,.0f} to 1 were asked for "
                f"(wrong at most {ALPHA:.0%} of the time, however often one looks)."
            )
        answers = sum(arm.answered for arm in self.arms)
        if answers < LEAST_ANSWERS:
            return f"Not enough data: {answers} answers so far, and no difference shows with fewer than {LEAST_ANSWERS}."
        return f"Not enough data: the evidence is {_times(self.evidence)} to 1, and {self.needed:,.0f} to 1 make a winner."


def _times(evidence: float) -> str:
    return f"{min(evidence, 1e6):,.0f}" if evidence >= 10 else f"{evidence:.1f}"


def judge(letters: Mapping[str, Sequence[tuple[datetime, int]]], answers: Sequence[tuple[datetime, str]], alpha: float = ALPHA) -> Verdict:
    """`letters`: for each variant (moment, how many were accepted then), by time; `answers`: the first one of each reader, by time.

    Of more than two variants the best must beat each of the others, at a level divided among all pairs.
    """
    names = sorted(letters)
    counted = {name: sum(1 for _, arm in answers if arm == name) for name in names}
    arms = tuple(Arm(name, sum(n for _, n in letters[name]), counted[name]) for name in names)
    pairs = list(combinations(names, 2))
    needed = len(pairs) / alpha if pairs else 1 / alpha
    if not pairs:
        return Verdict(arms, needed=needed)
    found = {frozenset(pair): evidence(letters[pair[0]], letters[pair[1]], answers, pair) for pair in pairs}
    best = max(arms, key=lambda arm: arm.rate or 0.0)
    against = {arm.name: found[frozenset((best.name, arm.name))] for arm in arms if arm.name != best.name}
    weakest = min(against.values())
    won = weakest >= needed and all((best.rate or 0.0) > (arm.rate or 0.0) for arm in arms if arm.name != best.name)
    return Verdict(arms, best.name if won else None, weakest, needed, tuple(against))


def evidence(
    first: Sequence[tuple[datetime, int]], second: Sequence[tuple[datetime, int]], answers: Sequence[tuple[datetime, str]],
    pair: tuple[str, str],
) -> float:  # fmt: skip
    """The highest value that the martingale of this pair has reached by now: evidence once there does not fade."""
    one, other = _Arrivals(first), _Arrivals(second)
    logs = [0.0] * len(_THETAS)
    answered = [0, 0]
    highest = 0.0
    for at, name in answers:
        if name not in pair:
            continue
        mine = pair.index(name)
        at_risk = (one.until(at) - answered[0], other.until(at) - answered[1])
        answered[mine] += 1
        if at_risk[mine] < 1 or at_risk[1 - mine] < 1:
            continue  # only one of the two could answer: it tells nothing
        whole = at_risk[0] + at_risk[1]
        for i, theta in enumerate(_THETAS):
            logs[i] += log(whole / (at_risk[0] + theta * at_risk[1])) + (log(theta) if mine else 0.0)
        highest = max(highest, _mean(logs))
    return exp(min(highest, 700.0))


def _mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of what these are the logarithms of."""
    top = max(logs)
    return top + log(sum(exp(x - top) for x in logs) / len(logs))


class _Arrivals:
    """How many letters had been accepted by a moment."""

    def __init__(self, letters: Sequence[tuple[datetime, int]]) -> None:
        self._moments = [at for at, _ in letters]
        self._sums = list(accumulate(n for _, n in letters))

    def until(self, at: datetime) -> int:
        place = bisect_right(self._moments, at)
        return self._sums[place - 1] if place else 0

"""How sure a counted share is, and what may honestly be said of a list against what is usual: passive : active : fan = 80 : 17 : 3."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from types import MappingProxyType

from nurture.domain.words import Engagement

USUAL: Mapping[Engagement, float] = MappingProxyType({Engagement.PASSIVE: 0.80, Engagement.ACTIVE: 0.17, Engagement.FAN: 0.03})
SURE = 1.959964  # standard deviations about the middle that hold 95 % of a normal distribution
_TELLING = 0.20  # an interval as wide as this says nothing: about 60 people
_NAMES = {Engagement.PASSIVE: "passive", Engagement.ACTIVE: "active", Engagement.FAN: "fans"}


def wilson(count: int, of: int, sure: float = SURE) -> tuple[float, float]:
    """Between which shares (0..1) the true one lies, for `count` out of `of`; everything is possible of nobody.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    if of == 0:
        return 0.0, 1.0
    share, square = count / of, sure * sure
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = sure * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach))


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One class against what is usual. `share` is of passive + active + fan together, 0..1; 0 where nobody is judged yet.

    With 95 % confidence the true share lies between `low` and `high`.
    """

    engagement: Engagement
    people: int
    share: float
    usual: float
    low: float
    high: float

    @property
    def differs(self) -> str | None:
        """`more` or `fewer` than usual, where chance hardly explains it."""
        return "more" if self.low > self.usual else "fewer" if self.high < self.usual else None


def benchmark(now: Mapping[Engagement, int]) -> tuple[Benchmark, ...]:
    """passive : active : fan held against 80 : 17 : 3; `new` and `unobservable` are no part of the comparison."""
    judged = sum(now.get(e, 0) for e in USUAL)
    counts = [(e, now.get(e, 0), usual) for e, usual in USUAL.items()]
    return tuple(Benchmark(e, people, people / (judged or 1), usual, *wilson(people, judged)) for e, people, usual in counts)


def verdict(lines: tuple[Benchmark, ...]) -> str:
    """One sentence: whether this list differs from what is usual, or that nobody can tell."""
    judged = sum(line.people for line in lines)
    if not judged:
        return "Nobody has had enough letters to be judged yet."
    differing = [line for line in lines if line.differs]
    if differing:
        said = [f"{line.share:.0%} {_NAMES[line.engagement]}: clearly {line.differs} than the usual {line.usual:.0%}" for line in differing]
        return "; ".join(said) + "."
    if any(line.high - line.low > _TELLING for line in lines):
        return f"Too few people to tell whether this list differs from 80/17/3: {judged} can be judged so far."
    return "This list is as usual: no share differs from 80/17/3 by more than chance."

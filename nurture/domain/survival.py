"""How long something lasts, measured on people of whom many are still under way: the Kaplan-Meier estimate with its confidence band.

Sources: E. L. Kaplan, P. Meier, Nonparametric estimation from incomplete observations (1958); the band by Greenwood's variance on the
complementary log-log scale; quantiles by where the band crosses them (R. Brookmeyer, J. Crowley, 1982).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, exp, floor, log, sqrt
from typing import NamedTuple

from nurture.domain.shares import SURE, wilson

MONTH = 365.25 / 12  # days


class Spell(NamedTuple):
    """`people` who were watched for so many whole days; `ended`: it was over then, else they were watched no longer."""

    days: int
    ended: bool
    people: int


@dataclass(frozen=True, slots=True)
class Step:
    """`share` still lasts just after `day`; `at_risk` were watched until then."""

    day: int
    share: float
    low: float
    high: float
    at_risk: int


@dataclass(frozen=True, slots=True)
class Span:
    """A duration in days and between which it surely lies; None: not reached by those who were watched longest."""

    days: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """What lasts after how many days. `steps` are the days on which something ended; `watched` the ends of watching, both sorted by day."""

    steps: tuple[Step, ...]
    watched: tuple[tuple[int, int], ...]
    people: int
    ended: int

    def at(self, days: float) -> Step:
        """The share that lasts at least so long, and how many are watched so long."""
        last = None
        for step in self.steps:
            if step.day >= days:
                break
            last = step
        at_risk = sum(people for day, people in self.watched if day >= days)
        low = wilson(at_risk, at_risk)[0] if last is None else last.low
        return Step(floor(days), last.share if last else 1.0, low, last.high if last else 1.0, at_risk)

    def quantile(self, share: float) -> Span:
        """After how many days only `share` lasts."""

        def first(bound: str) -> float | None:
            return next((float(s.day) for s in self.steps if getattr(s, bound) <= share), None)

        return Span(first("share"), first("low"), first("high"))


def survival(spells: Iterable[Spell]) -> Curve:
    """The curve of these spells, in any order; as many rows as there are days, however many the people."""
    ordered = sorted(s for s in spells if s.people > 0)
    people = at_risk = sum(s.people for s in ordered)
    share, variance, steps, watched = 1.0, 0.0, [], []
    for day, group in groupby(ordered, key=lambda s: s.days):
        here = list(group)
        gone, ended = sum(s.people for s in here), sum(s.people for s in here if s.ended)
        if ended:
            share *= 1 - ended / at_risk
            variance += ended / (at_risk * (at_risk - ended)) if ended < at_risk else 0.0
            steps.append(Step(day, share, *_band(share, variance, at_risk), at_risk))
        watched.append((day, gone))
        at_risk -= gone
    return Curve(tuple(steps), tuple(watched), people, sum(s.people for s in ordered if s.ended))


def _band(share: float, variance: float, at_risk: int) -> tuple[float, float]:
    if share <= 0:
        return 0.0, wilson(0, at_risk)[1]
    reach = SURE * sqrt(variance) / abs(log(share))
    return share ** exp(reach), share ** exp(-reach)


def ranked(counts: Sequence[tuple[int, int]], share: float) -> Span:
    """The day by which `share` of these were done, all of them being done: (day, people), sorted. The band is that of order statistics."""
    total = sum(people for _, people in counts)
    if not total:
        return Span(None, None, None)
    reach = SURE * sqrt(total * share * (1 - share))
    ranks = (max(1, ceil(total * share)), floor(total * share - reach), ceil(total * share + reach) + 1)
    return Span(*(float(_day_of(counts, rank)) if 1 <= rank <= total else None for rank in ranks))


def _day_of(counts: Sequence[tuple[int, int]], rank: int) -> int:
    passed = 0
    for day, people in counts:
        passed += people
        if passed >= rank:
            return day
    return counts[-1][0]

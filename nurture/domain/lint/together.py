"""Several sequences side by side: do they promise the same people things that cannot both come true?"""

from collections.abc import Iterator
from collections.abc import Sequence as Documents
from itertools import combinations
from typing import Any

from nurture.domain.conditions import All, AnyOf
from nurture.domain.documents import Policy, Sequence
from nurture.domain.lint.findings import Finding, warn
from nurture.domain.lint.promises import lacking, sells_by_thirds
from nurture.domain.mixes import Ratio
from nurture.domain.words import Kind


def lint_together(sequences: Documents[Sequence], policy: Policy) -> Iterator[tuple[Sequence, Finding]]:
    """(the sequence to change, the finding) for live sequences whose audiences surely share people."""
    live = [s for s in sequences if s.state == "live" and s.audience is not None]
    for one, other in combinations(live, 2):
        if surely_share(one.audience, other.audience):
            yield from _promises(one, other)
            yield from _promises(other, one)
            yield from _cadences(one, other, policy)


def surely_share(one: Any, other: Any) -> bool:
    """Whether everybody who answers to one condition answers to the other. False where that cannot be seen from the words alone."""
    return _within(one, other) or _within(other, one)


def _within(inner: Any, outer: Any) -> bool:
    if inner == outer:
        return True
    if isinstance(outer, AnyOf):
        return any(_within(inner, part) for part in outer.any)
    if isinstance(inner, All):
        return any(_within(part, outer) for part in inner.all)
    return False


def _promises(loose: Sequence, strict: Sequence) -> Iterator[tuple[Sequence, Finding]]:
    """What `strict` promises holds for the offers of `loose` too; told where their letters together do not earn them."""
    ratio = max((p.useful for p in strict.promises if isinstance(p, Ratio)), default=0)
    own = max((p.useful for p in loose.promises if isinstance(p, Ratio)), default=0)
    sells = any(x.kind is Kind.SALES for x in loose.letters)
    thirds = any(sells_by_thirds(p) for p in loose.promises)
    if not sells or not loose.promises or ratio <= own or not ((thirds and ratio > 2) or _unearned(loose, strict, ratio)):
        return
    shown = " and ".join("thirds" if sells_by_thirds(p) else str(p) for p in loose.promises)
    message = f"people of {strict.name} are promised {ratio}:1, so the offers of {loose.name} ({shown}) are held for them too"
    advice = "Promise the same in both, or keep the audiences apart: {all: [..., {not: {in_sequence: " + strict.name + "}}]}."
    yield loose, warn(("mix",), "contradicting-promises", message, advice)


def _unearned(loose: Sequence, strict: Sequence, ratio: int) -> bool:
    return lacking((*loose.letters, *strict.letters), [Ratio(ratio)]) is not None and lacking(strict.letters, [Ratio(ratio)]) is None


def _cadences(one: Sequence, other: Sequence, policy: Policy) -> Iterator[tuple[Sequence, Finding]]:
    """Two floors that do not fit under one cap."""
    weekly = [s.cadence.count for s in (one, other) if s.cadence and s.cadence.per == "week"]
    if len(weekly) == 2 and sum(weekly) > policy.cap >= max(weekly):
        both = f"{one.name} ({one.cadence}) and {other.name} ({other.cadence})"
        message = f"{both} reach the same people, and the cap is {policy.cap} on seven days"
        advice = "Lower one of them, keep the audiences apart, or let one follow the other: {not: {in_sequence: " + one.name + "}}."
        yield other, warn(("cadence",), "floor", message, advice)

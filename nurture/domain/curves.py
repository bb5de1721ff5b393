"""A list's own figures of time: how fast interest decays, and how long people take to buy for the first time."""

from dataclasses import dataclass
from typing import Any

from nurture.domain.survival import MONTH, Curve, Span, Spell, Step, ranked, survival

MONTHS = 24
ENOUGH = 30  # people; fewer tell nothing
_WATCHED = 10  # a point of the curve stands on at least so many
FIELD_MONTHS, FIELD_LEFT = 18, 1 / 8  # what the marketing practice reports: gone to an eighth in eighteen months
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Point:
    """`share` (0..1) after so many months, surely between `low` and `high`; `people` were watched so long."""

    month: int
    share: float
    low: float
    high: float
    people: int


@dataclass(frozen=True, slots=True)
class Decay:
    """Of people who ever answered, the share that still shows a human sign so many months after the first answer, or later.

    `answered` counts them; `people` of them could be followed: longer than the silence after which interest counts as over.
    """

    answered: int
    people: int
    ended: int
    points: tuple[Point, ...]
    half_life: Span

    @property
    def enough(self) -> bool:
        return self.people >= ENOUGH and len(self.points) > 1


@dataclass(frozen=True, slots=True)
class FirstPurchase:
    """From joining to the first purchase. `points`: the share that has bought within so many months.

    `quartiles`: by when 25, 50 and 75 % of all have bought; `of_buyers`: the same of those who have bought so far.
    """

    people: int
    bought: int
    points: tuple[Point, ...]
    quartiles: tuple[Span, ...]
    of_buyers: tuple[Span, ...]

    @property
    def enough(self) -> bool:
        return self.bought >= _WATCHED and self.people >= ENOUGH and len(self.points) > 1


@dataclass(frozen=True, slots=True)
class Curves:
    decay: Decay
    first_purchase: FirstPurchase


def decay_of(spells: list[Spell], answered: int) -> Decay:
    """`spells`: from the first answer to the last human sign."""
    curve = survival(spells)
    return Decay(answered, curve.people, curve.ended, tuple(_points(curve)), curve.quantile(0.5))


def first_purchase_of(spells: list[Spell]) -> FirstPurchase:
    """`spells`: from joining to the first purchase, or to today or the day of leaving."""
    curve = survival(spells)
    points = tuple(Point(p.month, 1 - p.share, 1 - p.high, 1 - p.low, p.people) for p in _points(curve))
    counts = sorted((s.days, s.people) for s in spells if s.ended)
    return FirstPurchase(
        curve.people, curve.ended, points, tuple(curve.quantile(1 - q) for q in QUARTILES), tuple(ranked(counts, q) for q in QUARTILES)
    )


def _points(curve: Curve) -> list[Point]:
    found = [(month, curve.at(month * MONTH)) for month in range(MONTHS + 1)]
    return [_point(month, step) for month, step in found if step.at_risk >= _WATCHED]


def _point(month: int, step: Step) -> Point:
    return Point(month, step.share, step.low if month else 1.0, step.high, step.at_risk)


def said_of_decay(decay: Decay) -> str:
    """The decay in a sentence or two, against what the field reports."""
    if not decay.enough:
        followed = f"{decay.people} who answered could be followed long enough, {ENOUGH} are needed"
        return f"Too few people to measure how fast interest decays: {followed}."
    last = decay.points[-1]
    half = f"Half of those who answered have fallen silent after {_months(decay.half_life)}; the field says 6 months."
    if decay.half_life.days is None:
        half = f"After {last.month} months {last.share:.0%} ({last.low:.0%} to {last.high:.0%}) still show a sign: more than half."
    there = next((p for p in decay.points if p.month == FIELD_MONTHS), None)
    if there is None:
        return half
    than = "more than" if there.low > FIELD_LEFT else "less than" if there.high < FIELD_LEFT else "about"
    left = f"{there.share:.0%} ({there.low:.0%} to {there.high:.0%})"
    return f"{half} After {FIELD_MONTHS} months {left} still show a sign: {than} the eighth of the field."


def said_of_purchase(first: FirstPurchase) -> str:
    """The time to the first purchase in a sentence or two."""
    if not first.bought:
        return "Nobody has bought yet, so there is no time to the first purchase."
    if not first.enough:
        return f"Too few to measure the time to the first purchase: {first.bought} of {first.people:,} have bought, 10 are needed."
    early, middle, late = first.of_buyers
    last = first.points[-1]
    half = f"half of all within {_days(first.quartiles[1])}" if first.quartiles[1].days is not None else "under half of all"
    share = f"{last.share:.1%} ({last.low:.1%} to {last.high:.1%})"
    return (
        f"{first.bought:,} of {first.people:,} have bought, half of these within {_days(middle)} of joining, "
        f"a quarter within {_days(early)}, three quarters within {_days(late)}. "
        f"Of everybody {share} buy within {last.month} months: {half}."
    )


def _months(span: Span) -> str:
    return f"{_number(span.days, MONTH)} months ({_number(span.low, MONTH)} to {_number(span.high, MONTH)})"


def _days(span: Span) -> str:
    return f"{_number(span.days, 1)} days ({_number(span.low, 1)} to {_number(span.high, 1)})"


def _number(days: float | None, unit: float) -> str:
    return "more than was watched" if days is None else f"{days / unit:.{0 if unit == 1 else 1}f}"


def to_json(curves: Curves) -> dict[str, Any]:
    """`{decay, first_purchase}` as plain data. Shares are 0..1, rounded to four places; durations are days, null where not reached."""
    decay, first = curves.decay, curves.first_purchase
    return {
        "decay": {
            "answered": decay.answered, "people": decay.people, "ended": decay.ended, "enough": decay.enough,
            "half_life_days": _span_json(decay.half_life), "months": [_point_json(p) for p in decay.points],
            "field": {"months": FIELD_MONTHS, "share": FIELD_LEFT}, "verdict": said_of_decay(decay),
        },
        "first_purchase": {
            "people": first.people, "bought": first.bought, "enough": first.enough,
            "quartiles_days": {f"{q:.0%}": _span_json(s) for q, s in zip(QUARTILES, first.quartiles, strict=True)},
            "of_buyers_days": {f"{q:.0%}": _span_json(s) for q, s in zip(QUARTILES, first.of_buyers, strict=True)},
            "months": [_point_json(p) for p in first.points], "verdict": said_of_purchase(first),
        },
    }  # fmt: skip


def _span_json(span: Span) -> dict[str, float | None]:
    return {"days": span.days, "low": span.low, "high": span.high}


def _point_json(point: Point) -> dict[str, float]:
    shares = {name: round(getattr(point, name), 4) for name in ("share", "low", "high")}
    return {"month": point.month, **shares, "people": point.people}

"""What the personal hour brings: letters sent at it against letters kept at a random time, with how far chance may have moved the figures.

A person's letters are alike, so people are counted, not letters: the variance of each arm's rate is that between its people (ratio
estimate, linearised), turned into the number of independent letters that would be as uncertain. On these stand Wilson's interval for each
arm and Newcombe's for the difference (Newcombe 1998, method 10), widened by Student's t for the few people of the control.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

LEAST_PEOPLE, LEAST_LETTERS = 10, 50
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Arm:
    """Letters of one arm and how many were answered; the other sums are over its people: answered^2, letters^2 and their product."""

    people: int = 0
    letters: int = 0
    answered: int = 0
    answered_squares: int = 0
    letters_squares: int = 0
    products: int = 0

    @property
    def rate(self) -> float | None:
        return self.answered / self.letters if self.letters else None

    def independent(self) -> float:
        """How many independent letters would tell the rate as well as these do: fewer than there are where people differ."""
        if self.people < 2 or not 0 < self.answered < self.letters:
            return float(self.people)
        p = self.answered / self.letters
        squares = self.answered_squares - 2 * p * self.products + p * p * self.letters_squares
        variance = self.people / (self.people - 1) * squares / self.letters**2
        return min(float(self.letters), p * (1 - p) / variance) if variance > 0 else float(self.letters)


@dataclass(frozen=True, slots=True)
class Lift:
    """`difference`: learned less random, in shares; `low` and `high` are its 95 % interval. None while there is too little to tell."""

    learned: Arm
    random: Arm
    difference: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def verdict(self) -> str:
        """One honest sentence."""
        if self.difference is None or self.low is None or self.high is None:
            return (
                f"Too few letters to tell: {_size(self.learned)} at their own hour, {_size(self.random)} at a random one; "
                f"each side needs {LEAST_LETTERS} letters to {LEAST_PEOPLE} people."
            )
        found = f"{_points(self.difference)} points, between {_points(self.low)} and {_points(self.high)} (95 in 100)"
        if self.low > 0:
            return f"The own hour helps: {found}."
        if self.high < 0:
            return f"The own hour does harm: {found}. `best_hour: false` in the policy turns it off."
        return f"No difference can be told from chance: {found}."


def _size(arm: Arm) -> str:
    return f"{arm.letters:,} to {arm.people:,} people"


def _points(share: float) -> str:
    return f"{share * 100:+.1f}"


def lift(learned: Arm, random: Arm) -> Lift:
    if any(arm.people < LEAST_PEOPLE or arm.letters < LEAST_LETTERS for arm in (learned, random)):
        return Lift(learned, random)
    (p, low, high), (q, floor, roof) = _wilson(learned), _wilson(random)
    difference = p - q
    down, up = sqrt((p - low) ** 2 + (roof - q) ** 2), sqrt((high - p) ** 2 + (q - floor) ** 2)
    return Lift(learned, random, difference, max(-1.0, difference - down), min(1.0, difference + up))


def _wilson(arm: Arm) -> tuple[float, float, float]:
    """(rate, low, high) of one arm."""
    p, n, t = arm.answered / arm.letters, arm.independent(), _student(arm.people - 1)
    middle, half = p + t * t / (2 * n), t * sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    return p, max(0.0, (middle - half) / (1 + t * t / n)), min(1.0, (middle + half) / (1 + t * t / n))


def _student(freedom: int) -> float:
    """The 97.5 % point of Student's t, by the first two terms of its expansion: within 0.01 from nine degrees on."""
    return _Z + (_Z**3 + _Z) / (4 * freedom) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)

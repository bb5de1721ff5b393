"""The result of a question: the last word of each person, counted, with how sure it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import sqrt
from typing import Any

from nurture.domain.asking import Answer, Question
from nurture.domain.shares import wilson
from nurture.domain.themes import Theme

# Student's t, two-sided 95 %, by degrees of freedom 1 to 30; beyond that the normal's 1.96 is near enough.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
    2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One person's answer, as it is counted. `how`: `page` or `click`."""

    person: int
    at: datetime
    answer: Answer
    how: str = "page"


@dataclass(frozen=True, slots=True)
class Line:
    """One answer that could be chosen. `share` is of those who chose any; with 95 % confidence it truly lies between `low` and `high`."""

    id: str
    text: str
    people: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a rating or score; `low` and `high` hold the true one with 95 % confidence, None where one answer is all there is."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Step:
    id: str
    text: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """A quarter of a year, `2026-Q1`: the last word of each person in it."""

    name: str
    people: int
    chosen: Mapping[str, int]
    mean: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """`asked`: people who got a letter with the question; `people` answered, `by_click` of them by a click alone, `own_words` with a text.
    `machines`: clicks and forms that were left out.
    """

    name: str
    heading: str
    way: str
    closes: str | None
    asked: int
    people: int
    by_click: int
    own_words: int
    machines: int
    lines: tuple[Line, ...]
    mean: Mean | None
    steps: tuple[Step, ...]
    periods: tuple[Period, ...]
    themes: tuple[Theme, ...] = ()


def way_of(question: Question) -> str:
    return next((word for word in ("choices", "rating", "quiz") if getattr(question, word) is not None), "words")


def tally(
    question: Question, last: Sequence[Said], every: Iterable[Said] = (), *, asked: int = 0, machines: int = 0,
    themes: tuple[Theme, ...] = (),
) -> Tally:  # fmt: skip
    """`last`: one answer a person; `every`: all of them, for the course of time."""
    chosen = Counter(one.answer.choice for one in last if one.answer.choice)
    steps = [
        Step(step.id, step.text, lines({c.id: c.text for c in step.choices}, Counter(s.answer.steps.get(step.id, "") for s in last)))
        for step in question.quiz or ()
    ]
    return Tally(
        question.name, question.heading, way_of(question), question.closes, asked, len(last), sum(one.how == "click" for one in last),
        sum(bool(one.answer.text) for one in last), machines, lines(question.outcomes, chosen), _mean(question, last), tuple(steps),
        periods(every), themes,
    )  # fmt: skip


def lines(options: Mapping[str, str], chosen: Mapping[str, int]) -> tuple[Line, ...]:
    """A line for each option, in its order, and for what was chosen while it was still one."""
    texts = {**options, **{choice: f"{choice} (no longer a choice)" for choice in sorted(chosen) if choice and choice not in options}}
    of = sum(chosen.get(choice, 0) for choice in texts)
    found = []
    for choice, text in texts.items():
        people = chosen.get(choice, 0)
        low, high = wilson(people, of)
        found.append(Line(choice, text, people, people / of if of else 0.0, low, high))
    return tuple(found)


def _mean(question: Question, last: Sequence[Said]) -> Mean | None:
    bounds = (1.0, float(question.rating)) if question.rating else tuple(map(float, question.scores)) if question.quiz else None
    values = [one.answer.value for one in last if one.answer.value is not None]
    if bounds is None or not values:
        return None
    return mean_of(values, bounds[0], bounds[1])


def mean_of(values: Sequence[float], least: float, most: float) -> Mean:
    """The mean with its interval by Student's t, kept inside what is possible."""
    number = len(values)
    middle = sum(values) / number
    if number < 2:
        return Mean(middle, None, None)
    spread = sqrt(sum((v - middle) ** 2 for v in values) / (number - 1))
    reach = (_T[number - 2] if number - 2 < len(_T) else 1.96) * spread / sqrt(number)
    return Mean(middle, max(least, middle - reach), min(most, middle + reach))


def periods(every: Iterable[Said]) -> tuple[Period, ...]:
    """Quarter by quarter, for what is asked again and again."""
    by_quarter: dict[str, dict[int, Said]] = defaultdict(dict)
    for one in sorted(every, key=lambda said: said.at):
        by_quarter[f"{one.at.year}-Q{(one.at.month + 2) // 3}"][one.person] = one
    found = []
    for name, people in sorted(by_quarter.items()):
        values = [one.answer.value for one in people.values() if one.answer.value is not None]
        chosen = Counter(one.answer.choice for one in people.values() if one.answer.choice)
        found.append(Period(name, len(people), dict(chosen), sum(values) / len(values) if values else None))
    return tuple(found)


def to_json(result: Tally) -> dict[str, Any]:
    """Counts only, nobody's name or text: themes with the number of people behind them."""
    told = asdict(result)
    told["themes"] = [{"words": theme.words, "people": len(theme.people), "pair": theme.pair} for theme in result.themes]
    return told

"""The result sheet in figures: verdicts that add up to the audience, the difference to the holdout, the list before and after."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from nurture.domain.cleanup.words import Part, Verdict
from nurture.domain.shares import wilson

YEAR_OF_90_DAYS = 365 / 90
Counts = Mapping[str, int]
VERDICTS = tuple(word.value for word in Verdict)


class Difference(NamedTuple):
    """Shares of the treated and of the holdout, and their difference with its 95 % interval. `shown`: the interval leaves zero out."""

    treated: float
    holdout: float
    by: float
    low: float
    high: float
    shown: bool


def difference(count: int, people: int, held_count: int, held: int) -> Difference | None:
    """Newcombe's hybrid score interval (1998, method 10) of the difference of two shares; None where one side is empty."""
    if not people or not held:
        return None
    share, other = count / people, held_count / held
    (low, high), (low_held, high_held) = wilson(count, people), wilson(held_count, held)
    by = share - other
    least = by - math.hypot(share - low, high_held - other)
    most = by + math.hypot(high - share, other - low_held)
    return Difference(share, other, by, least, most, least > 0 or most < 0)


def verdict_table(counted: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """People by part and verdict, with `open` while a verdict is outstanding; every row and the whole add up to the audience."""
    words = (*VERDICTS, "open")
    table = {part.value: {word: counted.get((part.value, word), 0) for word in words} for part in Part}
    table["all"] = {word: sum(table[part.value][word] for part in Part) for word in words}
    return table


def against_holdout(table: Mapping[str, Counts]) -> dict[str, Difference | None]:
    """How much more often each thing happened to those who got offers than to those who got nothing."""
    treated, held = table[Part.OFFERS.value], table[Part.HOLDOUT.value]
    sizes = sum(treated.values()), sum(held.values())
    compared = (Verdict.REVIVED, Verdict.LEFT, Verdict.COMPLAINED, Verdict.BOUNCED)
    return {word.value: difference(treated[word.value], sizes[0], held[word.value], sizes[1]) for word in compared}


def condition(figures: Mapping[str, Any], letters_each: float, price: float | None) -> dict[str, Any]:
    """The list in one column of the sheet. `letters_each`: letters a person in 90 days, as they were before the cleanup; `price`: of a
    thousand letters.
    """
    people = int(figures.get("people", 0))
    letters = people * letters_each * YEAR_OF_90_DAYS
    composition = dict(figures.get("composition", {}))
    return {
        "people": people,
        "composition": composition,
        "passive_share": composition.get("passive", 0) / people if people else None,
        "answering": figures.get("answering", 0),
        "response_rate": figures.get("answering", 0) / people if people else None,
        "letters_a_year": round(letters),
        "cost_a_year": round(letters / 1000 * price, 2) if price is not None else None,
    }


def letters_each(before: Mapping[str, Any]) -> float:
    """Letters a person got in the 90 days before."""
    return float(before.get("letters_90", 0)) / before["people"] if before.get("people") else 0.0

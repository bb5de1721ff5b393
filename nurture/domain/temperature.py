"""Readiness to buy: hot people want to buy now, warm ones ask for advice, refusers said no, the rest look around. First match wins.

So a buyer who is silent for months cools from hot to warm: what was wanted is over in a fortnight, the purchase warms for half a year.
"""

from dataclasses import dataclass
from datetime import timedelta

from nurture.domain.signs import Signs, whole
from nurture.domain.words import Temperature

REFUSED_FOR = whole(timedelta(days=180))
HOT_FOR = whole(timedelta(days=14))
ANSWERS_WITHIN = whole(timedelta(days=30))
BOUGHT_WITHIN = whole(timedelta(days=180))
_TWO_ANSWERS = 8  # bytes: `standing.answers` keeps the last two


@dataclass(frozen=True, slots=True)
class Reading:
    temperature: Temperature
    reason: str


_REFUSER = Reading(Temperature.REFUSER, "said no in the last 180 days")
_HOT = Reading(Temperature.HOT, "clicked in a sales letter, asked to buy or became a lead in the last 14 days")
_ANSWERED = Reading(Temperature.WARM, "answered twice in 30 days")
_ASKED = Reading(Temperature.WARM, "asked for advice in the last 30 days")
_BOUGHT = Reading(Temperature.WARM, "bought in the last 180 days")
_COLD = Reading(Temperature.COLD, "no sign of wanting to buy")


def take(signs: Signs, now: int) -> Reading:
    """The temperature by today's facts. `now`: UTC seconds."""
    if signs.refused is not None and now - signs.refused <= REFUSED_FOR:
        return _REFUSER
    if signs.wanted is not None and now - signs.wanted <= HOT_FOR:
        return _HOT
    answers = signs.answers
    if len(answers) == _TWO_ANSWERS and now - int.from_bytes(answers[:4], "big") <= ANSWERS_WITHIN:
        return _ANSWERED
    if signs.asked is not None and now - signs.asked <= ANSWERS_WITHIN:
        return _ASKED
    if signs.bought is not None and now - signs.bought <= BOUGHT_WITHIN:
        return _BOUGHT
    return _COLD

"""Readiness to buy: hot people want to buy now, warm ones ask for advice, refusers said no, the rest look around. First match wins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.standing import Standing
from nurture.domain.words import Temperature

REFUSED_FOR = timedelta(days=180)
HOT_FOR = timedelta(days=14)
ANSWERS_WITHIN = timedelta(days=30)
BOUGHT_WITHIN = timedelta(days=180)
_TWO = 2


@dataclass(frozen=True, slots=True)
class Reading:
    temperature: Temperature
    reason: str


def _within(at: datetime | None, span: timedelta, now: datetime) -> bool:
    return at is not None and now - at <= span


def take(standing: Standing, now: datetime) -> Reading:
    """The temperature by today's facts."""
    if _within(standing.refused_at, REFUSED_FOR, now):
        return Reading(Temperature.REFUSER, "said no in the last 180 days")
    if _within(standing.wanted_at, HOT_FOR, now):
        return Reading(Temperature.HOT, "clicked in a sales letter, asked to buy or became a lead in the last 14 days")
    if len(standing.answers) == _TWO and _within(standing.answers[0], ANSWERS_WITHIN, now):
        return Reading(Temperature.WARM, "answered twice in 30 days")
    if _within(standing.asked_at, ANSWERS_WITHIN, now):
        return Reading(Temperature.WARM, "asked for advice")
    if _within(standing.bought_at, BOUGHT_WITHIN, now):
        return Reading(Temperature.WARM, "bought in the last 180 days")
    return Reading(Temperature.COLD, "no sign of wanting to buy")

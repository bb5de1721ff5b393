"""A cleanup's courses, as the planner reads them: its offers one a day, the letter for people who cannot be seen, the last letter."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import IntEnum

from nurture.domain.letters import Letter, Span, Weekday, Windows

_WORKDAYS = tuple(day for day in Weekday if day is not Weekday.SUN)
_TEN_TO_TWELVE = (Span.model_validate({"days": _WORKDAYS, "from": time(10), "until": time(12)}),)
OWN_WINDOWS = Windows(sales=_TEN_TO_TWELVE, long=_TEN_TO_TWELVE, short=_TEN_TO_TWELVE, other=_TEN_TO_TWELVE)
PRIORITY = 80  # before sequences and campaigns


class Leg(IntEnum):
    """Which of a cleanup's courses a way is: the `number` of the enrolment."""

    OFFERS = 1
    REPERMISSION = 2
    CLOSING = 3


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What the planner sends in one leg. It lifts mix and cap, keeps gap, quiet hours and blackout, and stands for one letter a local date.

    `watched`: only the first offer leaves until the canary is through. `until`: the date of the event; nothing leaves after it.
    """

    name: str
    leg: Leg
    letters: tuple[Letter, ...]
    until: date | None = None
    watched: bool = False
    windows: Windows = OWN_WINDOWS
    topic: None = None
    priority: int = PRIORITY
    promises: tuple[()] = ()
    cadence: None = None
    repay: str = "wait"
    stale_after: timedelta = timedelta(0)

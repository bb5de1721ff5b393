"""How a cleanup moves: draft -> canary -> ramp -> settling -> finished, or stopped. Each move with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from nurture.domain.cleanup.guard import Gauge
from nurture.domain.cleanup.sampling import Draw
from nurture.domain.cleanup.words import CleanupState

WATCH = timedelta(hours=24)  # of the canary after its last first offer, and of each step of the ramp
SETTLE = timedelta(days=3)  # a letter counts once accepted for three days
STEP_NAMES = ("canary", "5 %", "20 %", "all")
LAST_STEP = len(STEP_NAMES) - 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a cleanup is. `step`: 0 canary, 1-3 the ramp. `step_at`: since when. `first_waiting`: people of the steps so far whose first
    offer has not ended; `last_first_at`: when the last first offer was accepted; `under_way`: people with offers still to come.

    `to_take`: people of the present step who are not taken in yet. `unresolved`: silent people whose subscription is still to be closed.
    """

    state: CleanupState
    step: int
    step_at: datetime
    draw: Draw
    to_take: int = 0
    first_waiting: int = 0
    last_first_at: datetime | None = None
    under_way: int = 0
    settled: bool = False
    unresolved: int = 0
    gauges: Sequence[Gauge] = ()
    event_over: bool = False


class Step(NamedTuple):
    """The next move. `step`: of the ramp."""

    state: CleanupState
    step: int
    reason: str


def next_step(p: Progress, now: datetime) -> Step | None:
    """What follows now, or None. A stop rule goes before everything."""
    stops = next((g for g in p.gauges if g.level == "stop"), None)
    if stops is not None and p.state in (CleanupState.CANARY, CleanupState.RAMP, CleanupState.SETTLING):
        return Step(CleanupState.STOPPED, p.step, stops.words)
    match p.state:
        case CleanupState.CANARY | CleanupState.RAMP if p.event_over:
            return Step(CleanupState.SETTLING, p.step, "the event is over; no offer leaves after it") if not p.under_way else None
        case CleanupState.CANARY:
            return _after_canary(p, now)
        case CleanupState.RAMP:
            return _after_ramp(p, now)
        case CleanupState.SETTLING if p.settled and not p.unresolved:
            return Step(CleanupState.FINISHED, p.step, "everybody has a verdict")
    return None


def _after_canary(p: Progress, now: datetime) -> Step | None:
    if p.to_take or p.first_waiting:
        return None
    if p.last_first_at is not None and now < p.last_first_at + WATCH:
        return None
    reason = "the canary was watched for 24 hours" if p.last_first_at else "nobody was in the canary"
    return _further(p, reason)


def _after_ramp(p: Progress, now: datetime) -> Step | None:
    if p.to_take:
        return None
    if p.step == LAST_STEP:
        return None if p.under_way else Step(CleanupState.SETTLING, p.step, "the last offer has left")
    if p.first_waiting or now < p.step_at + WATCH:
        return None
    return _further(p, f"the step {STEP_NAMES[p.step]} was watched for a day")


def _further(p: Progress, reason: str) -> Step:
    """The next step that takes somebody in; those that add nobody are passed over."""
    reached = p.draw.steps[p.step]
    step = next((n for n in range(p.step + 1, LAST_STEP) if p.draw.steps[n] > reached), LAST_STEP)
    return Step(CleanupState.RAMP, step, f"{reason}; {STEP_NAMES[step]} follow")


def settles_at(since: datetime) -> datetime:
    return since + SETTLE


def event_is_over(event: date | None, latest_today: date) -> bool:
    """Whether no local date is left for offers: `latest_today` is the date in the last zone."""
    return event is not None and latest_today > event

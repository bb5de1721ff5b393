"""How much a relay or a recipient domain takes for now, and when one rests. Pure values; the moment comes in as `now`.

Everything starts open. Whoever asks for less gets half (multiplicative decrease); from then on the rate rises by the same step each
second (additive increase) until nobody has complained for ten minutes: then it is open again. The rate between two complaints is a
function of time alone, so that all workers reckon the same one without writing anything.

Whoever refuses the sender several times in a row rests for a quarter of an hour; then one letter tries, and another refusal makes the rest
longer. Nobody has to do anything once the cause is mended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LEAST_RATE = 0.2
UNSEEN = 2.0  # letters a second, where nothing was taken yet
DOUBLES_IN = 60.0  # seconds: a halved rate is what it was after one minute without a complaint, and goes on rising by that step
OPEN_AFTER = timedelta(minutes=10)
ONE_COMPLAINT = timedelta(seconds=1)  # answers so near to each other are one: they were on the wire together
REFUSALS_REST = 3
COMPLAINTS_SLOW = 3  # of one domain in a row: a single one may mean anything
FORGOTTEN = timedelta(days=1)  # after a rest that nobody tried to end
RESTS = tuple(timedelta(minutes=m) for m in (15, 30, 60))


@dataclass(frozen=True, slots=True)
class Throttle:
    """The state of one relay or one domain. `rate`: letters a second as of `slowed_at`; None: open.

    `away_until`: nothing goes there before; `trips`: rests in a row without an acceptance between them; `reason`: the sentence for both.
    """

    rate: float | None = None
    slowed_at: datetime | None = None
    away_until: datetime | None = None
    trips: int = 0
    reason: str = ""

    def rate_at(self, now: datetime) -> float | None:
        """Letters a second that it takes now; None: no limit."""
        if self.rate is None or self.slowed_at is None:
            return None
        passed = now - self.slowed_at
        if passed >= OPEN_AFTER:
            return None
        return self.rate * (1 + max(0.0, passed.total_seconds()) / DOUBLES_IN)

    def away(self, now: datetime) -> bool:
        return self.away_until is not None and now < self.away_until

    def trying(self, now: datetime) -> bool:
        """Its rest is over, and no letter has shown yet that it takes them again: one goes first."""
        return self.trips > 0 and self.away_until is not None and timedelta(0) <= now - self.away_until < FORGOTTEN

    def quiet(self, now: datetime) -> bool:
        """Nothing to tell of it any more."""
        return self.rate_at(now) is None and not self.away(now) and not self.trying(now)


def slowed(before: Throttle, seen: float, reason: str, now: datetime) -> Throttle:
    """Somebody asked for less. `seen`: letters a second that it took lately; answers within a second are one."""
    if before.slowed_at is not None and now - before.slowed_at < ONE_COMPLAINT and before.rate is not None:
        return before
    rates = [rate for rate in (before.rate_at(now), seen) if rate]
    return replace(before, rate=max(LEAST_RATE, min(rates, default=UNSEEN) / 2), slowed_at=now, reason=reason)


def rested(before: Throttle, reason: str, now: datetime) -> Throttle:
    """Refused several times in a row: away for a while, longer each time."""
    trips = before.trips if before.away(now) or before.trying(now) else 0
    wait = RESTS[min(trips, len(RESTS) - 1)]
    return replace(before, away_until=now + wait, trips=trips + 1, reason=reason)


def welcomed(before: Throttle) -> Throttle:
    """It took a letter: whatever had made it rest is over."""
    return replace(before, away_until=None, trips=0)


def sentence(name: str, throttle: Throttle, now: datetime) -> str:
    """What an operator reads: `gmail.com takes 2.5 letters a second for now: ...`; empty when there is nothing to tell."""
    what = name.partition(":")[2]
    if throttle.away(now) and throttle.away_until is not None:
        until = throttle.away_until.strftime("%H:%M UTC")
        return f"nothing goes to {what} until {until}: {throttle.reason}. It is tried again by itself; `nurture resume` tries at once"
    if throttle.trying(now):
        return f"{what} is tried again, one letter first, after: {throttle.reason}"
    rate = throttle.rate_at(now)
    return f"{what} takes {rate:.2g} letters a second for now, and more by and by: {throttle.reason}" if rate is not None else ""


def share(rate: float | None, processes: int) -> float | None:
    """What one of several processes may use of a rate that belongs to all."""
    return None if rate is None else rate / max(1, processes)


@dataclass(slots=True)
class Bucket:
    """Letters that may go to one domain now, by monotonic seconds: fills at `rate`, holds a second's worth, at least one letter."""

    rate: float
    level: float = 1.0
    at: float = 0.0

    def fill(self, rate: float, moment: float) -> None:
        if self.at:
            self.level = min(max(1.0, rate), self.level + rate * (moment - self.at))
        self.rate, self.at = rate, moment

    def room(self) -> int:
        return int(self.level + 1e-9)

    def take(self, letters: int) -> None:
        self.level -= letters

    def wait(self) -> float:
        """Seconds until the next letter may go."""
        return max(0.0, (1.0 - self.level) / self.rate)


def written_rates(text: str) -> Mapping[str, float]:
    """`gmail.com=5/s, outlook.com=100/m, web.de=5000/h` -> letters a second by domain. Raises ValueError with what to write."""
    found: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        domain, equals, rate = (p.strip() for p in part.partition("="))
        number, slash, unit = (p.strip() for p in rate.partition("/"))
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(unit)
        try:
            letters = float(number)
        except ValueError:
            letters = 0.0
        if not equals or "." not in domain or " " in domain or not slash or seconds is None or not 0 < letters < float("inf"):
            raise ValueError(f"{part!r} is not understood; write domains with a rate, like gmail.com=5/s, outlook.com=100/m")
        found[domain.lower()] = letters / seconds
    return found

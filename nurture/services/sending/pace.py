"""How fast, and whose turn. Pure: the moment comes in as monotonic seconds.

Without a rate there is no limit until a relay itself asks for less (421, 454, 4.7.x): then its rate halves at once, and rises again as
domain/throttles.py says, the same for all workers. Each relay has its own; in force is that of the one that letters go to now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nurture.domain.throttles import LEAST_RATE, UNSEEN
from nurture.domain.words import Kind
from nurture.store.claims import CLAIM_AT_ONCE, DueLane

SLICE = 128
MEASURE = 0.1  # seconds
LATE = 0.02  # seconds; so much that a timer rings too late is made up for, else a rate of 500 would send 300
CLAIM_SECONDS = 4.0  # a claim holds what leaves in about this long, so that service letters need not wait


@dataclass(slots=True)
class Taken:
    """What one relay took. `seen`: letters a second lately, while there was work."""

    seen: float = 0.0
    count: int = 0
    since: float = 0.0


@dataclass(slots=True)
class Pace:
    """`ceiling`: the operator's rate for all relays together; None for none. `limits`: the rates of those that asked for less.

    `trying`: relays whose rest is over: one letter goes first. `in_use`: the relay that letters go to now, if it has a name.
    """

    ceiling: float | None = None
    limits: dict[str, float] = field(default_factory=dict)
    trying: frozenset[str] = frozenset()
    in_use: Callable[[], str] = lambda: ""
    _next: float = 0.0
    _taken: dict[str, Taken] = field(default_factory=dict)
    _slowed: dict[str, float] = field(default_factory=dict)

    @property
    def limit(self) -> float | None:
        """The rate of the relay in use since it asked for less."""
        return self.limits.get(self.in_use()) if self.limits else None

    @property
    def rate(self) -> float | None:
        return self._within(self.limits.get(self.in_use())) if self.limits else self.ceiling  # asked for each letter

    def _within(self, limit: float | None) -> float | None:
        if self.ceiling is None or limit is None:
            return limit if self.ceiling is None else self.ceiling
        return min(self.ceiling, limit)

    @property
    def seen(self) -> float:
        """Letters a second that the relay in use took lately; of the quickest, where none has a name."""
        name = self.in_use()
        return self.seen_of(name) if name else max((taken.seen for taken in self._taken.values()), default=0.0)

    def seen_of(self, relay: str) -> float:
        return self._taken[relay].seen if relay in self._taken else 0.0

    @property
    def single(self) -> bool:
        """After a rest one letter tries first."""
        return bool(self.trying) and self.in_use() in self.trying

    def begin(self, now: float) -> None:
        """Work begins after a rest, which must not count as slowness."""
        for taken in self._taken.values():
            taken.count, taken.since = 0, now

    def reserve(self, now: float) -> None:
        """Take the place on the wire that is free now, or the next one."""
        if (rate := self.rate) is not None:
            self._next = max(now - LATE, self._next) + 1 / rate

    def ahead(self, now: float) -> float:
        """Seconds until the next place on the wire is free."""
        return 0.0 if self.rate is None else max(0.0, self._next - now)

    def took(self, now: float, relay: str) -> None:
        """This relay took a letter."""
        taken = self._taken.get(relay)
        if taken is None:
            self._taken[relay] = Taken(since=now)
            return
        taken.count += 1
        passed = now - taken.since
        if passed >= MEASURE:
            taken.seen, taken.count, taken.since = taken.count / passed, 0, now

    def follow(self, limits: Mapping[str, float], now: float) -> None:
        """Take over the limits that all workers share; what was heard in this very second is not in them yet."""
        self._slowed = {relay: at for relay, at in self._slowed.items() if now - at < 1}
        self.limits = {**limits, **{relay: self.limits[relay] for relay in self._slowed}}

    def slow(self, now: float, relay: str) -> None:
        """This relay asked for less; several such answers within a second are one."""
        if now - self._slowed.get(relay, float("-inf")) < 1:
            return
        self._slowed[relay] = now
        self.limits[relay] = max(LEAST_RATE, (self._within(self.limits.get(relay)) or self.seen_of(relay) or UNSEEN) / 2)

    def slice(self, in_flight: int, connections: int) -> int:
        """How many letters one intent may hand over: what leaves within a second, half of what may be in flight."""
        most = 1 if self.single else min(SLICE, max(1, in_flight // 2))
        expected = self.rate or self.seen or 4.0 * connections
        return max(1, min(most, int(expected)))

    def claim(self) -> int:
        """How many rows to claim: what leaves in a few seconds."""
        if self.single:
            return 1
        return CLAIM_AT_ONCE if self.rate is None else max(1, min(CLAIM_AT_ONCE, int(self.rate * CLAIM_SECONDS)))


@dataclass(slots=True)
class Turns:
    """Service first; the others in turn, each as often as its priority says (smooth weighted round robin)."""

    _credit: dict[int, float] = field(default_factory=dict)

    def next(self, due: Sequence[DueLane]) -> DueLane | None:
        if not due:
            self._credit.clear()
            return None
        first = due[0]
        if first.name == Kind.SERVICE.value:
            return first
        weights = {lane.id: max(1, lane.priority) for lane in due}
        self._credit = {lane: self._credit.get(lane, 0.0) + weight for lane, weight in weights.items()}
        chosen = max(due, key=lambda lane: (self._credit[lane.id], lane.priority, -lane.id))
        self._credit[chosen.id] -= sum(weights.values())
        return chosen

"""How fast, and whose turn. Pure: the moment comes in as monotonic seconds.

Without a rate there is no limit until the relay itself asks for less (421, 454, 4.7.x): then the rate halves at once, and rises again as
domain/throttles.py says, the same for all workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nurture.domain.throttles import LEAST_RATE
from nurture.domain.words import Kind
from nurture.store.claims import CLAIM_AT_ONCE, DueLane

SLICE = 128
MEASURE = 0.1  # seconds
LATE = 0.02  # seconds; so much that a timer rings too late is made up for, else a rate of 500 would send 300
CLAIM_SECONDS = 4.0  # a claim holds what leaves in about this long, so that service letters need not wait


@dataclass(slots=True)
class Pace:
    """`ceiling`: the operator's rate; `limit`: the one in force since the relay asked for less; both None for none.

    `seen`: letters a second that the relay took lately, while there was work. `single`: after a rest one letter tries first.
    """

    ceiling: float | None = None
    limit: float | None = None
    seen: float = 0.0
    single: bool = False
    _next: float = 0.0
    _count: int = 0
    _since: float = 0.0
    _slowed: float = float("-inf")

    @property
    def rate(self) -> float | None:
        if self.ceiling is None or self.limit is None:
            return self.limit if self.ceiling is None else self.ceiling
        return min(self.ceiling, self.limit)

    def begin(self, now: float) -> None:
        """Work begins after a rest, which must not count as slowness."""
        self._count, self._since = 0, now

    def reserve(self, now: float, until: float) -> float | None:
        """Seconds to wait for the next place on the wire; None when it would come after `until`."""
        rate = self.rate
        if rate is None:
            return 0.0 if now <= until else None
        start = max(now - LATE, self._next)
        if start > until:
            return None
        self._next = start + 1 / rate
        return max(0.0, start - now)

    def ahead(self, now: float) -> float:
        """Seconds until the next place on the wire is free."""
        return 0.0 if self.rate is None else max(0.0, self._next - now)

    def took(self, now: float) -> None:
        """The relay took a letter."""
        self._count += 1
        passed = now - self._since
        if passed < MEASURE:
            return
        self.seen, self._count, self._since = self._count / passed, 0, now

    def follow(self, limit: float | None, now: float) -> None:
        """Take over the limit that all workers share; what was heard in this very second is not in it yet."""
        if now - self._slowed >= 1:
            self.limit = limit

    def slow(self, now: float) -> None:
        """The relay asked for less; several such answers within a second are one."""
        if now - self._slowed < 1:
            return
        self._slowed = now
        self.limit = max(LEAST_RATE, (self.rate or self.seen or 2.0) / 2)

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

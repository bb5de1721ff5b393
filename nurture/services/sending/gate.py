"""What stands before the relay: how fast it is used now, whether it rests, which recipient domains have a turn, how much of a day is left.

The state is shared in the table `throttles`; the rules are domain/throttles.py. With nothing in force a claim reads one small table and a
letter costs nothing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.answer_table import BEFORE_THE_PERSON
from nurture.domain.answers import Level, Verdict
from nurture.domain.envelopes import Phase
from nurture.domain.throttles import COMPLAINTS_SLOW, REFUSALS_REST, Bucket, Throttle, rested, share, slowed, welcomed
from nurture.domain.warming import WarmUp, day_of
from nurture.domain.words import State
from nurture.services.sending.pace import Pace
from nurture.services.sending.rules import SendingRules
from nurture.store.claims import CLAIM_AT_ONCE
from nurture.store.throttles import change_throttle, load_throttles, used_since
from nurture.store.workers import leases

SHARE = {"all": 1.0, "service": 0.1, "others": 0.9}  # of the rate
RELAY, DOMAIN = "relay:", "domain:"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, as far as it is about more than its row."""

    relay: str
    domain: str
    phase: Phase
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """Something to write into a throttle: it asked for less (`seen`: what it took lately), it refuses, it took a letter again."""

    name: str
    word: str
    reason: str = ""
    seen: float = 0.0

    def of(self, before: Throttle, now: datetime) -> Throttle:
        if self.word == "slowed":
            return slowed(before, self.seen, self.reason, now)
        return welcomed(before) if self.word == "welcomed" else before if before.away(now) else rested(before, self.reason, now)


@dataclass(slots=True)
class Gate:
    """`ids`: throttle ids of domains. `left`: letters that may still leave today, None for any number. `processes` share every rate.

    `closed`: every relay rests; `not_now`: domains that do, or that have asked for less since the last look. `waits`: seconds until a
    domain whose letters wait has its turn, None for no such domain.
    """

    known: dict[str, Throttle] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    processes: int = 1
    left: int | None = None
    closed: bool = False
    not_now: set[str] = field(default_factory=set)
    waits: float | None = None
    _names: tuple[str, ...] = ()
    _avoid: Callable[[Collection[str]], object] = lambda _names: None
    _written: dict[str, float] = field(default_factory=dict)
    _buckets: dict[int, Bucket] = field(default_factory=dict)
    _complaints: Counter[str] = field(default_factory=Counter)
    _refusals: dict[str, list[str]] = field(default_factory=dict)

    # -- looking --

    async def refresh(self, tx: AsyncConnection, rules: SendingRules, pace: Pace, now: datetime, moment: float) -> None:
        """Read what all workers share; `moment`: monotonic seconds."""
        stored, self._names, self._avoid = await load_throttles(tx), rules.relays, rules.avoid
        self.known = {row.name: row.state for row in stored}
        self.ids = {row.name.removeprefix(DOMAIN): row.id for row in stored if row.name.startswith(DOMAIN)}
        self._written = dict(rules.domain_rates)
        if rules.rate is not None or self.ids or any(not state.quiet(now) for state in self.known.values()):
            living = len(await leases(tx))
            self.processes = max(1, living if rules.lanes == "all" else (living + 1) // 2)
        part = SHARE[rules.lanes]
        ceiling = share(rules.rate, self.processes)
        pace.ceiling = ceiling * part if ceiling is not None else None
        relays = self._relays()
        rates = {name: share(state.rate_at(now), self.processes) for name, state in relays.items()}
        pace.follow({name: rate * part for name, rate in rates.items() if rate is not None}, moment)
        pace.trying = frozenset(name for name, state in relays.items() if state.trying(now))
        first = next((name for name, state in relays.items() if not state.away(now)), "")
        pace.in_use = lambda: rules.in_use() or first
        self._close(now)
        for domain, number in self.ids.items():
            rate = share(self._rate(domain, now), self.processes)
            if rate is None or rate <= 0:
                self._buckets.pop(number, None)
            else:
                self._buckets.setdefault(number, Bucket(rate)).fill(rate, moment)

    def missing(self, rules: SendingRules) -> list[str]:
        """Throttles of domains that the settings name and the table does not hold yet."""
        return [DOMAIN + domain for domain in rules.domain_rates if domain not in self.ids]

    async def count_day(self, tx: AsyncConnection, warm_up: WarmUp | None, zone: ZoneInfo, now: datetime) -> None:
        """What the warm-up leaves of this day."""
        self.left = None
        if warm_up is not None:
            day, began = day_of(now, zone)
            ceiling = warm_up.ceiling(day)
            if ceiling is not None:
                self.left = max(0, ceiling - await used_since(tx, began))

    def _relays(self) -> dict[str, Throttle]:
        """By name, the preferred one first."""
        if self._names:
            return {name: self.known.get(RELAY + name, Throttle()) for name in self._names}
        return {name.removeprefix(RELAY): state for name, state in self.known.items() if name.startswith(RELAY)}

    def _close(self, now: datetime) -> None:
        relays = self._relays()
        self.closed = bool(relays) and all(state.away(now) for state in relays.values())
        self._avoid([] if self.closed else [name for name, state in relays.items() if state.away(now)])
        self.not_now = {name.removeprefix(DOMAIN) for name, state in self.known.items() if name.startswith(DOMAIN) and state.away(now)}

    # -- recipient domains --

    def _rate(self, domain: str, now: datetime) -> float | None:
        """Letters a second for a domain; None: no limit; 0: it rests."""
        state = self.known.get(DOMAIN + domain, Throttle())
        if state.away(now):
            return 0.0
        if state.trying(now):
            return 1.0  # one letter tries
        rates = [r for r in (self._written.get(domain), state.rate_at(now)) if r is not None]
        return min(rates) if rates else None

    def throttled(self, domain: str, now: datetime) -> bool:
        return domain in self.ids and self._rate(domain, now) is not None

    def slow_domains(self, now: datetime) -> set[str]:
        """Domains whose letters wait for their turn."""
        return {domain for domain in self.ids if self.throttled(domain, now)}

    def room(self, number: int, now: datetime) -> int:
        """Letters that may leave now to the domain of this throttle."""
        bucket = self._buckets.get(number)
        if bucket is not None:
            return bucket.room()
        domain = next((d for d, i in self.ids.items() if i == number), "")
        return 0 if self._rate(domain, now) == 0 else CLAIM_AT_ONCE

    def take(self, number: int, letters: int) -> None:
        if number in self._buckets:
            self._buckets[number].take(letters)

    def wait_for(self, numbers: Iterable[int]) -> float | None:
        """Seconds until one of these domains has a turn again; None when that is not a matter of seconds."""
        waits = [self._buckets[number].wait() for number in numbers if number in self._buckets]
        return min(waits) if waits else None

    # -- hearing --

    @property
    def alert(self) -> bool:
        """Acceptances matter, too: something is in force, or has begun."""
        return bool(self._complaints or self._refusals or self.known)

    def hear(self, batch: Sequence[Heard], pace: Pace, now: datetime) -> list[Change]:
        """What follows from these answers for relays and domains. Counted once, however often the commit is tried."""
        changes: list[Change] = []
        for heard in batch:
            for change in self._heard(heard, batch, pace, now):
                self.known[change.name] = change.of(self.known.get(change.name, Throttle()), now)
                changes.append(change)
        if changes:
            news = {change.name.removeprefix(DOMAIN) for change in changes if change.name.startswith(DOMAIN) and change.word == "slowed"}
            slow = self.not_now
            self._close(now)
            self.not_now |= slow | news
        return changes

    def _heard(self, heard: Heard, batch: Sequence[Heard], pace: Pace, now: datetime) -> Iterator[Change]:
        verdict, relay, domain = heard.verdict, RELAY + heard.relay, DOMAIN + heard.domain
        if verdict.state is State.ACCEPTED:
            yield from self._took(relay, domain)
        elif verdict.slows and verdict.level is Level.RELAY:
            yield Change(relay, "slowed", verdict.reason, pace.seen_of(heard.relay) * self.processes)
        elif verdict.slows:
            self._complaints[domain] += 1
            if self._complaints[domain] >= COMPLAINTS_SLOW or self.known.get(domain, Throttle()).rate_at(now) is not None:
                part = sum(other.domain == heard.domain for other in batch) / len(batch)
                yield Change(domain, "slowed", verdict.reason, pace.seen_of(heard.relay) * self.processes * part)
        elif verdict.trips:
            yield from self._refused(relay, "" if heard.phase in BEFORE_THE_PERSON else domain, verdict.reason, now)

    def _took(self, relay: str, domain: str) -> Iterator[Change]:
        self._complaints.pop(domain, None)
        for name in (relay, domain):
            self._refusals.pop(name, None)
            if self.known.get(name, Throttle()).trips:
                yield Change(name, "welcomed")

    def _refused(self, relay: str, domain: str, reason: str, now: datetime) -> Iterator[Change]:
        """Refusals before the recipient are the relay's. Those after it are the domain's; of two domains in a row they are the relay's."""
        for name in filter(None, (relay, domain)):
            run = self._refusals.setdefault(name, [])
            run.append(domain)
            enough = 1 if self.known.get(name, Throttle()).trying(now) else REFUSALS_REST
            if len(run) < enough or (name == relay and "" not in run and len(set(run)) == 1):
                continue
            del self._refusals[name]
            yield Change(name, "rested", reason)


async def write_changes(tx: AsyncConnection, changes: Iterable[Change], now: datetime) -> None:
    """In the results' own commit."""
    for change in sorted(changes, key=lambda c: c.name):
        await change_throttle(tx, change.name, partial(change.of, now=now))

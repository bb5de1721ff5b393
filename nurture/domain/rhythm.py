"""A person's own hours: when they act, how much they prefer an hour, and which hour of a window is theirs.

An act is the first time a person opened, clicked or answered a letter by their own hand, at the hour of their wall clock. Within an hour
of the letter's arrival it speaks for that hour (the letter came at a good moment), later for its own (then they are at their letters).
`acts` counts them: 24 bytes, hour 0 first, or nothing while there is none; whenever 60 are reached all are halved, so that old habits fade.
This form is final.

People are mostly written to at ten, so most acts stand at ten whatever they prefer. Therefore acts are held against those *expected* at
that hour: the arrivals of the whole list, each followed by the usual delays. Acts over expected is the *pull* of an hour, 1 where nothing
is preferred. It is shrunk step by step: the list's towards 1, a group's towards the list's, a person's towards their group's.

Only letters whose hour was left to chance teach anything. A letter that left at once left when its reader had just acted; and one sent at
a learned hour would make that hour confirm itself: therefore one in five of everybody's goes at a random time, so that an hour can also be
unlearned. What the control answers teaches no more than that: whoever is compared must be chosen in both arms alike.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from zoneinfo import ZoneInfo

HOURS = 24
FULL = 60
LEAST_ACTS = 4  # a group's hour moves nobody who has never shown one: it would empty half of each window into the other half
BOUND = 0.75  # how sure it must be that the best hour beats the rest of the window
PERSON_WEIGHT, GROUP_WEIGHT, LIST_WEIGHT, DELAY_WEIGHT = 12.0, 50.0, 100.0, 50.0  # acts that each prior is worth
PROMPT = timedelta(hours=1)
AT_ONCE = timedelta(minutes=30)
_ANYWHERE = 0.05  # of the acts expected, those that may fall into any hour
_LEAST_PART = timedelta(minutes=10)
_CONTROL_SHARE, _FREE_SHARE = 0.1, 0.2
_USUAL_DELAYS = tuple(1 / (1 + late) ** 1.5 for late in range(HOURS))
_NORMAL = NormalDist()
Stretch = tuple[datetime, datetime]


class Timing(StrEnum):
    """Which arm of the comparison a delivery belongs to: at the person's own hour, or kept at a random one though an hour was known."""

    LEARNED = "learned"
    RANDOM = "random"


def credited_at(at: datetime, arrived: datetime) -> datetime:
    """The moment that an act speaks for."""
    return arrived if at - arrived < PROMPT else at


def teaches(timing: str | None, planned: datetime, arrived: datetime) -> bool:
    """Whether a delivery, written down at `planned` and accepted at `arrived`, tells of hours: those of both arms do not."""
    return timing is None and arrived - planned >= AT_ONCE


def count_act(acts: bytes, hour: int) -> bytes:
    """One act more in this local hour."""
    counts = bytearray(acts or bytes(HOURS))
    counts[hour] += 1
    return bytes(c >> 1 for c in counts) if sum(counts) >= FULL else bytes(counts)


def drawn(words: str, purpose: bytes) -> float:
    """A stable number in [0, 1) for these words; `purpose` keeps draws for different ends apart (at most 16 bytes)."""
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8, person=purpose).digest(), "big") / 2**64


def in_control(subscriber_id: int) -> bool:
    """A stable tenth of all people keeps a random time for ever, so that what the learned hour brings can be measured."""
    return drawn(str(subscriber_id), b"nurture-hour-arm") < _CONTROL_SHARE


def is_free(subscriber_id: int, letter: str) -> bool:
    """One letter in five, the same for ever, leaves at a random time whatever was learned: it belongs to no arm, and it teaches."""
    return drawn(f"{subscriber_id}\0{letter}", b"nurture-hour-try") < _FREE_SHARE


@dataclass(frozen=True, slots=True)
class Tally:
    """What one group of readers did, 24 numbers each: letters by the local hour of arrival, acts by that of the act."""

    letters: list[int]
    acts: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class Pulls:
    """What is known of the whole list: the share of acts `expected` in each hour, the list's pull, and that of each group (lane)."""

    expected: tuple[float, ...]
    everybody: tuple[float, ...]
    groups: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def learn_pulls(everybody: Tally, groups: Mapping[str, Tally], delays: Sequence[int]) -> Pulls:
    """Pulls from counts. `delays` counts acts by how many hours of the clock they came after their letter, 0 to 23, whole days left out."""
    usual = sum(_USUAL_DELAYS)
    weight = sum(delays) + DELAY_WEIGHT
    kernel = [(seen + DELAY_WEIGHT * u / usual) / weight for seen, u in zip(delays, _USUAL_DELAYS, strict=True)]
    expected = _expected(everybody.letters, kernel)
    level = _pull(everybody.acts, expected, LIST_WEIGHT)
    found = {}
    for name, tally in groups.items():
        own = _scaled([e * p for e, p in zip(_expected(tally.letters, kernel), level, strict=True)])
        found[name] = tuple(p * q for p, q in zip(_pull(tally.acts, own, GROUP_WEIGHT), level, strict=True))
    return Pulls(expected, level, found)


def _scaled(values: Sequence[float]) -> tuple[float, ...]:
    total = sum(values)
    return tuple(v / total for v in values)


def _expected(letters: Sequence[int], kernel: Sequence[float]) -> tuple[float, ...]:
    """Shares of the acts by hour that arrivals and delays alone would bring."""
    total = sum(letters)
    if not total:
        return (1 / HOURS,) * HOURS
    came = [sum(letters[(hour - late) % HOURS] * kernel[late] for late in range(HOURS)) / total for hour in range(HOURS)]
    return _scaled([(1 - _ANYWHERE) * c + _ANYWHERE / HOURS for c in came])


def _pull(acts: Sequence[int], expected: Sequence[float], weight: float) -> tuple[float, ...]:
    """Acts over expected acts, as if `weight` acts without any preference had been seen before."""
    total = sum(acts) + weight
    return tuple((a + weight * e) / (total * e) for a, e in zip(acts, expected, strict=True))


@dataclass(frozen=True, slots=True)
class Favourite:
    """The best of some hours, and how sure (0..1) it is that it pulls more than these hours do on average."""

    hour: int
    sure: float


def favourite(acts: bytes, pulls: Pulls, group: str, hours: Sequence[int]) -> Favourite:
    """The person's best of these hours (at least one), the earlier of equals. Acts are Poisson around expected x pull, and the person's
    pull is Gamma around the group's, so what is known after them is Gamma again.
    """
    prior, weight = pulls.groups.get(group, pulls.everybody), sum(acts) + PERSON_WEIGHT
    shapes = [(acts[h] if acts else 0) + PERSON_WEIGHT * pulls.expected[h] * prior[h] for h in hours]
    rates = [weight * pulls.expected[h] for h in hours]
    means = [shape / rate for shape, rate in zip(shapes, rates, strict=True)]
    place, part = means.index(max(means)), 1 / len(hours)
    ahead = means[place] - part * sum(means)
    spread = sqrt(sum(((i == place) - part) ** 2 * a / b**2 for i, (a, b) in enumerate(zip(shapes, rates, strict=True))))
    return Favourite(hours[place], _NORMAL.cdf(ahead / spread) if spread else 0.5)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One person's acts beside what is known of the list: asked only when a window is open to choice."""

    acts: bytes
    pulls: Pulls

    def part(self, group: str, opens: datetime, closes: datetime, zone: ZoneInfo) -> Stretch | None:
        """The part of an opening in the person's own hour; None when it has no two hours to choose from or no hour is sure enough."""
        parts = hour_parts(opens, closes, zone)
        if len(parts) < 2:
            return None
        found = favourite(self.acts, self.pulls, group, tuple(parts))
        return parts[found.hour] if found.sure >= BOUND else None


def rhythm_of(acts: bytes, pulls: Pulls | None) -> Rhythm | None:
    """None where too little is known to ask at all: most people of most lists."""
    return Rhythm(acts, pulls) if acts and pulls is not None and sum(acts) >= LEAST_ACTS else None


def best_part(
    rhythm: Rhythm | None, subscriber_id: int, letter: str, group: str, opens: datetime, closes: datetime, zone: ZoneInfo
) -> tuple[Stretch | None, Timing | None]:
    """Which part of an opening this letter is to take, and the arm of the comparison it belongs to; (None, None) where chance decides."""
    part = rhythm.part(group, opens, closes, zone) if rhythm and not is_free(subscriber_id, letter) else None
    if part is None:
        return None, None
    return (None, Timing.RANDOM) if in_control(subscriber_id) else (part, Timing.LEARNED)


def hour_parts(opens: datetime, closes: datetime, zone: ZoneInfo) -> dict[int, Stretch]:
    """The hours of the zone's wall clock in an opening, each with its stretch of at least ten minutes; of an hour shown twice the first."""
    parts: dict[int, Stretch] = {}
    while opens < closes:
        local = opens.astimezone(zone)
        end = min(opens + timedelta(seconds=3600 - 60 * local.minute - local.second), closes)
        if end - opens >= _LEAST_PART:
            parts.setdefault(local.hour, (opens, end))
        opens = end
    return parts

"""Stop rules: complaints and hard bounces against their lines, counted over the whole cleanup so far.

People are counted, not letters: whoever complains gets no further letter, so that letters to one person are no independent trials.
"""

from typing import Literal, NamedTuple

from nurture.domain.shares import wilson

Z_ONE_SIDED_90 = 1.2815515655446004
LEAST = 2  # one complaint proves nothing, however few the people
Level = Literal["fine", "warn", "stop"]


class Line(NamedTuple):
    """Shares of people, `warn` and `stop`."""

    name: str
    warn: float
    stop: float


COMPLAINTS = Line("complaints", 0.001, 0.003)
BOUNCES = Line("bounces", 0.02, 0.05)


class Gauge(NamedTuple):
    """`count` of `people` reached; `rate` as it is, `least`: what it is at least, with 90 % confidence."""

    line: Line
    found: int
    people: int
    rate: float
    least: float
    level: Level

    @property
    def words(self) -> str:
        return (
            f"{self.found} {self.line.name} of {self.people} people reached: {self.rate:.2%}, at least {self.least:.2%} with 90 % "
            f"confidence; the line is {self.line.stop:.1%}"
        )


def lower_bound(count: int, people: int, z: float = Z_ONE_SIDED_90) -> float:
    """One-sided Wilson score bound (Wilson 1927): the share is at least this, with the confidence of `z`."""
    return wilson(count, people, z)[0]


def gauge(line: Line, count: int, people: int) -> Gauge:
    rate, least = (count / people if people else 0.0), lower_bound(count, people)
    stops = count >= LEAST and least > line.stop
    warns = count >= LEAST and rate > line.warn
    return Gauge(line, count, people, rate, least, "stop" if stops else "warn" if warns else "fine")


def gauges(complaints: int, reached: int, bounces: int, tried: int) -> tuple[Gauge, Gauge]:
    """`reached`: people with at least one accepted letter of the cleanup; `tried`: those and the refused ones."""
    return gauge(COMPLAINTS, complaints, reached), gauge(BOUNCES, bounces, tried)

"""What classes, flags and temperatures are judged by: the standing in the packed form it is stored in, so that a whole list is judged
without taking it apart letter by letter.

Instants are whole seconds UTC; None: never. Marks of letters are one byte each (`standing.Mark`), read by the hundred at once.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from nurture.domain.documents import EngagementPolicy, Policy
from nurture.domain.folding import month_of
from nurture.domain.standing import ENTRY_BYTES, Mark
from nurture.domain.words import Tracking

_MARK = ENTRY_BYTES - 1  # the marks are the last byte of an entry


def _marked(*marks: Mark) -> bytes:
    """A table for `bytes.translate`: 1 for every byte that has one of these marks, else 0."""
    return bytes(any(byte & mark for mark in marks) for byte in range(256))


OPENED, PROXY, ANSWERED = _marked(Mark.OPENED), _marked(Mark.PROXY), _marked(Mark.CLICKED, Mark.ANSWERED)
OWN = _marked(Mark.OPENED, Mark.CLICKED, Mark.ANSWERED)
_NEVER = _marked(Mark.BOUNCED, Mark.UNCERTAIN)


class Signs(NamedTuple):
    """One person. `joined` and `tracking` are the subscriber's (None: as the policy says), the last five what was decided last."""

    subscriber_id: int
    recent: bytes
    received: int
    answers: bytes
    purchases: bytes
    last_sign: int | None
    bought: int | None
    wanted: int | None
    asked: int | None
    refused: int | None
    score: float
    scored: int | None
    peaks: bytes
    joined: int
    tracking: str | None
    engagement: str
    downs: int
    downs_at: int | None
    flags: int
    temperature: str


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The policy's figures in seconds, laid against one moment."""

    now: int
    month: int
    tracking: Tracking
    counts_after: int
    new_below: int
    fan_answers: int
    fan_of: int
    fan_purchases: int
    active_for: int
    active_letters: int
    active_open_share: float
    active_open_least: int
    half_life: int
    lost_after: int


def yardstick(engagement: EngagementPolicy, tracking: Tracking, now: datetime) -> Yardstick:
    """`tracking`: what holds for people whose row says nothing."""
    return Yardstick(
        now=seconds(now),
        month=month_of(now),
        tracking=tracking,
        counts_after=whole(engagement.counts_after),
        new_below=engagement.new_below,
        fan_answers=engagement.fan_answers,
        fan_of=engagement.fan_of,
        fan_purchases=engagement.fan_purchases,
        active_for=whole(engagement.active_days),
        active_letters=engagement.active_letters,
        active_open_share=engagement.active_open_share,
        active_open_least=engagement.active_open_least,
        half_life=whole(engagement.half_life),
        lost_after=whole(engagement.lost_after),
    )


def yardstick_of(policy: Policy, now: datetime) -> Yardstick:
    return yardstick(policy.engagement, policy.tracking, now)


def seconds(at: datetime) -> int:
    """Whole seconds since 1970 UTC, cut, not rounded."""
    return int(at.timestamp() // 1)


def whole(span: timedelta) -> int:
    return int(span.total_seconds())


@lru_cache(maxsize=64)
def _instants(letters: int) -> Struct:
    return Struct(">" + "8xI4x" * letters)


def having(marks: bytes, table: bytes) -> int:
    """How many of these letters have a mark of the table."""
    return marks.translate(table).count(1)


def counted(signs: Signs, yard: Yardstick) -> tuple[tuple[int, ...], bytes]:
    """(when accepted, marks) of the letters that count, oldest first: accepted for three days, or answered; never bounced or uncertain."""
    marks = signs.recent[_MARK::ENTRY_BYTES]
    ats: tuple[int, ...] = _instants(len(marks)).unpack(signs.recent)
    old = bisect_right(ats, yard.now - yard.counts_after)
    answered, never = marks.translate(ANSWERED), marks.translate(_NEVER)
    if 1 not in never and 1 not in answered[old:]:
        return ats[:old], marks[:old]
    kept = [n for n in range(len(marks)) if not never[n] and (n < old or answered[n])]
    return tuple(ats[n] for n in kept), bytes(marks[n] for n in kept)


def instants(packed: bytes) -> tuple[int, ...]:
    """Of `standing.pack_instants`, as seconds."""
    return tuple(int.from_bytes(packed[n : n + 4], "big") for n in range(0, len(packed), 4))


def day(at: int) -> str:
    """`3 Feb 2026`, in UTC: for reasons that people read."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%b %Y}"

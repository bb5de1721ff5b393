"""The standing: one narrow record per person with all that planning, classifying and `why` read. Packed forms are final.

`recent` holds the last 16 letters, or those of the last 90 days where these reach further back (at most 48), oldest first, 16 bytes each:

    delivery id 8 | accepted at, UTC seconds 4 | local date, days since 2020-01-01 2 | kind 1 | marks 1        (big-endian)
"""

import functools
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntFlag
from typing import NamedTuple

from nurture.domain.words import Engagement, Kind, Temperature

_ENTRY = struct.Struct(">QIHBB")
ENTRY_BYTES = _ENTRY.size
_DAY_ZERO = date(2020, 1, 1)
_DAY_ZERO_ORDINAL = _DAY_ZERO.toordinal()
KEEP_LETTERS = 16
KEEP_DAYS = timedelta(days=90)
KEEP_AT_MOST = 48
KIND_CODES: dict[Kind, int] = {Kind.USEFUL: 1, Kind.NEWS: 2, Kind.ABOUT: 3, Kind.SALES: 4, Kind.GREETING: 5}
_KINDS = {code: kind for kind, code in KIND_CODES.items()}


class Mark(IntFlag):
    """What is known of one letter of `recent`; one byte."""

    OPENED = 1  # human evidence
    CLICKED = 2  # human evidence
    ANSWERED = 4  # reply, form, question, conversion
    PROXY = 8  # opened by a privacy proxy: tells nothing
    BOUNCED = 16  # hard: takes back what it earned
    UNCERTAIN = 32  # unknown or at risk of a repeat: counts against the person, never for them
    CLEANUP = 64


NO_MARK = Mark(0)
_MARKS = tuple(Mark(bits) for bits in range(256))  # made once: an enum takes longer to call than a letter to unpack


class Entry(NamedTuple):
    """One accepted (or uncertain) letter."""

    delivery: int
    at: datetime
    day: date
    kind: Kind
    marks: Mark = NO_MARK

    @property
    def answered(self) -> bool:
        return bool(self.marks & (Mark.CLICKED | Mark.ANSWERED))


class FlagBit(IntFlag):
    RIPENING = 1
    FADING = 2
    LOST = 4


NO_FLAG = FlagBit(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """Instants are aware UTC. `peaks` holds (month number, score) of the last 13 months: the highest score after an event there. `acts`
    counts by the hour of the reader's clock (domain/rhythm.py).
    """

    subscriber_id: int
    recent: tuple[Entry, ...] = ()
    received: int = 0
    useful_since_sales: int = 0
    others_since_sales: int = 0
    last_sign_at: datetime | None = None
    answers: tuple[datetime, ...] = ()
    purchases: tuple[datetime, ...] = ()
    conversions: int = 0
    customer: bool = False
    bought_at: datetime | None = None
    wanted_at: datetime | None = None
    asked_at: datetime | None = None
    refused_at: datetime | None = None
    score: float = 0.0
    score_at: datetime | None = None
    peaks: tuple[tuple[int, float], ...] = ()
    acts: bytes = b""
    engagement: Engagement = Engagement.NEW
    engagement_at: datetime | None = None
    downs: int = 0
    downs_at: datetime | None = None
    flags: FlagBit = NO_FLAG
    temperature: Temperature = Temperature.COLD
    temperature_at: datetime | None = None


def pack_entries(entries: tuple[Entry, ...]) -> bytes:
    return b"".join(
        _ENTRY.pack(e.delivery, int(e.at.timestamp()), (e.day - _DAY_ZERO).days, KIND_CODES[e.kind], int(e.marks)) for e in entries
    )


def unpack_entries(raw: bytes, since: datetime | None = None) -> tuple[Entry, ...]:
    """The letters, oldest first; with `since` those accepted from then on and in any case the last one."""
    skip = 0
    if since is not None and raw:
        least = int(since.timestamp())
        skip = len(raw) - _ENTRY.size
        while skip and int.from_bytes(raw[skip - 8 : skip - 4], "big") >= least:
            skip -= _ENTRY.size
    return tuple([
        Entry(delivery, datetime.fromtimestamp(at, UTC), date.fromordinal(_DAY_ZERO_ORDINAL + day), _KINDS[kind], _MARKS[marks])
        for delivery, at, day, kind, marks in _ENTRY.iter_unpack(raw[skip:])
    ])


def has_mark(raw: bytes, mark: Mark) -> bool:
    """Whether any of the packed letters bears the mark."""
    return bool(raw[_ENTRY.size - 1 :: _ENTRY.size].translate(None, _without(mark)))


@functools.cache
def _without(mark: Mark) -> bytes:
    """All bytes of marks that lack this one."""
    return bytes(bits for bits in range(256) if not bits & mark.value)


def pack_instants(instants: tuple[datetime, ...]) -> bytes:
    """UTC seconds, 4 bytes each, oldest first."""
    return b"".join(int(i.timestamp()).to_bytes(4, "big") for i in instants)


def unpack_instants(raw: bytes) -> tuple[datetime, ...]:
    return tuple(datetime.fromtimestamp(int.from_bytes(raw[i : i + 4], "big"), UTC) for i in range(0, len(raw), 4))


_PEAK = struct.Struct(">Hf")


def pack_peaks(peaks: tuple[tuple[int, float], ...]) -> bytes:
    return b"".join(_PEAK.pack(month, score) for month, score in peaks)


def unpack_peaks(raw: bytes) -> tuple[tuple[int, float], ...]:
    return tuple(_PEAK.iter_unpack(raw))

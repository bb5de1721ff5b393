"""The small written values of YAML, settings and the API: durations, wall-clock times, percents, slugs. Each reads and writes one form."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w)")
LONGEST = timedelta(days=36_525)  # a hundred years, so that a moment so long before or after now is still one
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def parse_duration(value: object) -> timedelta:
    """`3s`, `10m`, `36h`, `7d`, `2w` -> timedelta. Raises ValueError with advice."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"{value!r} is not a duration; write a whole number and a unit: 30s, 10m, 36h, 7d")
    seconds = int(found[1][-15:]) * _UNITS[found[2]]
    if len(found[1]) > 15 or seconds > LONGEST.total_seconds():
        raise ValueError(f"{found[0][:20]!r} is longer than a hundred years; write a shorter duration: 30s, 10m, 36h, 7d")
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """The largest unit that divides evenly; never weeks, and 24h stays `1d`."""
    seconds = int(value.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


@dataclass(frozen=True, slots=True)
class Delay:
    """`after:` of a letter. Days and weeks count local dates (`7d`), hours and less are elapsed time (`36h`); `0s` is at once."""

    dates: int = 0
    elapsed: timedelta = timedelta(0)

    def __str__(self) -> str:
        return (
            f"{self.dates}d" if self.dates else format_duration(self.elapsed) if self.elapsed < timedelta(days=1) else _hours(self.elapsed)
        )


def _hours(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def parse_delay(value: object) -> Delay:
    """`7d` -> seven dates, `36h` -> elapsed. Raises ValueError with advice."""
    if isinstance(value, Delay):
        return value
    length = parse_duration(value)
    return Delay(dates=length.days) if str(value).strip().endswith(("d", "w")) else Delay(elapsed=length)


def parse_time(value: object) -> time:
    """`10:00`, `9:30`; `24:00` is the end of the day and reads as time.max. Raises ValueError with advice."""
    if isinstance(value, time):
        return value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        hour, minute = int(found[1]), int(found[2])
        if hour == 24 and minute == 0:
            return time.max
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise ValueError(f"{value!r} is not a time of day; write it as 10:00")


def format_time(value: time) -> str:
    return "24:00" if value == time.max else f"{value.hour:02}:{value.minute:02}"


def parse_percent(value: object) -> float:
    """`10%` -> 0.1; a bare number is read as a share between 0 and 1."""
    if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found and 0 <= float(found[1]) <= 100:
        return float(found[1]) / 100
    raise ValueError(f"{value!r} is not a percentage; write it as 10%")


def format_percent(value: float) -> str:
    return f"{value * 100:g}%"


def check_header_text(value: str) -> str:
    """Text that will stand in a mail header: control characters are cleaned at this boundary, so that none can end a header."""
    return clean_line(value)


def clean_line(value: str) -> str:
    """Control characters and Unicode line ends become one space, so a value can never start a second header or line."""
    if value.isprintable():  # has neither
        return value.strip()
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", value).strip()


def in_utc(value: datetime) -> datetime:
    """An aware time in UTC. Raises ValueError where the calendar ends: the first and last hours of it have no UTC."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time lies outside the calendar") from error


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^\\d+(s|m|h|d|w)$", "examples": ["36h", "7d"]}),
]
DelayText = Annotated[
    Delay,
    PlainValidator(parse_delay),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^\\d+(s|m|h|d|w)$", "examples": ["7d", "36h", "0s"]}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^\\d{1,2}:\\d{2}$", "examples": ["10:00"]}),
]
Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    PlainSerializer(format_percent, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^\\d+(\\.\\d+)?%$", "examples": ["10%"]}),
]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$"),
]
HeaderText = Annotated[str, AfterValidator(check_header_text), StringConstraints(max_length=900)]
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]

"""Which time zone a person lives in, and how we know: explicit > import column > form > UTC offset > country > (guess) > workspace.

A zone is an IANA name. `Etc/GMT-3` is read as written (its sign is POSIX's: three hours *east*); `+03:00`, `UTC+3` and `GMT+3`, as people
write them, mean east too and become that name.
"""

import functools
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from nurture.domain.words import ZoneSource
from nurture.domain.zone_tables import ALIASES, ODD_OFFSETS, OFFSET_PAIRS, ONE_ZONE, SEVERAL_ZONES

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+\-\u2212])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_NO_PLACE = {"Factory", "localtime", "posixrules"}
_RANK = {source: rank for rank, source in enumerate(ZoneSource)}


@dataclass(frozen=True, slots=True)
class ZoneFound:
    """`zone` None: nothing usable was given, the workspace's zone holds. `unknown` is what was written and not understood."""

    zone: str | None
    source: ZoneSource
    unknown: str | None = None


@functools.cache
def _known() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() - _NO_PLACE}


def read_zone(text: str) -> str | None:
    """An IANA name in its present spelling (`europe/kiev` -> `Europe/Kyiv`), an offset as the zone that keeps it; None when unknown."""
    written = text.strip().replace(" ", "_") if not _OFFSET.fullmatch(text.strip()) else text.strip()
    name = _known().get(written.lower())
    if name:
        return ALIASES.get(name, name)
    if written.upper() in ("UTC", "GMT", "Z"):
        return "UTC"
    minutes = _minutes(written)
    return None if minutes is None else zone_of_offset(minutes)


def is_offset(text: str) -> bool:
    """Whether a zone was written as a mere offset: it tells the hour, not the place."""
    return text.strip().lower() not in _known() and _minutes(text.strip()) is not None


def _minutes(text: str) -> int | None:
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    size = int(found[2]) * 60 + int(found[3] or 0)
    return size if found[1] == "+" else -size


def zone_of_offset(winter: int, summer: int | None = None, country: str = "") -> str | None:
    """Minutes east of UTC -> a zone that keeps them; with the summer's minutes one that changes its clock. None when no place does.

    A country with one clock lends its name when its clock says the same.
    """
    changed = winter if summer is None else summer
    alone = ONE_ZONE.get(country.strip().upper())
    if alone and _yearly_offsets(alone) == {winter, changed}:
        return alone
    if changed != winter:
        return OFFSET_PAIRS.get((min(winter, changed), max(winter, changed)))
    if winter % 60:
        return ODD_OFFSETS.get(winter)
    hours = winter // 60
    if not -12 <= hours <= 14:
        return None
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"


@functools.cache
def _yearly_offsets(zone: str) -> set[int]:
    days = (datetime(2026, month, 15, tzinfo=ZoneInfo(zone)) for month in (1, 7))
    return {int((day.utcoffset() or timedelta()).total_seconds()) // 60 for day in days}


def zone_of_country(country: str) -> ZoneFound:
    """A two-letter country code; several zones give a guess that is marked so."""
    code = country.strip().upper()
    if code in ONE_ZONE:
        return ZoneFound(ONE_ZONE[code], ZoneSource.COUNTRY)
    if code in SEVERAL_ZONES:
        return ZoneFound(SEVERAL_ZONES[code], ZoneSource.GUESSED)
    return ZoneFound(None, ZoneSource.DEFAULT)


@functools.lru_cache(maxsize=4_096)  # a list has few zones
def find_zone(
    column: str = "", *, source: ZoneSource = ZoneSource.IMPORT, winter: int | None = None, summer: int | None = None, country: str = ""
) -> ZoneFound:
    """The best a row or form tells: its zone column, else its offsets (minutes), else its country. `source`: where the column is from."""
    unknown = None
    if column.strip():
        zone = read_zone(column)
        if zone:
            return ZoneFound(zone, ZoneSource.OFFSET if is_offset(column) else source)
        unknown = column.strip()
    if winter is not None:
        zone = zone_of_offset(winter, summer, country)
        if zone:
            return ZoneFound(zone, ZoneSource.OFFSET, unknown)
    found = zone_of_country(country)
    return ZoneFound(found.zone, found.source, unknown)


def better(found: ZoneSource, known: str | None) -> bool:
    """Whether news from this source replaces what is known from that one; of equals the newer holds."""
    return _RANK[found] <= _RANK[ZoneSource(known or ZoneSource.DEFAULT)]

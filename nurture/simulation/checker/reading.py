"""Documents and deliveries as the checker understands them: read anew from plain JSON, with no help of the engine's own definitions."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WINDOW_KEYS = ("sales", "long", "short", "other", "greeting")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Window = str | tuple[tuple[frozenset[int], time, time], ...]
"""`any`, `now`, or spans of weekdays (Monday 0) with a first and an excluded last wall-clock time."""


@dataclass(frozen=True)
class LetterText:
    """`after`: so many local dates and so much elapsed time since the letter before; `conditional`: it may be skipped."""

    name: str
    document: str
    kind: str
    size: str
    window: Window | None
    after: tuple[int, timedelta] | None
    conditional: bool
    day: str | None
    evergreen: bool


@dataclass(frozen=True)
class Source:
    """A sequence, campaign, cleanup or library letter; `promises` are ("ratio", n) or ("thirds", groups)."""

    type: str
    name: str
    letters: tuple[LetterText, ...]
    promises: tuple[tuple[str, Any], ...] = ()
    cadence: tuple[int, str] | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    re_entry: timedelta | None = None
    exits: bool = False


@dataclass(frozen=True)
class House:
    """The workspace's policy and all sources by name; `letters` by `document/id`."""

    sources: Mapping[tuple[str, str], Source]
    letters: Mapping[str, LetterText]
    promises: tuple[tuple[str, Any], ...]
    windows: Mapping[str, Window]
    cap: int
    gap: timedelta
    quiet: tuple[time, time]
    blackout: frozenset[str]

    @property
    def sequences(self) -> tuple[Source, ...]:
        return tuple(s for s in self.sources.values() if s.type == "sequence")

    def source(self, letter: LetterText) -> Source:
        return next(s for s in self.sources.values() if letter in s.letters)


@dataclass(frozen=True)
class Sent:
    """One accepted letter; `local` is its instant on the wall clock, computed here; `way`: the sequence it was sent on, if known."""

    email: str
    letter: str
    text: LetterText | None
    kind: str
    at: datetime
    local: datetime
    said_local: str
    said_kind: str
    said_size: str
    way: str | None = None

    @property
    def day(self) -> date:
        return self.local.date()


def duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)\s*([smhdw])", text)
    if not found:
        raise ValueError(f"not a duration: {text!r}")
    return timedelta(**{_UNIT[found[2]]: int(found[1])})


def _delay(text: str) -> tuple[int, timedelta]:
    """`7d` and `1w` count dates, `36h` counts elapsed time."""
    length = duration(text)
    return (length.days, timedelta(0)) if text[-1] in "dw" else (0, length)


def wall_clock(text: str) -> time:
    hour, minute = text.split(":")
    return time.max if int(hour) == 24 else time(int(hour), int(minute))


def _window(raw: Any) -> Window:
    if isinstance(raw, str):
        return raw
    return tuple((frozenset(DAYS.index(d) for d in s["days"]), wall_clock(s["from"]), wall_clock(s["until"])) for s in raw)


def _windows(raw: Mapping[str, Any] | None) -> dict[str, Window]:
    return {key: _window(value) for key, value in (raw or {}).items() if key in WINDOW_KEYS and value is not None}


def _promises(raw: Any) -> tuple[tuple[str, Any], ...]:
    if raw is None or raw == "none":
        return ()
    if isinstance(raw, list):
        return tuple(p for r in raw for p in _promises(r))
    if raw == "thirds":
        return (("thirds", (("useful",), ("about", "news"), ("sales",))),)
    if isinstance(raw, dict):
        return (("thirds", tuple((g,) if isinstance(g, str) else tuple(g) for g in raw["thirds"])),)
    return (("ratio", int(raw.split(":")[0])),)


def _letter(raw: Mapping[str, Any], document: str, name: str | None = None, always: bool = False) -> LetterText:
    return LetterText(
        name=name or f"{document}/{raw['id']}",
        document=document,
        kind=raw["kind"],
        size=raw.get("size") or "short",
        window=None if raw.get("window") is None else _window(raw["window"]),
        after=None if raw.get("after") is None else _delay(raw["after"]),
        conditional=raw.get("only_if") is not None or raw.get("topic") is not None,
        day=raw.get("day"),
        evergreen=always or bool(raw.get("evergreen")),
    )


def _re_entry(raw: str | None) -> timedelta | None:
    if raw in (None, "never"):
        return None
    return timedelta(0) if raw == "always" else duration(str(raw).split()[-1])


def _source(raw: Mapping[str, Any]) -> Source | None:
    if "sequence" in raw:
        name = raw["sequence"]
        cadence = re.fullmatch(r"(\d+) per (week|month)", raw.get("cadence") or "")
        return Source(
            "sequence", name, tuple(_letter(x, name) for x in raw["letters"]), _promises(raw.get("mix")),
            (int(cadence[1]), cadence[2]) if cadence else None, _windows(raw.get("windows")), _re_entry(raw.get("re_entry")),
            exits=any(raw.get(key) for key in ("exit_on", "goal", "exit_if")) or raw.get("topic") is not None,
        )  # fmt: skip
    if "campaign" in raw:
        return Source("campaign", raw["campaign"], (_letter(raw["letter"], raw["campaign"]),), windows=_windows(raw.get("windows")))
    if "cleanup" in raw:
        name = raw["cleanup"]
        return Source("cleanup", name, tuple(_letter(x, name) for x in raw["offers"]))
    if "letter" in raw:
        name = raw["letter"]
        return Source("letter", name, (_letter(raw, name, name, always=True),))
    return None


def read_house(documents: Iterable[Mapping[str, Any]]) -> House:
    """All documents, told apart by the key that names them (`sequence`, `letter`, `policy` ...)."""
    policy: Mapping[str, Any] = {}
    sources: dict[tuple[str, str], Source] = {}
    for raw in documents:
        if "policy" in raw:
            policy = raw
        source = _source(raw)
        if source:
            sources[source.type, source.name] = source
    quiet = policy.get("quiet_hours") or {"from": "21:00", "until": "8:00"}
    return House(
        sources=sources,
        letters={x.name: x for s in sources.values() for x in s.letters},
        promises=_promises(policy.get("mix", "3:1")),
        windows=_windows(policy.get("windows")),
        cap=int(policy.get("cap", 3)),
        gap=duration(policy.get("gap", "20h")),
        quiet=(wall_clock(quiet["from"]), wall_clock(quiet["until"])),
        blackout=frozenset(policy.get("blackout") or ()),
    )


def _find(house: House, sequence: str | None, letter: str) -> LetterText | None:
    """A letter may be named `document/id`, by its bare id beside its sequence, or as a library letter by its own name."""
    for name in (letter, f"{sequence}/{letter}", letter.rpartition("/")[2]):
        if name in house.letters:
            return house.letters[name]
    return None


def read_sent(house: House, raw: Mapping[str, Any]) -> Sent:
    """One row of `simulate --json`. Raises KeyError or ValueError when it is not of the documented form."""
    at = datetime.fromisoformat(raw["at"]).astimezone(UTC)
    text = _find(house, raw.get("sequence"), raw["letter"])
    return Sent(
        email=raw["email"],
        letter=text.name if text else raw["letter"],
        text=text,
        kind=text.kind if text else raw["kind"],
        at=at,
        local=at.astimezone(ZoneInfo(raw["timezone"])),
        said_local=raw["local"],
        said_kind=raw["kind"],
        said_size=raw["size"],
        way=raw.get("sequence"),
    )

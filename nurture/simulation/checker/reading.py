"""Documents as the checker understands them: read anew from plain JSON, with no help of the engine's own definitions."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WINDOW_KEYS = ("sales", "long", "short", "other", "greeting")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Window = str | tuple[tuple[frozenset[int], time, time], ...]
"""`any`, `now`, or spans of weekdays (Monday 0) with a first and an excluded last wall-clock time."""


@dataclass(frozen=True)
class LetterText:
    """`after`: so many local dates and so much elapsed time since the letter before; `conditional`: it may be skipped;
    `about`: a written date and the days before (-) or after it.
    """

    name: str
    document: str
    kind: str
    size: str
    window: Window | None
    after: tuple[int, timedelta] | None
    conditional: bool
    day: str | None
    evergreen: bool
    about: tuple[str, int] | None = None


@dataclass(frozen=True)
class Source:
    """A sequence, campaign, cleanup or library letter; `promises` are ("ratio", n) or ("thirds", groups).

    `exits`: names of conversions that end a way; `unseen`: a condition may end it, which does not show; `repays`: library letters may be
    drawn for it. Of campaigns: `schedule` is a word (`now`, `at`, `weekly`, `cron`) with what it says, `by_reader`: on whose wall clock;
    `until`: how long an occasion may wait; `lends`: each occasion is a library letter. Of cleanups: how many of its letters are `offers`,
    the first ones; the date of its `event`.
    """

    type: str
    name: str
    letters: tuple[LetterText, ...]
    promises: tuple[tuple[str, Any], ...] = ()
    cadence: tuple[int, str] | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    re_entry: timedelta | None = None
    exits: frozenset[str] = frozenset()
    unseen: bool = False
    repays: bool = False
    schedule: tuple[str, str] = ("now", "")
    by_reader: bool = True
    until: timedelta = timedelta(days=7)
    lends: bool = False
    offers: int = 0
    event: str | None = None

    @property
    def plain(self) -> bool:
        """Nothing in it may be skipped unseen: which letter is next can be told from outside."""
        return not any(x.conditional or x.evergreen for x in self.letters)


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
    pace: Mapping[str, Any] = field(default_factory=dict)
    zone: str = "UTC"
    lateness: timedelta = timedelta(hours=2)

    @property
    def sequences(self) -> tuple[Source, ...]:
        return tuple(s for s in self.sources.values() if s.type == "sequence")

    def source(self, letter: LetterText) -> Source:
        return next(s for s in self.sources.values() if letter in s.letters)


_MON_TO_SAT: Window = ((frozenset(range(6)), time(10), time(12)),)
_OF_A_CLEANUP = {key: _MON_TO_SAT for key in WINDOW_KEYS if key != "greeting"}


def duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)\s*([smhdw])", text)
    if not found:
        raise ValueError(f"not a duration: {text!r}")
    return timedelta(**{_UNIT[found[2]]: int(found[1])})


def _delay(text: str) -> tuple[int, timedelta]:
    """`7d` and `1w` count dates, `36h` counts elapsed time."""
    length = duration(text)
    return (length.days, timedelta(0)) if text[-1] in "dw" else (0, length)


def per(text: str | None) -> tuple[int, str] | None:
    """`2 per week`."""
    found = re.fullmatch(r"(\d+) per (week|month)", text or "")
    return (int(found[1]), found[2]) if found else None


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


def _letter(
    raw: Mapping[str, Any], document: str, name: str | None = None, always: bool = False, topic: str | None = None
) -> LetterText:  # fmt: skip
    return LetterText(
        name=name or f"{document}/{raw['id']}",
        document=document,
        kind=raw["kind"],
        size=raw.get("size") or "short",
        window=None if raw.get("window") is None else _window(raw["window"]),
        after=None if raw.get("after") is None else _delay(raw["after"]),
        conditional=any(raw.get(key) is not None for key in ("only_if", "topic", "about")) or topic is not None,
        day=raw.get("day"),
        evergreen=always or bool(raw.get("evergreen")),
        about=(raw["about"]["date"], raw["about"].get("days", 0)) if raw.get("about") else None,
    )


def _re_entry(raw: str | None) -> timedelta | None:
    if raw in (None, "never"):
        return None
    return timedelta(0) if raw == "always" else duration(str(raw).split()[-1])


def _campaign(raw: Mapping[str, Any]) -> Source:
    schedule = raw.get("schedule") or "now"
    word = schedule if isinstance(schedule, str) else next(w for w in ("at", "weekly", "cron") if w in schedule)
    written = [raw["letter"]] if raw.get("letter") else raw.get("drawn", ())
    said, zone = ("", "reader") if isinstance(schedule, str) else (schedule[word], schedule.get("zone", "reader"))
    return Source(
        "campaign", raw["campaign"], tuple(_letter(x, raw["campaign"]) for x in written), windows=_windows(raw.get("windows")),
        repays=raw.get("repay") == "library", schedule=(word, said), by_reader=zone == "reader", until=duration(raw.get("until") or "7d"),
        lends=raw.get("letters") == "library",
    )  # fmt: skip


def _exits(raw: Mapping[str, Any]) -> tuple[frozenset[str], bool]:
    goal = raw.get("goal")
    names = {*(raw.get("exit_on") or ()), *([goal] if isinstance(goal, str) else ())}
    return frozenset(names), isinstance(goal, dict) or raw.get("exit_if") is not None


def _source(raw: Mapping[str, Any]) -> Source | None:
    if "sequence" in raw:
        name = raw["sequence"]
        return Source(
            "sequence", name, tuple(_letter(x, name, topic=raw.get("topic")) for x in raw["letters"]), _promises(raw.get("mix")),
            per(raw.get("cadence")), _windows(raw.get("windows")), _re_entry(raw.get("re_entry")),
            *_exits(raw), repays=(raw.get("repay") or "library") == "library",
        )  # fmt: skip
    if "campaign" in raw:
        return _campaign(raw)
    if "cleanup" in raw:
        name = raw["cleanup"]
        others = [raw[key] for key in ("repermission", "closing") if raw.get(key)]
        letters = tuple(_letter(x, name) for x in (*raw["offers"], *others))
        return Source("cleanup", name, letters, windows=_OF_A_CLEANUP, offers=len(raw["offers"]), event=raw.get("event"))
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
        pace=policy.get("pace") or {},
        zone=policy.get("timezone") or "UTC",
        lateness=duration(policy.get("lateness") or "2h"),
    )

"""What a report says, as values, and the sums behind it: composition, benchmark, the audit of the promised mix.

The audit walks each person's letters in the ledger and trusts neither standing nor planner, so that it can find both wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from nurture.domain.heat import HeatMap
from nurture.domain.lift import Arm, Lift
from nurture.domain.mix import promises_on, sales_earned
from nurture.domain.mixes import Promise
from nurture.domain.words import Engagement, Kind, Status, ZoneSource

USUAL: Mapping[Engagement, float] = {Engagement.PASSIVE: 0.80, Engagement.ACTIVE: 0.17, Engagement.FAN: 0.03}
MIX_KINDS = (Kind.USEFUL, Kind.NEWS, Kind.ABOUT, Kind.SALES)
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Week:
    """How many people stood in each class at the end of one weekly run; `week` is the label the run wrote."""

    week: str
    people: Mapping[Engagement, int]


@dataclass(frozen=True, slots=True)
class Composition:
    """Who is in the list now and was in it week by week. `now` counts subscribed people only; all others stand in `statuses`."""

    now: Mapping[Engagement, int]
    statuses: Mapping[Status, int]
    ripening: int = 0
    weeks: tuple[Week, ...] = ()

    @property
    def people(self) -> int:
        return sum(self.now.values())


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One class against what is usual. `share` is of passive + active + fan together, 0..1; 0 where nobody is judged yet."""

    engagement: Engagement
    people: int
    share: float
    usual: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """Accepted letters of one lane. `days_28` and `days_90` count by kind; `promise` is written as in YAML, None where none is made."""

    lane: str
    title: str
    promise: str | None
    days_28: Counts
    days_90: Counts


@dataclass(frozen=True, slots=True)
class MixReport:
    """`unearned` are deliveries of sales letters that left before they were earned: always empty, or the planner is wrong."""

    workspace: Delivered
    lanes: tuple[Delivered, ...]
    checked: int
    unearned: tuple[int, ...]

    @property
    def kept(self) -> bool:
        return not self.unearned


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Letters handed over in the period, and how many of them inside their window."""

    letters: int
    inside: int

    @property
    def share(self) -> float | None:
        return self.inside / self.letters if self.letters else None


@dataclass(frozen=True, slots=True)
class WindowReport:
    """Of the last 28 days. `hours` holds 24 counts for each kind: the reader's own clock when the letter was handed over."""

    kinds: Mapping[str, Punctuality]
    hours: Mapping[str, tuple[int, ...]]
    zones: Mapping[ZoneSource, int]


@dataclass(frozen=True, slots=True)
class ComingDay:
    """Next letters by the reader's local date. `planned` have their row; `expected` is the planner's last word for each way."""

    day: date
    planned: Counts
    expected: Counts


@dataclass(frozen=True, slots=True)
class Coming:
    days: tuple[ComingDay, ...]
    later: int = 0
    undated: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class HoursReport:
    """The personal hour: what it brings, and when people act, in everything (`map`) and in each lane. Maps are of the last 90 days."""

    lift: Lift
    map: HeatMap
    lanes: Mapping[str, HeatMap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    at: datetime
    composition: Composition
    benchmark: tuple[Benchmark, ...]
    mix: MixReport
    windows: WindowReport
    coming: Coming
    weekly: tuple[tuple[date, Counts], ...] = ()
    letters: Mapping[str, int] = field(default_factory=dict)
    hours: HoursReport = field(default_factory=lambda: HoursReport(Lift(Arm(), Arm()), HeatMap()))


def benchmark(now: Mapping[Engagement, int]) -> tuple[Benchmark, ...]:
    """passive : active : fan held against 80 : 17 : 3; `new` and `unobservable` are no part of the comparison."""
    judged = sum(now.get(e, 0) for e in USUAL)
    return tuple(Benchmark(e, now.get(e, 0), now.get(e, 0) / judged if judged else 0.0, usual) for e, usual in USUAL.items())


@dataclass(frozen=True, slots=True)
class Past:
    """One letter a person got. `earns` is False where nobody knows whether it arrived; `lane` is what it came from."""

    delivery: int
    kind: Kind
    at: datetime
    lane: str
    earns: bool = True


@dataclass(frozen=True, slots=True)
class Stay:
    """Promises that a person was under from `start` until `end` (None: still); they are written like this since `since`."""

    start: datetime
    end: datetime | None
    promises: tuple[Promise, ...]
    since: datetime


def unearned(history: Sequence[Past], stays: Sequence[Stay], workspace: Stay) -> tuple[tuple[int, ...], int]:
    """Deliveries of sales letters that some promise in force did not allow, and how many sales letters were looked at.

    `history` is one person's letters in the order they were handed over. A cleanup's offers are lifted from the mix but start the count
    anew; a letter older than the present wording of a promise it was under is not judged by it.
    """
    useful = others = looked = 0
    wrong = []
    for past in history:
        if past.kind is Kind.SALES:
            rules = [s for s in stays if s.start <= past.at and (s.end is None or past.at <= s.end)]  # its last letter may end a way
            judged = not past.lane.startswith("cleanup:") and all(s.since <= past.at for s in (*rules, workspace))
            if judged:
                looked += 1
                promises = promises_on([s.promises for s in rules], workspace.promises, campaign=past.lane.startswith("campaign:"))
                if not sales_earned(promises, useful, others).allowed:
                    wrong.append(past.delivery)
            useful = others = 0
        elif past.earns and past.kind in MIX_KINDS:
            useful += past.kind is Kind.USEFUL
            others += 1
    return tuple(wrong), looked


def to_json(report: Report) -> dict[str, Any]:
    """`{composition, benchmark, mix, windows, hours}` as plain data, for the command line and the API. Shares are 0..1, to four places."""
    composition = report.composition
    gone = {s.value: n for s, n in composition.statuses.items() if s is not Status.SUBSCRIBED}
    return {
        "at": report.at.isoformat(),
        "composition": {
            "people": composition.people,
            "now": {e.value: n for e, n in composition.now.items()},
            "ripening": composition.ripening,
            **gone,
            "weeks": [{"week": w.week} | {e.value: w.people.get(e, 0) for e in Engagement} for w in composition.weeks],
        },
        "benchmark": {
            "judged": sum(b.people for b in report.benchmark),
            **{b.engagement.value: {"people": b.people, "share": round(b.share, 4), "usual": b.usual} for b in report.benchmark},
            "beside": {e.value: composition.now.get(e, 0) for e in (Engagement.NEW, Engagement.UNOBSERVABLE)},
        },
        "mix": {
            "workspace": _lane_json(report.mix.workspace),
            "sequences": [{"lane": d.lane, "title": d.title} | _lane_json(d) for d in report.mix.lanes],
            "sales": {"checked": report.mix.checked, "unearned": len(report.mix.unearned), "deliveries": list(report.mix.unearned)},
        },
        "windows": {
            "days": 28,
            "kinds": {
                k: {"letters": p.letters, "inside": p.inside, "share": _rounded(p.share)}
                for k, p in report.windows.kinds.items()
            },
            "hours": {k: list(h) for k, h in report.windows.hours.items()},
            "zones": {z.value: n for z, n in report.windows.zones.items()},
        },
        "hours": _hours_json(report.hours),
    }


def _hours_json(hours: HoursReport) -> dict[str, Any]:
    lift = hours.lift
    return {
        "days": 90,
        "lift": {
            "learned": _arm_json(lift.learned), "random": _arm_json(lift.random),
            "difference": _rounded(lift.difference), "low": _rounded(lift.low), "high": _rounded(lift.high), "verdict": lift.verdict,
        },
        "map": _map_json(hours.map),
        "lanes": [{"lane": lane} | _map_json(found) for lane, found in hours.lanes.items()],
    }  # fmt: skip


def _arm_json(arm: Arm) -> dict[str, Any]:
    return {"people": arm.people, "letters": arm.letters, "answered": arm.answered, "rate": _rounded(arm.rate)}


def _map_json(found: HeatMap) -> dict[str, Any]:
    """Monday first, 24 hours each."""
    return {"acts": found.acts, "letters": found.letters, "answered": found.answered}


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _lane_json(line: Delivered) -> dict[str, Any]:
    return {"promise": line.promise, "days_28": dict(line.days_28), "days_90": dict(line.days_90)}

"""Who hears from us less often than was promised, and why; and how long the library still repays what people are owed. Values and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

LAST_ZONE = timedelta(hours=12)  # a date is over everywhere when it is over at UTC-12
REASONS: Mapping[str, str] = {
    "paused": "asked for a pause",
    "less": "asked for less often",
    "stands": "their sequence is paused or a draft",
    "dry": "their sequence has no letter left",
    "nothing": "in no sequence",
    "new": "not planned yet",
    "mix": "an offer waits to be earned",
    "cap": "the cap of seven dates",
    "gap": "the gap after another letter",
    "most": "the most of the policy's pace",
    "cadence": "the cadence of their sequence",
    "after": "a letter's own `after`",
    "about": "a letter waits for its date",
    "window": "their letter waits for its window",
    "greeting": "only greetings are left",
    "order": "their next letter is planned",
    "repay": "a library letter is planned",
    "one at a time": "a letter is on its way",
}


def last_complete(per: Literal["week", "month"], now: datetime) -> tuple[date, date]:
    """First and last date of the latest calendar week or month that is over in every zone."""
    today = (now - LAST_ZONE).date()
    if per == "week":
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(days=7), monday - timedelta(days=1)
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


@dataclass(frozen=True, slots=True)
class Named:
    """One person under a floor: how many letters they got, and the reason (a key of `REASONS`, or a rule of the planner)."""

    subscriber_id: int
    email: str
    letters: int
    reason: str


@dataclass(frozen=True, slots=True)
class Floor:
    """One floor over its last complete week or month. `source`: `sequence:<name>` or `policy`; `people`: all it was promised to; `names`
    are the first of those under it, `reasons` counts them all.
    """

    source: str
    title: str
    promised: str
    first: date
    last: date
    people: int
    reasons: Mapping[str, int]
    names: tuple[Named, ...] = ()

    @property
    def under(self) -> int:
        return sum(self.reasons.values())


@dataclass(frozen=True, slots=True)
class Library:
    """`letters`: useful ones that may repay. `left`: people who are owed, by how many of them they have not had. `waiting`: those of them
    for whom no letter is planned; `dry`: those of these who have had all.
    """

    letters: int
    left: Mapping[int, int]
    waiting: int
    dry: int

    @property
    def owed(self) -> int:
        return sum(self.left.values())

    @property
    def warning(self) -> str | None:
        return dry_words(self.dry, self.letters)


def dry_words(people: int, letters: int) -> str | None:
    """What to say of people for whom the library holds nothing more; None where there are none."""
    if not people:
        return None
    who = "1 person waits" if people == 1 else f"{people:,} people wait"
    has = "has" if people == 1 else "have"
    if not letters:
        return f"{who} for useful letters, and the library is empty"
    return f"{who} for useful letters and {has} had " + ("the only one" if letters == 1 else f"all {letters}") + " of the library"


@dataclass(frozen=True, slots=True)
class PaceReport:
    """Floors with people under them or without; sequences first, the policy's last."""

    at: datetime
    floors: tuple[Floor, ...]
    library: Library


def to_json(report: PaceReport) -> dict[str, Any]:
    """`{floors, library}` as plain data, for the command line and the API."""
    library = report.library
    return {
        "floors": [
            {
                "source": f.source, "title": f.title, "floor": f.promised, "from": f.first.isoformat(), "until": f.last.isoformat(),
                "people": f.people, "under": f.under, "reasons": dict(f.reasons),
                "names": [{"id": n.subscriber_id, "email": n.email, "letters": n.letters, "reason": n.reason} for n in f.names],
            }
            for f in report.floors
        ],
        "library": {
            "letters": library.letters, "owed": library.owed, "left": {str(n): people for n, people in sorted(library.left.items())},
            "waiting": library.waiting, "dry": library.dry, "warning": library.warning,
        },
    }  # fmt: skip

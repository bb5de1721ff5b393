"""The weeks ahead of many people added up: a calendar of letters by local date, and what a draft would change of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from nurture.domain.forecasting import Foreseen, Foresight
from nurture.domain.words import Kind


@dataclass(frozen=True, slots=True)
class Ahead:
    """One person's weeks, on the wall clock of their zone."""

    subscriber_id: int
    email: str
    zone: ZoneInfo
    foresight: Foresight

    def local_days(self) -> Iterator[tuple[Foreseen, date]]:
        """Each letter with its date where the reader lives."""
        return ((letter, letter.at.astimezone(self.zone).date()) for letter in self.foresight.letters)


@dataclass(slots=True)
class Calendar:
    """Letters by the reader's local date and kind; what is held at the end and what was skipped, by reason; `full_weeks`: calendar weeks of
    a person that hold as many letters as the cap allows.
    """

    people: int = 0
    days: dict[date, Counter[Kind]] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    full_weeks: int = 0

    def add(self, ahead: Ahead, cap: int) -> None:
        """Count one person in."""
        weeks: Counter[tuple[int, int]] = Counter()
        for letter, day in ahead.local_days():
            self.days.setdefault(day, Counter())[letter.kind] += 1
            weeks[day.isocalendar()[:2]] += 1
        self.people += bool(ahead.foresight.letters)
        self.full_weeks += sum(count >= cap for count in weeks.values())
        self.held.update(wait.reason for wait in ahead.foresight.held)
        self.skipped.update(skip.outcome for skip in ahead.foresight.skips)

    @property
    def kinds(self) -> Counter[Kind]:
        """All letters by kind."""
        return sum(self.days.values(), Counter())

    def times(self, every: int) -> "Calendar":
        """The calendar of a list so many times as long: what a sample of every so manieth person stands for."""
        days = {day: _times(counts, every) for day, counts in self.days.items()}
        return Calendar(self.people * every, days, _times(self.held, every), _times(self.skipped, every), self.full_weeks * every)


_Key = TypeVar("_Key")


def _times(counts: "Counter[_Key]", every: int) -> "Counter[_Key]":
    return Counter({key: count * every for key, count in counts.items()})


@dataclass(slots=True)
class Effect:
    """What drafts do: the calendars without and with them, and how many letters of today's plan they move, drop or add."""

    before: Calendar = field(default_factory=Calendar)
    after: Calendar = field(default_factory=Calendar)
    later: int = 0
    earlier: int = 0
    dropped: int = 0
    added: int = 0

    def compare(self, before: Foresight, after: Foresight) -> None:
        """Count one person's letters; one that comes several times is told apart by its turn."""
        old, new = _moments(before.letters), _moments(after.letters)
        self.later += sum(new[key] > at for key, at in old.items() if key in new)
        self.earlier += sum(new[key] < at for key, at in old.items() if key in new)
        self.dropped += len(old.keys() - new.keys())
        self.added += len(new.keys() - old.keys())

    def times(self, every: int) -> "Effect":
        """The effect on a list so many times as long."""
        moved = (count * every for count in (self.later, self.earlier, self.dropped, self.added))
        return Effect(self.before.times(every), self.after.times(every), *moved)


def _moments(letters: Iterable[Foreseen]) -> dict[tuple[str, int], datetime]:
    turns: Counter[str] = Counter()
    found = {}
    for letter in letters:
        found[letter.letter, turns[letter.letter]] = letter.at
        turns[letter.letter] += 1
    return found


def delivery_rows(ahead: Ahead) -> list[dict[str, Any]]:
    """The letters as `forecast --json` and the API give them."""
    return [
        {
            "email": ahead.email, "timezone": ahead.zone.key, "sequence": letter.lane.partition(":")[2], "letter": letter.letter,
            "kind": letter.kind.value, "size": letter.size.value, "at": letter.at.isoformat(),
            "local": letter.at.astimezone(ahead.zone).isoformat(), "reason": letter.reason,
        }
        for letter in ahead.foresight.letters
    ]  # fmt: skip


def held_rows(ahead: Ahead) -> list[dict[str, Any]]:
    """Sales letters that still wait for their mix when the time is over."""
    return [
        {"email": ahead.email, "letter": w.letter, "until": w.until.isoformat() if w.until else None, "reason": w.reason}
        for w in ahead.foresight.held
    ]


def calendar_json(calendar: Calendar) -> dict[str, Any]:
    """Totals by local date and kind."""
    return {
        "people": calendar.people,
        "letters": calendar.kinds.total(),
        "kinds": {kind.value: count for kind, count in sorted(calendar.kinds.items())},
        "days": [_day(day, counts) for day, counts in sorted(calendar.days.items())],
        "held": dict(calendar.held.most_common()),
        "skipped": dict(calendar.skipped.most_common()),
        "full_weeks": calendar.full_weeks,
    }


def _day(day: date, counts: Counter[Kind]) -> dict[str, Any]:
    return {"date": day.isoformat(), "letters": counts.total()} | {kind.value: count for kind, count in sorted(counts.items())}


def effect_json(effect: Effect) -> dict[str, Any]:
    """The calendars without and with the drafts, and what moves."""
    moves = {"later": effect.later, "earlier": effect.earlier, "dropped": effect.dropped, "added": effect.added}
    return {"before": calendar_json(effect.before), "after": calendar_json(effect.after), "letters": moves}

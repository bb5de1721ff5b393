"""What a person must be like to fit a condition: the condition read backwards. What only their own acts can bring about is left to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from nurture.domain.conditions import All, AnyOf, Condition, DateNear, FieldIs, FromSource, HasTag, Joined, Not, OnTopic

OWN_COLUMNS = frozenset({"country", "timezone", "locale", "name", "first_name", "patronymic", "email", "source"})


@dataclass
class Wish:
    """Each point is settled once: the first condition that speaks of it decides, a later one that differs is not met."""

    today: date
    tags: dict[str, bool] = field(default_factory=dict)
    topics: dict[str, bool] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    joined_within: timedelta | None = None
    absent: set[str] = field(default_factory=set)

    def fit(self, condition: Condition, turn: int, *, yes: bool = True) -> None:
        """Shape the person so that `condition` answers `yes`; `turn` chooses which branch of an `any` this person takes."""
        match condition:
            case All():
                self._branch(condition.all, turn, every=yes, yes=yes)
            case AnyOf():
                self._branch(condition.any, turn, every=not yes, yes=yes)
            case Not():
                self.fit(condition.not_, turn, yes=not yes)
            case HasTag():
                self.tags.setdefault(condition.tag, yes)
            case OnTopic():
                self.topics.setdefault(condition.topic, yes)
            case FromSource():
                self.columns.setdefault("source", condition.source if yes else "elsewhere")
            case FieldIs():
                self._field(condition, turn, yes=yes)
            case DateNear():
                self.set_date(condition.date, turn % max(1, condition.within.days) if yes else condition.within.days + 40)
            case Joined():
                if yes and (self.joined_within is None or condition.joined < self.joined_within):
                    self.joined_within = condition.joined

    def set_date(self, name: str, days: int) -> None:
        """A yearly date field whose day comes `days` after today, in a year the person could be born in."""
        coming = self.today + timedelta(days=days)
        day = min(coming.day, 28) if coming.month == 2 else coming.day
        if name not in self.absent:
            self.fields.setdefault(name, date(1960 + days % 40, coming.month, day).isoformat())

    def _branch(self, conditions: Sequence[Condition], turn: int, *, every: bool, yes: bool) -> None:
        chosen = conditions if every or not conditions else (conditions[turn % len(conditions)],)
        for condition in chosen:
            self.fit(condition, turn, yes=yes)

    def _field(self, condition: FieldIs, turn: int, *, yes: bool) -> None:
        name = condition.field
        if name in self.absent:
            return
        if condition.exists is not None and condition.exists != yes:
            if name not in self.fields and name not in self.columns:
                self.absent.add(name)
            return
        value = _meeting(condition, turn) if yes else _missing(condition)
        if value is not None:
            (self.columns if name in OWN_COLUMNS else self.fields).setdefault(name, value)


def _meeting(condition: FieldIs, turn: int) -> Any:
    if condition.is_ is not None:
        return condition.is_
    if condition.in_:
        return condition.in_[turn % len(condition.in_)]
    if condition.gt is not None:
        return _beyond(condition.gt, 1)
    if condition.lt is not None:
        return _beyond(condition.lt, -1)
    if condition.contains is not None:
        return condition.contains
    return "yes"


def _missing(condition: FieldIs) -> Any:
    if condition.gt is not None:
        return condition.gt
    if condition.lt is not None:
        return condition.lt
    known = condition.is_ if condition.is_ is not None else (condition.in_ or (None,))[0]
    if isinstance(known, bool):
        return not known
    if isinstance(known, int | float):
        return max(v for v in (condition.in_ or (known,)) if isinstance(v, int | float)) + 1
    return "other"


def _beyond(limit: Any, step: int) -> Any:
    """A little more or less than a number, a date or a word."""
    if isinstance(limit, int | float):
        return limit + step
    try:
        return (date.fromisoformat(limit) + timedelta(days=step)).isoformat()
    except ValueError:
        return f"{limit}z" if step > 0 else ""

"""What planning reads and decides, as values: a person and their ways in, `Send | Wait | Skip | Done` with their reasons out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from nurture.domain.cleanup.courses import Course
from nurture.domain.delivery import letter_name
from nurture.domain.documents import Campaign, Sequence
from nurture.domain.letters import Letter, Windows
from nurture.domain.mixes import Promise
from nurture.domain.occasions import Occasion
from nurture.domain.remembering import by_identity
from nurture.domain.rhythm import Rhythm, Timing
from nurture.domain.standing import Entry
from nurture.domain.words import Frequency, Kind, Kinds, State

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_BY_TIME = attrgetter("at")


class Past(NamedTuple):
    """One letter of a way that is done: sent, or skipped and earning nothing. `kind` and `day` matter only where it was sent."""

    letter: str
    kind: Kind
    outcome: str
    day: date
    at: datetime


class _WayFields(NamedTuple):
    enrolment_id: int
    source: Sequence | Campaign | Course
    number: int
    enrolled_at: datetime
    now_until: datetime | None = None
    history: tuple[Past, ...] = ()
    stale_since: datetime | None = None
    exit: str | None = None
    occasion: Occasion | None = None


class Way(_WayFields):
    """One person's enrolment in one sequence, or in one occasion of a campaign. `now_until`: the hour after the person's own act; `exit`:
    the conversion that ends it, if it came.
    """

    @property
    def sent(self) -> tuple[Past, ...]:
        """By time: a letter proven to have arrived long after its end stands where it was handed off."""
        if not self.history:
            return ()
        known: tuple[Past, ...] | None = self.__dict__.get("sent_so_far")
        if known is None:
            known = self.__dict__["sent_so_far"] = tuple(sorted([p for p in self.history if p.outcome == "sent"], key=_BY_TIME))
        return known


@by_identity(1024)
def keyed(source: Sequence | Campaign | Course) -> tuple[tuple[str, Letter], ...]:
    """The letters of a sequence, a campaign or a leg in the order written, each with the name that stands in its key."""
    return tuple((letter_name(source.name, letter.id), letter) for letter in source.letters)


class OpenRow(NamedTuple):
    """The person's one open delivery, if any."""

    delivery_id: int
    letter: str
    occasion: str
    state: State
    due_at: datetime
    closes_at: datetime | None
    enrolment_id: int | None


class Person(NamedTuple):
    """`bound`: promises of sequences the person is in that stand still now (paused, draft); they go on binding.

    `doubts`: letters that may have arrived and may still be sent again, with their deliveries: each counts against all others, not itself.
    `rhythm`: the person's own hours, None where too little is known. `cleaned_by`: the cleanup that has the person now, its name.
    """

    subscriber_id: int
    zone: ZoneInfo
    entries: tuple[Entry, ...] = ()
    useful_since_sales: int = 0
    others_since_sales: int = 0
    kinds: Kinds = Kinds.ALL
    frequency: Frequency = Frequency.NORMAL
    declined_topics: frozenset[str] = frozenset()
    paused_until: datetime | None = None
    fields: Mapping[str, object] = _NOTHING
    bound: tuple[Promise, ...] = ()
    doubts: Mapping[str, int] = _NOTHING
    rhythm: Rhythm | None = None
    cleaned_by: str | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Library letters by key name; for `only_if` the names of letters whose condition holds for this person now; what they had before;
    `coming`: ways through the next occasions of campaigns, of which those within the horizon are rivals already.
    """

    letters: tuple[tuple[str, Letter, Windows], ...] = ()
    holds: frozenset[str] = frozenset()
    had: frozenset[str] = frozenset()
    coming: tuple[Way, ...] = ()


def next_of_each(later: Iterable[Way]) -> tuple[Way, ...]:
    """Of ways through occasions to come, in order of their beginning, the first of each campaign."""
    first: dict[str, Way] = {}
    for way in later:
        if way.occasion:
            first.setdefault(way.source.name, way)
    return tuple(first.values())


class Send(NamedTuple):
    enrolment_id: int
    letter: str
    occasion: str
    kind: Kind
    due_at: datetime
    closes_at: datetime
    lane: str
    reason: str
    rule: str
    timing: Timing | None = None
    variant: str | None = None


class Wait(NamedTuple):
    """`until`: when this letter is expected, or the moment the reason may change; None where only an event changes it."""

    enrolment_id: int
    letter: str | None
    until: datetime | None
    reason: str
    rule: str


class Skip(NamedTuple):
    enrolment_id: int
    letter: str
    kind: Kind
    outcome: str
    reason: str
    rule: str


class Done(NamedTuple):
    enrolment_id: int
    reason: str
    rule: str


class Plan(NamedTuple):
    """What to write for one person. `keep`: the open row stands as it is; `outrank`: it gives its place and may come back; `cancel`: it is
    final.
    """

    send: Send | None = None
    keep: bool = False
    outrank: int | None = None
    cancel: int | None = None
    waits: tuple[Wait, ...] = ()
    skips: tuple[Skip, ...] = ()
    done: tuple[Done, ...] = ()
    stale: tuple[tuple[int, datetime | None], ...] = ()
    look_at: datetime | None = None

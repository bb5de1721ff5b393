"""Which rule answers what happened, and in which words: causes in, reasons out. Doing it, and undoing it, is services/reacting.

Opens and clicks wait a minute before they count here, since that is when most machines have shown themselves; a verdict that falls later
undoes what was done.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.asking import choice_address
from nurture.domain.rules import MERGE, Happened, Moved, Reached, Rule, Stage
from nurture.domain.words import EventType, Kind

WAIT = timedelta(seconds=60)
ROUND = timedelta(hours=24)
ROUNDS = 3  # a stage rule that has acted so often for one person within `ROUND` is part of a circle of rules


@dataclass(frozen=True, slots=True)
class Move:
    """A row of `moves`. `what`: engagement, temperature or flags (old and new: a list in words)."""

    id: int
    subscriber_id: int
    at: datetime
    what: str
    old: str
    new: str

    @property
    def key(self) -> str:
        return f"move:{self.id}"


@dataclass(frozen=True, slots=True)
class Event:
    """`believed`: by today's verdict a person did it. `letter` is `document/id`, where the event came from a letter."""

    id: int
    subscriber_id: int
    at: datetime
    type: EventType
    believed: bool
    letter: str | None = None
    kind: Kind | None = None
    url: str | None = None
    name: str | None = None

    @property
    def key(self) -> str:
        return f"event:{self.id}"


@dataclass(frozen=True, slots=True)
class Step:
    """A way that was entered or ended so."""

    enrolment_id: int
    subscriber_id: int
    at: datetime
    stage: Stage
    sequence: str

    @property
    def key(self) -> str:
        return f"{'entered' if self.stage == 'entered' else 'ended'}:{self.enrolment_id}"


Cause = Move | Event | Step


def reason_for(rule: Rule, cause: Cause) -> str | None:
    """Why the rule answers this cause, in words; None where it does not. `if` is not asked here."""
    match rule.when, cause:
        case Moved() as wanted, Move() as move:
            return _moved(wanted, move)
        case Happened() as wanted, Event() as event:
            return _did(wanted, event)
        case Reached() as wanted, Step() as step if (wanted.stage, wanted.sequence) == (step.stage, step.sequence):
            return f"{_STAGES[step.stage]} {step.sequence} on {_day(step.at)}"
    return None


def circling(recent: int) -> str | None:
    """Why a rule that waits for a stage may not act again: `recent` times it did for this person within a day."""
    if recent < ROUNDS:
        return None
    return f"this rule acted {recent} times for this person within a day; rules that lead into each other in a circle are stopped"


def fill_task(text: str, person: Mapping[str, object], fields: Mapping[str, object]) -> str:
    """The task with the person's own words in it; what is not known of them is left empty."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        known = fields.get(name.removeprefix("fields.")) if name.startswith("fields.") else person.get(name)
        return "" if known is None else str(known)

    return " ".join(MERGE.sub(value, text).split())


_STAGES = {"entered": "entered", "done": "finished", "exited": "left", "goal": "reached the goal of"}
_DONE = {
    EventType.OPENED: "opened", EventType.CLICKED: "clicked", EventType.REPLIED: "replied to", EventType.VISITED: "visited",
    EventType.CONVERTED: "converted", EventType.BOUNCED: "bounced", EventType.COMPLAINED: "complained", EventType.REFUSED: "said no",
}  # fmt: skip


def _moved(wanted: Moved, move: Move) -> str | None:
    if wanted.moved == "flag":
        return _flagged(wanted, move) if move.what == "flags" else None
    if move.what != wanted.moved or (wanted.from_ or move.old) != move.old or (wanted.to or move.new) != move.new:
        return None
    return f"became {move.new} (was {move.old}) on {_day(move.at)}"


def _flagged(wanted: Moved, move: Move) -> str | None:
    old, new = (set(filter(None, words.split(", "))) for words in (move.old, move.new))
    came, went = sorted(new - old), sorted(old - new)
    if wanted.to is not None:
        return f"is {wanted.to} since {_day(move.at)}" if wanted.to in came else None
    if wanted.from_ is not None:
        return f"is no longer {wanted.from_} since {_day(move.at)}" if wanted.from_ in went else None
    said = [*(f"is {flag}" for flag in came), *(f"is no longer {flag}" for flag in went)]
    return f"{', '.join(said)} since {_day(move.at)}"


def _did(wanted: Happened, event: Event) -> str | None:
    narrowed = (
        wanted.did is event.type
        and (wanted.letter or event.letter) == event.letter
        and (wanted.kind or event.kind) == event.kind
        and (wanted.name or event.name) == event.name
        and (wanted.link is None or _same_link(wanted.link, event.url or ""))
        and (wanted.choice is None or event.url == choice_address(wanted.name or "", wanted.choice))
    )
    if not (event.believed and narrowed):
        return None
    what = " ".join(filter(None, (_DONE.get(event.type, event.type.value), event.name, wanted.choice and f"({wanted.choice})")))
    return f"{what}{f' in {event.letter}' if event.letter else ''} on {_day(event.at)}"


def _same_link(link: str, url: str) -> bool:
    """The address itself, with or without what a merge field put into its query: as store/conditions.py compares them."""
    return url == link or url.startswith((link + "?", link + "#"))


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}"

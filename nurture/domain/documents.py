"""The documents a marketer defines: sequence, segment, campaign, cleanup, rule, library letter, policy. One definition serves YAML, API and
JSON schema.

The first key of a document names it (`sequence: roofing-school`); the pydantic alias of `name` is that key.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from nurture.domain.conditions import Condition, Did
from nurture.domain.dates import CalendarDate
from nurture.domain.desk import Desk
from nurture.domain.forms import Form
from nurture.domain.letters import CadenceText, Document, Letter, Weekday, Windows
from nurture.domain.mixes import Mix, NoPromise, Promise, Ratio, Thirds
from nurture.domain.paces import Pace
from nurture.domain.recommending import Recommend
from nurture.domain.remembering import by_identity
from nurture.domain.rules import Rule
from nurture.domain.scalars import Duration, HeaderText, Percent, Slug, TimeOfDay, format_duration, parse_duration
from nurture.domain.words import EventType, Kind, Tracking


def _parse_re_entry(value: Any) -> timedelta | None:
    if value is None or value == "never":
        return None
    if value == "always":
        return timedelta(0)
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"after\s+(\S+)", value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"{value!r} is not a re-entry rule; write never, always, or: after 180d")
    return parse_duration(found[1])


def _write_re_entry(value: timedelta | None) -> str:
    return "never" if value is None else f"after {format_duration(value)}" if value else "always"


ReEntry = Annotated[
    timedelta | None,
    BeforeValidator(_parse_re_entry),
    PlainSerializer(_write_re_entry),
    WithJsonSchema({"type": "string", "examples": ["never", "always", "after 180d"]}),
]


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is not a time zone; write an IANA name such as Europe/Berlin") from error
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]


def _unique_ids(letters: tuple[Letter, ...]) -> tuple[Letter, ...]:
    seen: set[str] = set()
    for letter in letters:
        if letter.id in seen:
            raise ValueError(f"the letter id {letter.id!r} stands twice; every id is used once")
        seen.add(letter.id)
    return letters


Letters = Annotated[tuple[Letter, ...], Field(min_length=1), AfterValidator(_unique_ids)]
OnEdit: TypeAlias = Literal["migrate", "pin"]


def _named_goal(name: str) -> Did:
    """`goal: purchase` is short for the conversion of that name."""
    return Did(did=EventType.CONVERTED, name=name)


def _goal_word(value: Any) -> str:
    return "conversion" if isinstance(value, str) else "condition"


GOAL_WORDS = ("conversion", "condition")
Goal = Annotated[
    Annotated[str, AfterValidator(_named_goal), Tag("conversion")] | Annotated[Condition, Tag("condition")], Discriminator(_goal_word)
]


class Sequence(Document):
    """Letters with a mix, a cadence, entry and exit rules. Live unless `state: draft`.

    `goal`, `exit_on` and `exit_if` end a person's way; events count there from the enrolment on. `on_edit`: what applying this version does
    to those on their way through an older one: they go on in it, or finish the version they have.
    """

    name: Slug = Field(alias="sequence")
    state: Literal["live", "draft"] = "live"
    title: str = ""
    audience: Condition | None = None
    topic: str | None = None
    mix: Mix | None = None
    cadence: CadenceText | None = None
    goal: Goal | None = None  # always a condition, whatever was written
    exit_on: tuple[str, ...] = ()
    exit_if: Condition | None = None
    re_entry: ReEntry = None
    on_edit: OnEdit = "migrate"
    priority: int = Field(default=50, ge=0, le=100)
    repay: Literal["library", "wait"] = "library"
    stale_after: Duration = timedelta(days=21)
    windows: Windows = Windows()
    letters: Letters

    @model_validator(mode="after")
    def _coherent(self) -> Sequence:
        kinds = {letter.kind for letter in self.letters}
        if Kind.SERVICE in kinds:
            raise ValueError("a sequence holds no service letters; send them with POST /send")
        for promise in self.mix or ():
            if isinstance(promise, Thirds):
                missing = {Kind.USEFUL, Kind.NEWS, Kind.ABOUT, Kind.SALES} & kinds - {k for g in promise.groups for k in g}
                if missing:
                    raise ValueError(f"the groups of thirds have no place for {', '.join(sorted(missing))} letters of this sequence")
        if self.mix and len(self.mix) > 1 and any(isinstance(p, NoPromise) for p in self.mix):
            raise ValueError("the promises of this mix exclude each other: `none` beside another promise")
        return self

    @property
    def promises(self) -> tuple[Promise, ...]:
        """What this sequence promises by itself; empty where it promises nothing."""
        return tuple(p for p in self.mix or () if isinstance(p, Ratio | Thirds))

    def letter(self, letter_id: str) -> Letter | None:
        return next((x for x in self.letters if x.id == letter_id), None)


class Segment(Document):
    name: Slug = Field(alias="segment")
    title: str = ""
    where: Condition


class At(Document):
    at: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$")]
    zone: Literal["reader", "workspace"] = "reader"


class Weekly(Document):
    weekly: Weekday
    zone: Literal["reader", "workspace"] = "reader"


class Cron(Document):
    cron: Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")]
    zone: Literal["reader", "workspace"] = "reader"


Schedule = Literal["now"] | At | Weekly | Cron


class Campaign(Document):
    """One letter to one segment, once or by the calendar. Arrives as a draft and leaves by `start`."""

    name: Slug = Field(alias="campaign")
    title: str = ""
    segment: Slug
    schedule: Schedule = "now"
    topic: str | None = None
    priority: int = Field(default=60, ge=0, le=100)
    repay: Literal["library", "wait"] = "wait"
    until: Duration = timedelta(days=7)
    windows: Windows = Windows()
    letter: Letter

    @property
    def letters(self) -> tuple[Letter, ...]:
        return (self.letter,)

    @property
    def promises(self) -> tuple[Promise, ...]:
        """A campaign promises nothing of its own: the workspace's mix counts for it."""
        return ()

    @property
    def cadence(self) -> None:
        """Its calendar is its schedule."""

    @property
    def stale_after(self) -> timedelta:
        """How long it waits for the mix."""
        return self.until


class Cleanup(Document):
    """The aggressive-sale campaign to passive people, with guard rails and a verdict."""

    name: Slug = Field(alias="cleanup")
    title: str = ""
    audience: Literal["passive", "fading", "both"] = "passive"
    offers: Annotated[tuple[Letter, ...], Field(min_length=1, max_length=4), AfterValidator(_unique_ids)]
    holdout: Percent = 0.1
    canary: Percent = 0.01
    silent: Literal["archive", "keep"] = "archive"
    repermission: Letter | None = None
    closing: Letter | None = None


class LibraryLetter(Letter):
    """An evergreen letter the planner may draw on to repay what a person is owed. Its id is its name."""

    id: Slug = Field(alias="letter")


class Sender(Document):
    name: HeaderText
    address: Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)]
    reply_to: Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)] | None = None


class QuietHours(Document):
    from_: TimeOfDay = Field(alias="from")
    until: TimeOfDay


class EngagementPolicy(Document):
    """The figures of domain/engagement.py; each may be previewed before it is applied."""

    counts_after: Duration = timedelta(days=3)
    new_below: int = Field(default=4, ge=1)
    fan_answers: int = Field(default=4, ge=1)
    fan_of: int = Field(default=8, ge=1, le=16)
    fan_purchases: int = Field(default=3, ge=1, le=3)
    active_days: Duration = timedelta(days=90)
    active_letters: int = Field(default=16, ge=1, le=16)
    active_open_share: float = Field(default=0.25, gt=0, le=1)
    active_open_least: int = Field(default=3, ge=1)
    half_life: Duration = timedelta(days=180)
    lost_after: Duration = timedelta(days=548)


class Policy(Document):
    """What marketers decide for the whole workspace: who writes, from where, how often, in which mix and hours."""

    name: Literal["default"] = Field(default="default", alias="policy")
    sender: Sender | None = None
    postal_address: str | None = None
    timezone: Zone = "UTC"
    locale: str = "en"
    topics: dict[Slug, str] = Field(default_factory=dict)
    mix: Mix = (Ratio(3),)
    cap: int = Field(default=3, ge=1, le=21)
    gap: Duration = timedelta(hours=20)
    lateness: Duration = timedelta(hours=2)
    best_hour: bool = True
    tracking: Tracking = Tracking.INDIVIDUAL
    quiet_hours: QuietHours = QuietHours.model_validate({"from": "21:00", "until": "8:00"})
    blackout: tuple[CalendarDate, ...] = ()
    pace: Pace | None = None
    windows: Windows = Windows()
    engagement: EngagementPolicy = EngagementPolicy()
    forms: dict[Slug, Form] = Field(default_factory=dict)
    recommend: Recommend | None = None
    desk: Desk = Desk()

    @model_validator(mode="after")
    def _forms_are_whole(self) -> Policy:
        for name, form in self.forms.items():
            for topic in form.topics:
                if topic not in self.topics:
                    raise ValueError(f"the form {name!r} offers the topic {topic!r}, which the policy does not have; add it under topics")
        if self.recommend and self.recommend.form not in self.forms:
            raise ValueError(f"recommend leads to the form {self.recommend.form!r}, which the policy does not have; add it under forms")
        return self


AnyDocument = Sequence | Segment | Campaign | Cleanup | Rule | LibraryLetter | Policy
DOCUMENT_TYPES: dict[str, type[AnyDocument]] = {
    "sequence": Sequence,
    "segment": Segment,
    "campaign": Campaign,
    "cleanup": Cleanup,
    "rule": Rule,
    "letter": LibraryLetter,
    "policy": Policy,
}


def document_type(document: AnyDocument) -> str:
    return next(word for word, model in DOCUMENT_TYPES.items() if type(document) is model)


def document_name(document: AnyDocument) -> str:
    return document.id if isinstance(document, LibraryLetter) else document.name


@by_identity(1024)
def lane_name(document: Sequence | Campaign | Cleanup) -> str:
    """The lane of the ledger that carries a document's letters."""
    return f"{document_type(document)}:{document.name}"


def letters_of(document: AnyDocument) -> tuple[Letter, ...]:
    """Every letter a document brings, in the order written."""
    match document:
        case Sequence():
            return document.letters
        case Campaign():
            return (document.letter,)
        case Cleanup():
            return document.offers + tuple(x for x in (document.repermission, document.closing) if x)
        case LibraryLetter():
            return (document,)
    return ()

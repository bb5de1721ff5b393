"""The documents a marketer defines: sequence, segment, campaign, cleanup, rule, library letter, question, policy. One definition serves
YAML, API and JSON schema.

The first key of a document names it (`sequence: roofing-school`); the pydantic alias of `name` is that key.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from nurture.domain.asking import Question
from nurture.domain.cleanup.courses import Course
from nurture.domain.conditions import Condition
from nurture.domain.dates import CalendarDate
from nurture.domain.desk import Desk
from nurture.domain.digest_policy import Digest
from nurture.domain.drawing import Drawn, Feed
from nurture.domain.entries import Goal, ReEntry
from nurture.domain.forms import Form, Tag
from nurture.domain.hygiene import Hygiene
from nurture.domain.letters import CadenceText, Document, Letter, Weekday, Windows
from nurture.domain.mixes import Mix, NoPromise, Promise, Ratio, Thirds
from nurture.domain.paces import Pace
from nurture.domain.recommending import Recommend
from nurture.domain.remembering import by_identity
from nurture.domain.rules import Rule
from nurture.domain.scalars import Duration, HeaderText, Percent, Slug, TimeOfDay
from nurture.domain.variants import NAMES, Trial, Variant, letter_of
from nurture.domain.words import Kind, Tracking


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
    """One letter to one segment, once or by the calendar. Arrives as a draft and leaves by `start`.

    The letter is written out, perhaps with the items of a `feed`; or each occasion draws one: `letters: {folder: ...}` or
    `letters: library`. `variants` are tried against the letter as it is written; `holdout`: this share never gets it, to compare with.
    """

    name: Slug = Field(alias="campaign")
    title: str = ""
    segment: Slug
    schedule: Schedule = "now"
    topic: str | None = None
    priority: int = Field(default=60, ge=0, le=100)
    repay: Literal["library", "wait"] = "wait"
    until: Duration = timedelta(days=7)
    windows: Windows = Windows()
    letter: Letter | None = None
    drawn: Drawn | None = Field(default=None, alias="letters")
    feed: Feed | None = None
    variants: Annotated[tuple[Variant, ...], Field(max_length=3)] = ()
    test: Trial | None = None
    holdout: Percent = 0.0

    @model_validator(mode="after")
    def _one_source(self) -> Campaign:
        if (self.letter is None) == (self.drawn is None):
            raise ValueError("a campaign needs `letter`, or `letters` from a folder or the library, and not both")
        if self.feed is not None and self.letter is None:
            raise ValueError("`feed` fills the `letter` that is written out; give the campaign one")
        if self.variants and (self.letter is None or self.feed is not None):
            raise ValueError("`variants` are those of one `letter` that is written out, without a feed")
        if self.test is not None and not self.variants:
            raise ValueError("`test` compares `variants`; write at least one, such as: variants: [{subject: ...}]")
        if self.holdout > 0.5:
            raise ValueError("a `holdout` is at most half of the people: 5% or 10% are usual")
        for variant in self.variants:
            letter_of(self.letter, variant)
        return self

    @property
    def letters(self) -> tuple[Letter, ...]:
        """The letter, where it is known: an occasion that drew one has it in its own copy of the campaign."""
        return (self.letter,) if self.letter else ()

    @property
    def frozen(self) -> bool:
        """Whether each occasion keeps the words it opened with."""
        return self.feed is not None or isinstance(self.drawn, Document)

    @property
    def kind(self) -> Kind | None:
        """The kind of its letters; None where each letter of a folder says its own."""
        return self.letter.kind if self.letter else Kind.USEFUL if self.drawn == "library" else None

    @property
    def trial(self) -> Trial:
        """How its variants are compared: on the whole list, by clicks, unless it says otherwise."""
        return self.test or Trial()

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
    """The aggressive-sale campaign to passive people, with guard rails and a verdict. Arrives as a draft and leaves by `start`.

    `tag`: only those of the audience who carry it.
    `event`: the date of a real event that the offers sell; none leaves after it. `silent`: what becomes of those who never answered:
    `archive` them - after the `closing` letter, where one is written, and `closes_after` without a word - or `keep` them.
    `repermission`: the one letter for people whose opens and clicks cannot be seen; without it they are left alone.
    """

    name: Slug = Field(alias="cleanup")
    title: str = ""
    audience: Literal["passive", "fading", "both"] = "passive"
    tag: Tag | None = None
    event: date | None = None
    offers: Annotated[tuple[Letter, ...], Field(min_length=1, max_length=4), AfterValidator(_unique_ids)]
    holdout: Percent = 0.1
    canary: Percent = 0.01
    silent: Literal["archive", "keep"] = "archive"
    closes_after: Duration = timedelta(days=7)
    repermission: Letter | None = None
    closing: Letter | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Cleanup:
        _unique_ids(letters_of(self))
        for letter in letters_of(self):
            if letter.kind in (Kind.SERVICE, Kind.GREETING):
                raise ValueError(f"{letter.id} is a {letter.kind.value} letter; a cleanup has offers (sales) and words of its own (about)")
            unfit = next((word for word in ("about", "after", "only_if") if getattr(letter, word) is not None), None)
            if unfit:
                raise ValueError(f"{letter.id} has `{unfit}`; the letters of a cleanup go one a day, in the order written")
        return self


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
    cost_per_thousand: float | None = Field(default=None, ge=0)
    hygiene: Hygiene = Hygiene()
    digest: Digest | None = None
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


AnyDocument = Sequence | Segment | Campaign | Cleanup | Rule | LibraryLetter | Question | Policy
DOCUMENT_TYPES: dict[str, type[AnyDocument]] = {
    "sequence": Sequence,
    "segment": Segment,
    "campaign": Campaign,
    "cleanup": Cleanup,
    "rule": Rule,
    "letter": LibraryLetter,
    "question": Question,
    "policy": Policy,
}


def document_type(document: AnyDocument) -> str:
    return next(word for word, model in DOCUMENT_TYPES.items() if type(document) is model)


def document_name(document: AnyDocument) -> str:
    return document.id if isinstance(document, LibraryLetter) else document.name


@by_identity(1024)
def lane_name(document: Sequence | Campaign | Cleanup | Course) -> str:
    """The lane of the ledger that carries a document's letters."""
    return f"{'cleanup' if isinstance(document, Course) else document_type(document)}:{document.name}"


def letters_of(document: AnyDocument) -> tuple[Letter, ...]:
    """Every letter a document brings, in the order written."""
    match document:
        case Sequence():
            return document.letters
        case Campaign():
            return document.letters
        case Cleanup():
            return document.offers + tuple(x for x in (document.repermission, document.closing) if x)
        case LibraryLetter():
            return (document,)
        case Question():
            return document.letters
    return ()


def variants_of(campaign: Campaign) -> list[tuple[str, Letter]]:
    """(name, letter) of each variant beside the letter as it is written."""
    return [(NAMES[i], letter_of(campaign.letter, variant)) for i, variant in enumerate(campaign.variants, 1)]

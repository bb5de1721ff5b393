"""One letter as a marketer writes it. The same definition serves sequences, campaigns, cleanups, the library and service letters."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from nurture.domain.conditions import Condition
from nurture.domain.dates import parse_calendar_date
from nurture.domain.scalars import DelayText, HeaderText, Slug, TimeOfDay
from nurture.domain.words import Kind, Size


class Document(BaseModel):
    """What all definitions share: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=False)


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """Monday is 0, as in `date.weekday()`."""
        return list(Weekday).index(self)


class Span(Document):
    """Some weekdays and two wall-clock times, end exclusive."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    from_: TimeOfDay = Field(alias="from")
    until: TimeOfDay

    @model_validator(mode="after")
    def _opens(self) -> Span:
        if self.from_ >= self.until:
            raise ValueError("this window can never open: `from` must be before `until`")
        return self


Window = Literal["any", "now"] | Annotated[tuple[Span, ...], Field(min_length=1)]


class Windows(Document):
    """When letters of a kind may leave; what is not named keeps the default of domain/windows.py."""

    sales: Window | None = None
    long: Window | None = None
    short: Window | None = None
    other: Window | None = None
    greeting: Window | None = None


_ACTION = re.compile(r"(https?://\S+|mailto:\S+|tel:[+\d][\d ()-]+|reply|question:\s*\S+)")


def _parse_action(value: Any) -> str:
    if isinstance(value, dict) and list(value) == ["question"]:
        value = f"question: {value['question']}"
    if isinstance(value, str) and (_ACTION.fullmatch(value.strip()) or value.strip().startswith("{{")):
        return value.strip()
    raise ValueError(f"{value!r} is not a call to action; write one link (https://...), reply, tel:+49..., or {{question: <id>}}")


CallToAction = Annotated[
    str, BeforeValidator(_parse_action), WithJsonSchema({"type": "string", "examples": ["https://example.com/go", "reply"]})
]

_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])|[a-z_][a-z0-9_]*")


def _parse_day(value: Any) -> str:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise ValueError(f"{value!r} is not a day; write a date field (birthday) or a yearly date (12-31)")


def _parse_about(value: Any) -> str:
    if isinstance(value, date) or (isinstance(value, str) and not re.fullmatch(r"[a-z_][a-z0-9_]*", value)):
        return parse_calendar_date(value)
    return _parse_day(value)


class About(Document):
    """The date a letter is about: a written one, `2026-09-15` or every year `09-15`, or a date field; it leaves so many days before or
    after. A field's year counts unless `yearly`.
    """

    date: Annotated[str, BeforeValidator(_parse_about)]
    days: int = Field(default=0, ge=-365, le=365)
    yearly: bool = False


class Letter(Document):
    """A message written once and sent to many. `body` is Markdown; `template` names a folder under templates/letters instead."""

    id: Slug
    kind: Kind
    size: Size = Size.SHORT
    title: str | None = None
    subject: HeaderText = Field(min_length=1)
    preheader: HeaderText = ""
    call_to_action: CallToAction | None = None
    body: str | None = Field(default=None, min_length=1, max_length=200_000)
    template: str | None = Field(default=None, pattern=r"^letters/[a-z0-9][a-z0-9_-]*$")
    topic: str | None = None
    after: DelayText | None = None
    window: Window | None = None
    only_if: Condition | None = None
    day: Annotated[str, BeforeValidator(_parse_day)] | None = None
    about: About | None = None
    evergreen: bool = False
    archive: bool = False

    @model_validator(mode="after")
    def _has_content(self) -> Letter:
        if (self.body is None) == (self.template is None):
            raise ValueError("a letter needs `body` (Markdown) or `template` (letters/<folder>), and not both")
        if self.day is not None and self.kind is not Kind.GREETING:
            raise ValueError("`day` belongs to greetings; use `after` or a condition for other letters")
        if self.about is not None and (self.kind is Kind.GREETING or self.after is not None):
            raise ValueError("`about` stands without `after`, and greetings have `day`; keep one of them")
        return self

    @property
    def question(self) -> str | None:
        """The question that is its call to action."""
        found = re.fullmatch(r"question:\s*(\S+)", self.call_to_action or "")
        return found[1] if found else None


class Cadence(BaseModel):
    """`2 per week`: letters of the sequence in one calendar unit, floor and ceiling alike."""

    model_config = ConfigDict(frozen=True)
    count: int = Field(ge=1, le=31)
    per: Literal["week", "month"]

    def __str__(self) -> str:
        return f"{self.count} per {self.per}"


_CADENCE = re.compile(r"(\d{1,2})\s+per\s+(week|month)")


def parse_cadence(value: Any) -> Cadence:
    if isinstance(value, Cadence):
        return value
    found = _CADENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or int(found[1]) < 1:
        raise ValueError(f"{value!r} is not a cadence; write it as: 2 per week")
    return Cadence(count=int(found[1]), per="week" if found[2] == "week" else "month")


CadenceText = Annotated[
    Cadence,
    BeforeValidator(parse_cadence),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^\\d+ per (week|month)$", "examples": ["2 per week"]}),
]

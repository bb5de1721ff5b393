"""The question a segment asks about a person. One definition for audiences, segments and `only_if`; `store/conditions.py` compiles it to
SQL.

Each condition is a mapping told apart by its first word: `{tag: roof}`, `{not: {engagement: passive}}`, `{did: clicked, kind: sales,
within: 90d}`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, PlainSerializer, Tag, WithJsonSchema, model_validator

from nurture.domain.scalars import Duration, format_duration, parse_duration
from nurture.domain.words import Engagement, EventType, Flag, Kind, Status, Temperature

Scalar = str | int | float | bool


class _Condition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class All(_Condition):
    all: tuple[Condition, ...]


class AnyOf(_Condition):
    any: tuple[Condition, ...]


class Not(_Condition):
    not_: Condition = Field(alias="not")


class HasTag(_Condition):
    tag: str


class OnTopic(_Condition):
    """The person has not left this topic."""

    topic: str


class FieldIs(_Condition):
    """One of the person's own columns (`country`, `timezone`, ...) or of the free `fields`. Exactly one comparison."""

    field: str
    is_: Scalar | None = Field(default=None, alias="is")
    in_: tuple[Scalar, ...] | None = Field(default=None, alias="in")
    gt: Scalar | None = None
    lt: Scalar | None = None
    exists: bool | None = None
    contains: str | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> FieldIs:
        given = [n for n in ("is_", "in_", "gt", "lt", "exists", "contains") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("a field condition takes exactly one of is, in, gt, lt, exists, contains")
        return self


class HasStatus(_Condition):
    status: Status


class HasEngagement(_Condition):
    engagement: Engagement


class HasFlag(_Condition):
    flag: Flag


class HasTemperature(_Condition):
    temperature: Temperature


class FromSource(_Condition):
    source: str


def check_choice(did: EventType, name: str | None, choice: str | None) -> None:
    """Raises ValueError where a choice stands without the question it belongs to."""
    if choice is not None and (did is not EventType.ANSWERED or name is None):
        raise ValueError("`choice` belongs to an answer; write {did: answered, name: <question>, choice: <id>}")


class Did(_Condition):
    """Events of human evidence. Narrowed by `letter` (`document/id`), `kind` of letter, `link`, `name` (of a conversion, question, visit)
    or `choice` (what was chosen at the question `name`; of a quiz, the band).
    """

    did: EventType
    letter: str | None = None
    kind: Kind | None = None
    link: str | None = None
    name: str | None = None
    choice: str | None = None
    at_least: int = Field(default=1, ge=1)
    within: Duration | None = None

    @model_validator(mode="after")
    def _choice_of_a_question(self) -> Did:
        check_choice(self.did, self.name, self.choice)
        return self


class Received(_Condition):
    """A letter (`document/id`) was accepted for this person."""

    received: str
    within: Duration | None = None


class InSequence(_Condition):
    in_sequence: str


class InSegment(_Condition):
    """A saved question inside a question; domain/questions.py puts the segment's own question in its place."""

    segment: str


_WITHIN = re.compile(r"within\s+(.+)")


def _parse_within(value: object) -> timedelta:
    found = _WITHIN.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, timedelta):
        return value
    if not found:
        raise ValueError(f"{value!r} is not understood; write it as: within 30d")
    return parse_duration(found[1])


Within = Annotated[
    timedelta,
    BeforeValidator(_parse_within),
    PlainSerializer(lambda v: f"within {format_duration(v)}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^within \\d+(s|m|h|d|w)$", "examples": ["within 30d"]}),
]


class Joined(_Condition):
    joined: Within


class DateNear(_Condition):
    """The yearly day of a date field comes within this long (today included)."""

    date: str
    within: Duration


CONDITION_WORDS: dict[str, type[_Condition]] = {
    "all": All, "any": AnyOf, "not": Not, "tag": HasTag, "topic": OnTopic, "field": FieldIs, "status": HasStatus,
    "engagement": HasEngagement, "flag": HasFlag, "temperature": HasTemperature, "source": FromSource, "did": Did,
    "received": Received, "in_sequence": InSequence, "segment": InSegment, "joined": Joined, "date": DateNear,
}  # fmt: skip


def _word(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((w for w in CONDITION_WORDS if w in value), None)
    return next((w for w, model in CONDITION_WORDS.items() if type(value) is model), None)


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[HasTag, Tag("tag")]
    | Annotated[OnTopic, Tag("topic")]
    | Annotated[FieldIs, Tag("field")]
    | Annotated[HasStatus, Tag("status")]
    | Annotated[HasEngagement, Tag("engagement")]
    | Annotated[HasFlag, Tag("flag")]
    | Annotated[HasTemperature, Tag("temperature")]
    | Annotated[FromSource, Tag("source")]
    | Annotated[Did, Tag("did")]
    | Annotated[Received, Tag("received")]
    | Annotated[InSequence, Tag("in_sequence")]
    | Annotated[InSegment, Tag("segment")]
    | Annotated[Joined, Tag("joined")]
    | Annotated[DateNear, Tag("date")],
    Discriminator(
        _word,
        custom_error_type="condition",
        custom_error_message="not a condition; use one of " + ", ".join(CONDITION_WORDS),
    ),
]

for _model in (All, AnyOf, Not):
    _model.model_rebuild()

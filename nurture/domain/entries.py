"""How people come into a sequence again, and what takes them out of it: as it is written, and as it is kept."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, PlainSerializer, Tag, WithJsonSchema

from nurture.domain.conditions import Condition, Did
from nurture.domain.scalars import format_duration, parse_duration
from nurture.domain.words import EventType


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


def _named_goal(name: str) -> Did:
    """`goal: purchase` is short for the conversion of that name."""
    return Did(did=EventType.CONVERTED, name=name)


def _goal_word(value: Any) -> str:
    return "conversion" if isinstance(value, str) else "condition"


GOAL_WORDS = ("conversion", "condition")
Goal = Annotated[
    Annotated[str, AfterValidator(_named_goal), Tag("conversion")] | Annotated[Condition, Tag("condition")], Discriminator(_goal_word)
]

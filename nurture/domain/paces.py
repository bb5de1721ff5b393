"""A workspace's pace as it is written: the floor, the most, seasons of the year, bursts about a date. Its rules: domain/pacing.py."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from nurture.domain.dates import CalendarDate, YearDay
from nurture.domain.letters import CadenceText, Document

Offset = Annotated[int, Field(ge=-365, le=365)]


class Season(Document):
    """A stretch of the year with a pace of its own, both days included; what it does not name stays as it is all year."""

    from_: YearDay = Field(alias="from")
    until: YearDay
    floor: CadenceText | None = None
    most: CadenceText | None = None


class Burst(Document):
    """A date that people are to hear more about: on its days letters may go beyond `most`; cap and gap stay."""

    about: CalendarDate
    days: Annotated[tuple[Offset, ...], Field(min_length=1)] = (0,)


class Pace(Document):
    """How often people of this trade hear from us: `floor` never rarer, `most` never more often, over everything together."""

    floor: CadenceText | None = None
    most: CadenceText | None = None
    season: tuple[Season, ...] = ()
    bursts: tuple[Burst, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Pace:
        parts: tuple[Pace | Season, ...] = (self, *self.season)
        for part in parts:
            if part.floor and part.most and part.floor.per == part.most.per and part.floor.count > part.most.count:
                raise ValueError(f"the floor of {part.floor} is above the most of {part.most}; raise `most` or lower `floor`")
        return self

"""What one delivery adds to the person, and what is kept about it while its letter is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from nurture.domain.tokens import Purpose
from nurture.render.sandbox import Budget


@dataclass(slots=True)
class Occasion:
    """`delivery`, `version`: ids for the links. `now` is the Date of the letter, `today` the person's date. `data`: see Addressed.

    The writer fills in the rest: the letter's own subject and preheader, and for its islands (see islands.py) the tokens, the names and
    one budget for all of them.
    """

    delivery: int
    version: int
    message_id: str
    now: datetime
    today: date
    why: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    preheader: str = ""
    tokens: Mapping[Purpose, str] = field(default_factory=dict)
    names: dict[str, Any] | None = None
    budget: Budget | None = None

"""The person as a letter sees them: plain data, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.domain.words import Tracking


@dataclass(frozen=True, slots=True)
class Reader:
    """`received`: subjects of the last useful letters, newest first. `zone`: the IANA name in force for this person."""

    subscriber_id: int
    email: str
    name: str = ""
    first_name: str = ""
    patronymic: str = ""
    locale: str = "en"
    zone: str = "UTC"
    source: str = ""
    joined_at: datetime | None = None
    tracking: Tracking = Tracking.INDIVIDUAL
    fields: Mapping[str, Any] = field(default_factory=dict)
    received: tuple[str, ...] = ()

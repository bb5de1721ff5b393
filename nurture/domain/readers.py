"""The person as a letter sees them: plain data, no rows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from nurture.domain.words import Tracking


class Reader(NamedTuple):
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
    fields: Mapping[str, Any] = MappingProxyType({})
    received: tuple[str, ...] = ()

"""The person as a letter sees them: plain data, no rows."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from nurture.domain.people import HOUSE
from nurture.domain.remembering import of_people
from nurture.domain.words import Tracking

_WHY = {
    "en": ("You have been getting these letters since {day}.", "You have been getting these letters since {day}; you came by {source}."),
    "de": ("Sie bekommen diese Briefe seit dem {day}.", "Sie bekommen diese Briefe seit dem {day}; Sie kamen über {source}."),
    "pl": ("Otrzymujesz te listy od {day}.", "Otrzymujesz te listy od {day}; źródło: {source}."),
    "ru": ("Вы получаете эти письма с {day}.", "Вы получаете эти письма с {day}; источник: {source}."),
}


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


def why(reader: Reader) -> str:
    """Since when and from where: the sentence every letter owes its reader, in their language."""
    return _why(reader.locale, reader.joined_at.date(), reader.source) if reader.joined_at and reader.source != HOUSE else ""


@of_people(4096)
def _why(locale: str, joined: date, source: str) -> str:
    plain, with_source = _WHY.get(locale.split("-", maxsplit=1)[0].lower(), _WHY["en"])
    return (with_source if source else plain).format(day=joined.isoformat(), source=source)

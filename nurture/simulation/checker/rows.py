"""Deliveries and people as the checker understands them: rows of `simulate --json`, with all arithmetic of time done anew."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.simulation.checker.reading import House, LetterText, Source

PAUSE = timedelta(days=30)
_WISHES = ("less", "useful", "pause")
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """One accepted letter; `local` is its instant on the wall clock, computed here; `way`: the document it was sent on, if known."""

    email: str
    letter: str
    text: LetterText | None
    kind: str
    at: datetime
    local: datetime
    zone: str
    said_local: str
    said_kind: str
    said_size: str
    way: str | None = None

    @property
    def day(self) -> date:
        return self.local.date()


@dataclass(frozen=True)
class Facts:
    """What is known of a person beside their letters; all empty where nothing is.

    `told`: whether a row of the person was given at all. `wishes`: the moments of asking for `less`, `useful` letters only, a `pause`;
    `pauses`: from when until when: 30 days where the deed names no `until`. `zones`: (since when, zone), the first from the beginning.
    `conversions`: (moment, name).
    """

    told: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    zones: tuple[tuple[datetime | None, str], ...] = ()
    wishes: tuple[tuple[datetime, str], ...] = ()
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    conversions: tuple[tuple[datetime, str], ...] = ()
    left: datetime | None = None

    def wished(self, what: str) -> datetime | None:
        """Since when."""
        return next((at for at, wish in self.wishes if wish == what), None)

    def exited(self, source: Source) -> datetime | None:
        """When a conversion ended the person's way through this sequence."""
        return min((at for at, name in self.conversions if name in source.exits), default=None)

    @property
    def steady(self) -> bool:
        """Stayed, in one zone, asked for nothing: what they should have got can be told from outside."""
        return self.left is None and not self.wishes and len(self.zones) <= 1


def read_facts(
    people: Iterable[Mapping[str, Any]], left: Iterable[Mapping[str, Any]]
) -> dict[str, Facts]:  # fmt: skip
    """By address; `people` and `left` as `simulate --json` gives them."""
    gone = {row["email"]: _moment(row["at"]) for row in left}
    found = {email: Facts(left=at) for email, at in gone.items()}
    for row in people:
        deeds = [(_moment(d["at"]), d["act"]) for d in row.get("deeds", ())]
        found[row["email"]] = Facts(
            told=True,
            fields=row.get("fields", {}),
            zones=tuple((_moment(z["at"]) if z["at"] else None, z["timezone"]) for z in row.get("zones", ())),
            wishes=(*_from_the_first(row), *(d for d in deeds if d[1] in _WISHES)),
            pauses=tuple(_pause(d) for d in row.get("deeds", ()) if d["act"] == "pause"),
            conversions=tuple((at, "purchase") for at, act in deeds if act == "buy"),
            left=gone.get(row["email"]),
        )
    return found


def _from_the_first(row: Mapping[str, Any]) -> Iterator[tuple[datetime, str]]:
    """What they wanted when they came."""
    for name, wish in (("kinds", "useful"), ("frequency", "less")):
        if row.get(name) == wish:
            yield _BEGINNING, wish


def _pause(deed: Mapping[str, Any]) -> tuple[datetime, datetime]:
    begin = _moment(deed["at"])
    return begin, _moment(deed["until"]) if "until" in deed else begin + PAUSE


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _find(house: House, sequence: str | None, letter: str) -> LetterText | None:
    """A letter may be named `document/id`, by its bare id beside its sequence, or as a library letter by its own name."""
    for name in (letter, f"{sequence}/{letter}", letter.rpartition("/")[2]):
        if name in house.letters:
            return house.letters[name]
    return None


def read_sent(house: House, raw: Mapping[str, Any]) -> Sent:
    """One row of `deliveries`. Raises KeyError or ValueError when it is not of the documented form."""
    at = _moment(raw["at"])
    text = _find(house, raw.get("sequence"), raw["letter"])
    return Sent(
        email=raw["email"],
        letter=text.name if text else raw["letter"],
        text=text,
        kind=text.kind if text else raw["kind"],
        at=at,
        local=at.astimezone(ZoneInfo(raw["timezone"])),
        zone=raw["timezone"],
        said_local=raw["local"],
        said_kind=raw["kind"],
        said_size=raw["size"],
        way=raw.get("sequence"),
    )

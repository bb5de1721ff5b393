"""One row of a CSV file as a draft of a person. What is wrong is said in one sentence; what is merely doubtful is a warning."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.domain.cells import read_instant, read_object, read_tags, read_topics, read_typed, unguard
from nurture.domain.columns import STATUS_WORDS, Plan
from nurture.domain.people import Draft, storable
from nurture.domain.scalars import clean_line
from nurture.domain.words import Frequency, Kinds, Status, Tracking, ZoneSource
from nurture.domain.zones import ZoneFound, find_zone

_LINES = ("name", "first_name", "patronymic", "locale", "country", "source")
_CHOICES: dict[str, type[Frequency] | type[Kinds] | type[Tracking]] = {"frequency": Frequency, "kinds": Kinds, "tracking": Tracking}
LONGEST_LINE = 300
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}))?")
_YEARLY = re.compile(r"(?:\d{4}-|--)?\d{2}-\d{2}(?:[T ].*)?")


@dataclass(frozen=True, slots=True)
class Agreed:
    """When and from where the person agreed, as the other system kept it."""

    at: datetime
    ip: str | None


@dataclass(frozen=True, slots=True)
class Row:
    draft: Draft
    agreed: Agreed | None = None
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Told:
    """The cells that are filled, by target."""

    plan: Plan
    cells: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def get(self, target: str) -> str:
        return self.cells.get(target, "")


def read_row(plan: Plan, cells: Sequence[str], address: Callable[[str], str]) -> Row:
    """`address` normalises an e-mail address. Raises ValueError or NurtureError with the reason why the row is refused."""
    if len(cells) > len(plan.targets) and any(cell.strip() for cell in cells[len(plan.targets) :]):
        raise ValueError(f"the row has {len(cells)} values but the header {len(plan.targets)}; a delimiter inside a value needs quotes")
    told = _Told(plan, {})
    for target, cell in zip(plan.targets, cells, strict=False):
        if cell and target:
            _tell(told, target, unguard(cell))
    if not told.get("email").strip():
        raise ValueError("the row has no e-mail address")
    draft = Draft(
        email=address(told.get("email")),
        columns=_columns(told),
        fields=told.fields,
        topics=read_topics(told.get("topics")),
        tags=_tags(told),
        status=_status(told),
        status_at=_when(told, "status_at"),
        joined_at=_when(told, "joined_at") or _when(told, "confirm_time") or _when(told, "optin_time"),
        zone=_zone(told),
        zone_exact=bool(told.get("zone_source")),
    )
    return Row(draft, _agreed(told), tuple(told.warnings))


def _tags(told: _Told) -> tuple[str, ...]:
    tags = read_tags(told.get("tags"))
    for tag in tags:
        if ";" in tag or "|" in tag:
            told.warnings.append(f'the tag {tag!r} is kept as one; several tags in a cell are parted by commas, such as "roof, vip"')
    return tags


def _tell(told: _Told, target: str, cell: str) -> None:
    nature, _, name = target.partition(":")
    if nature == "text" and cell.strip():
        told.fields[name] = storable(cell.strip())
    elif nature == "typed":
        told.fields[name] = read_typed(cell)
    elif nature == "birthday":
        told.fields["birthday"] = _birthday(told, storable(cell.strip()))
    elif nature == "fields":
        told.fields.update(read_object(cell, told.plan.header[told.plan.targets.index("fields")]))
    else:
        told.cells[target] = cell


def _birthday(told: _Told, text: str) -> str:
    """As greetings read it, `1980-05-27` or `05-27`: from `5/27` (month first, as the other system writes it) or `27.5.1980`."""
    if found := _AMERICAN.fullmatch(text):
        return f"{found[1]:0>2}-{found[2]:0>2}"
    if found := _DOTTED.fullmatch(text):
        return f"{found[3] + '-' if found[3] else ''}{found[2]:0>2}-{found[1]:0>2}"
    if text and not _YEARLY.fullmatch(text):
        told.warnings.append(f"the birthday {text!r} is kept, but no greeting knows the day; write it as 1980-05-27 or 05-27")
    return text


def _line(text: str) -> str:
    return text.strip() if text.isascii() and text.isprintable() else clean_line(text)


def _columns(told: _Told) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in _LINES:
        text = _line(told.get(name))
        if len(text) > LONGEST_LINE:
            raise ValueError(f"the column {name} holds {len(text)} characters; at most {LONGEST_LINE} are kept")
        if text:
            columns[name] = text
    if len(columns.get("country", "")) == 2:
        columns["country"] = columns["country"].upper()
    _names(told, columns)
    if "source" in told.plan.targets:
        columns.setdefault("source", "")
    for name, words in _CHOICES.items():
        word = told.get(name).strip()
        if word and word not in {w.value for w in words}:
            raise ValueError(f"{name} {word!r} is not known; use one of {', '.join(words)}")
        if word:
            columns[name] = word
    paused = read_instant(told.get("paused_until"), "paused_until")
    if paused:
        columns["paused_until"] = paused
    return columns


def _names(told: _Told, columns: dict[str, Any]) -> None:
    last = _line(told.get("last_name"))
    if last:
        told.fields["last_name"] = last
        if "name" not in columns:
            columns["name"] = f"{columns.get('first_name', '')} {last}".strip()[:LONGEST_LINE]
    if told.plan.dialect == "listmonk" and columns.get("name"):
        columns["first_name"] = columns["name"].split()[0]  # as listmonk itself greets


def _status(told: _Told) -> Status | None:
    word = told.get("status").strip()
    if not word:
        return told.plan.implied
    known = STATUS_WORDS[told.plan.dialect]
    if word.lower() not in known:
        raise ValueError(f"the status {word!r} is not known; use one of {', '.join(known)}")
    return known[word.lower()]


def _when(told: _Told, column: str) -> datetime | None:
    """Our own columns must be right; a time of another system that cannot be read is only missing."""
    try:
        return read_instant(told.get(column), column)
    except ValueError as error:
        if told.plan.dialect == "nurture":
            raise
        told.warnings.append(str(error))
        return None


def _zone(told: _Told) -> ZoneFound | None:
    source = told.get("zone_source").strip()
    if source:
        if source not in {s.value for s in ZoneSource}:
            raise ValueError(f"zone_source {source!r} is not known; use one of {', '.join(ZoneSource)}")
        exact = find_zone(told.get("timezone"))
        if not exact.unknown:
            return ZoneFound(exact.zone, ZoneSource(source))
    found = find_zone(
        told.get("timezone"), winter=_minutes(told.get("gmtoff")), summer=_minutes(told.get("dstoff")), country=told.get("country")
    )
    if found.unknown:
        instead = f"{found.zone} ({found.source.value})" if found.zone else "the workspace's zone"
        told.warnings.append(f"{found.unknown!r} is not a known time zone; {instead} is used")
    return found if found.zone else None


def _minutes(hours: str) -> int | None:
    try:
        found = round(float(hours.strip().replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) <= 14 * 60 else None


def _agreed(told: _Told) -> Agreed | None:
    for when, where in (("confirm_time", "confirm_ip"), ("optin_time", "optin_ip")):
        at = _when(told, when)
        if at:
            return Agreed(at, _line(told.get(where))[:64] or None)
    return None

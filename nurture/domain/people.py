"""What an import or an upsert may do to a person: whose word wins, and the one rule of statuses - it may lower, never raise.

A status rises only by the person's own POST, or by a resubscribe with a consent record.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

from nurture.domain.field_ages import COLUMNS, own_field, tell
from nurture.domain.scalars import clean_line
from nurture.domain.words import Status, ZoneSource
from nurture.domain.zones import ZoneFound, better

# From all letters to none for ever. A move to the right is lowering.
_FALL = (Status.SUBSCRIBED, Status.PENDING, Status.ARCHIVED, Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
GONE = _FALL[2:]
LONGEST_TAG = 100
HOUSE = "house"
"""The source of an archived row that is nobody of the list: somebody of the house, to whom the weekly digest goes."""
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """One person as a row or a request tells of them; what it does not name stays as it is.

    `columns` are the person's own columns; `tags` None says nothing of tags; `status` None says nothing of the status.
    """

    email: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    topics: Mapping[str, bool] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    status: Status | None = None
    status_at: datetime | None = None
    joined_at: datetime | None = None
    zone: ZoneFound | None = None
    zone_exact: bool = False  # the zone and its source are told together, by our own export: they hold as written


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a person, as far as a draft may change it."""

    id: int
    columns: Mapping[str, Any]
    fields: Mapping[str, Any]
    topics: Mapping[str, Any]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Merged:
    """`values`: the columns that change. `refused`: why nothing may change, as a sentence."""

    values: Mapping[str, Any] = field(default_factory=dict)
    add_tags: frozenset[str] = frozenset()
    drop_tags: frozenset[str] = frozenset()
    refused: str | None = None

    @property
    def changes(self) -> bool:
        return bool(self.values or self.add_tags or self.drop_tags)


def of_the_house(status: Status, source: str | None) -> bool:
    """Whether this row is only where the digest goes: who joins the list by it comes as anybody does."""
    return status is Status.ARCHIVED and source == HOUSE


def raises(known: Status, wanted: Status) -> bool:
    """Whether the wish would bring letters back to someone who gets fewer or none."""
    return wanted in (Status.SUBSCRIBED, Status.PENDING) and _FALL.index(wanted) < _FALL.index(known)


def lowers(known: Status, wanted: Status) -> bool:
    return _FALL.index(wanted) > _FALL.index(known)


def read_tag(text: str) -> str:
    """A tag as it is stored: one line, no spaces around it. Raises ValueError for one that is too long."""
    tag = clean_line(text)
    if len(tag) > LONGEST_TAG:
        raise ValueError(f"the tag {tag[:30]!r}... has {len(tag)} characters; a tag has at most {LONGEST_TAG}")
    return tag


def storable(value: Any, depth: int = 0) -> Any:
    """A JSON value as both databases keep it: no NUL, no lone surrogates, no numbers that JSON lacks. Raises ValueError if too deep."""
    if depth > _DEEPEST:
        raise ValueError(f"a value is nested more than {_DEEPEST} levels deep")
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {storable(str(k)): storable(v, depth + 1) for k, v in value.items()}
    return [storable(v, depth + 1) for v in value] if isinstance(value, list) else value


def read_stranger(text: str | bytes) -> Any:
    """JSON that anybody may have written, as both databases keep it. Raises ValueError where it is no JSON or too deep."""
    try:
        return storable(json.loads(text))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def newcomer(draft: Draft, now: datetime) -> dict[str, Any]:
    """All that is stored of a person who was not known: subscribed unless the draft says otherwise."""
    zone = draft.zone or ZoneFound(None, ZoneSource.DEFAULT)
    return {
        "email": draft.email,
        "status": (draft.status or Status.SUBSCRIBED).value,
        "status_at": draft.status_at or now,
        "joined_at": min(draft.joined_at or now, now),
        "changed_at": now,
        "timezone": zone.zone,
        "zone_source": zone.source.value,
        "fields": {k: v for k, v in draft.fields.items() if v is not None},
        "topics": dict(draft.topics),
        **draft.columns,
    }


def merge(known: Known, draft: Draft, now: datetime, *, replace_tags: bool = False, loosen: bool = True) -> Merged:
    """What the draft changes. A status that would rise refuses the whole draft; a None among the fields takes that field away.

    `loosen=False`, for files: what a person chose for fewer letters or less tracking stays; only they, or a program for them, undo it.
    """
    status = Status(known.columns["status"])
    if of_the_house(status, known.columns.get("source")):
        joined = {n: v for n, v in newcomer(draft, now).items() if n not in ("email", "changed_at")}
        return Merged({"source": ""} | joined, frozenset(draft.tags or ()))
    if draft.status is not None and raises(status, draft.status):
        return Merged(refused=refusal(status, draft.status))
    kept = frozenset() if loosen else _own_choices(known, draft)
    values = {name: value for name, value in draft.columns.items() if known.columns.get(name) != value and name not in kept}
    if draft.status is not None and lowers(status, draft.status):
        values |= {"status": draft.status.value, "status_at": draft.status_at or now}
    values |= _zone_change(known, draft)
    fields = {k: v for k, v in {**known.fields, **draft.fields}.items() if v is not None}
    if fields != known.fields or _types(fields) != _types(known.fields):
        values["fields"] = fields
    topics = {**known.topics, **{name: wanted for name, wanted in draft.topics.items() if loosen or known.topics.get(name) is not False}}
    if topics != known.topics:
        values["topics"] = topics
    guessed = values.get("zone_source") == ZoneSource.GUESSED.value  # told by nobody
    told = [n for n in COLUMNS if n in values and not (guessed and n == "timezone")]
    told += [own_field(n) for n, v in fields.items() if known.fields.get(n) != v]
    if told:
        values["told_at"] = tell(known.columns.get("told_at"), told, now.date())
    given = frozenset(draft.tags or ())
    dropped = known.tags - given if replace_tags and draft.tags is not None else frozenset()
    return Merged(values, given - known.tags, dropped)


_STRICTER = {"kinds": ("all", "useful"), "frequency": ("normal", "less"), "tracking": (None, "individual", "aggregate", "none")}


def _own_choices(known: Known, draft: Draft) -> frozenset[str]:
    """Columns in which the draft would bring more letters or more tracking than the person has now."""
    looser = {
        name
        for name, order in _STRICTER.items()
        if name in draft.columns and order.index(draft.columns[name]) < order.index(known.columns.get(name) or order[0])
    }
    until, wanted = known.columns.get("paused_until"), draft.columns.get("paused_until")
    shorter = until is not None and "paused_until" in draft.columns and (wanted is None or wanted < until)
    return frozenset(looser | ({"paused_until"} if shorter else set()))


def _types(fields: Mapping[str, Any]) -> list[type]:
    """1 == True in Python, but not in a condition."""
    return [type(v) for v in fields.values()]


def _zone_change(known: Known, draft: Draft) -> dict[str, Any]:
    found = draft.zone
    if found is None or found.zone is None or not (draft.zone_exact or better(found.source, known.columns["zone_source"])):
        return {}
    wanted = {"timezone": found.zone, "zone_source": found.source.value}
    return {name: value for name, value in wanted.items() if known.columns[name] != value}


def refusal(known: Status, wanted: Status) -> str:
    """Why the status stays, as a sentence."""
    did = {
        Status.UNSUBSCRIBED: "has unsubscribed",
        Status.BOUNCED: "bounced",
        Status.COMPLAINED: "complained",
        Status.ARCHIVED: "is archived",
        Status.PENDING: "has not confirmed yet",
    }[known]
    return f"this person {did}; nobody else makes them {wanted.value} again: they can by themselves, or a resubscribe with their consent"

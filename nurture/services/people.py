"""People one at a time: found, listed, put in or changed by a marketer's program, and brought back with their own consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nurture.domain.conditions import Condition
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.people import Draft, merge, newcomer, read_tag, storable
from nurture.domain.scalars import Moment, clean_line
from nurture.domain.words import EventType, Evidence, Frequency, Kinds, Status, Tracking, ZoneSource
from nurture.domain.zones import ZoneFound, find_zone
from nurture.mail.address import normalise
from nurture.store import events, subscribers
from nurture.store.choices import log_permissions
from nurture.store.conditions import compile_condition
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.lowering import follow_lowering, record_consents
from nurture.store.segments import expanded, segment_condition
from nurture.store.subscribers import Person
from nurture.store.suppressions import ERASED, suppressed

Line = Annotated[str, Field(max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class SubscriberPatch(BaseModel):
    """What a program tells of a person. What it leaves out stays; `tags` are set as a whole, `fields` and `topics` by name."""

    model_config = ConfigDict(extra="forbid")
    name: Line | None = None
    first_name: Line | None = None
    patronymic: Line | None = None
    timezone: Annotated[str, Field(max_length=64, examples=["Europe/Berlin"])] | None = None
    locale: Annotated[str, Field(max_length=35, examples=["de"])] | None = None
    country: Annotated[str, Field(max_length=100, examples=["DE"])] | None = None
    tags: Annotated[list[Name], Field(max_length=500)] | None = None
    topics: dict[Name, bool] | None = None
    fields: dict[Name, Any] | None = Field(default=None, description="Free values by name; null takes one away.")
    source: Line | None = None
    status: Status | None = Field(default=None, description="May lower, never raise: 409.")
    frequency: Frequency | None = None
    kinds: Kinds | None = None
    tracking: Tracking | None = None
    paused_until: Moment | None = None
    joined_at: Moment | None = Field(default=None, description="For people who joined elsewhere; set once.")

    @field_validator("tags")
    @classmethod
    def _tags(cls, value: list[str] | None) -> list[str] | None:
        return None if value is None else [tag for tag in (read_tag(t) for t in value) if tag]

    @field_validator("fields")
    @classmethod
    def _fields(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is None:
            return None
        cleaned = {clean_line(k): storable(v) for k, v in value.items()}
        if "" in cleaned:
            raise ValueError("a field's name needs at least one character that can be seen")
        return cleaned


class SubscriberIn(SubscriberPatch):
    """The same of the person with this address."""

    email: Annotated[str, Field(min_length=3, max_length=320)]


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: the cursor of the following page (an id), None on the last."""

    people: list[Person]
    next: int | None


@dataclass(frozen=True, slots=True)
class Put:
    person: Person
    change: Literal["created", "changed", "unchanged"]


async def get_person(db: Database, subscriber_id: int) -> Person:
    """Raises NurtureError when there is nobody."""
    async with db.read() as tx:
        return _there(await subscribers.get(tx, subscriber_id), str(subscriber_id))


async def find_person(db: Database, email: str) -> Person | None:
    """By any spelling of the address; None for an unknown one."""
    address = normalise(email)
    async with db.read() as tx:
        return await subscribers.find(tx, address)


async def list_people(
    db: Database, now: datetime, *, after: int = 0, limit: int = 100, segment: str | None = None, where: Condition | None = None
) -> Page:  # fmt: skip
    """People by id, all or those of a segment or condition."""
    async with db.read() as tx:
        zone = (await load_policy(tx)).timezone
        condition = where if segment is None else await segment_condition(tx, segment)
        chosen = None if condition is None else compile_condition(await expanded(tx, condition), now, zone)
        people = await subscribers.page(tx, after, limit + 1, chosen)
    return Page(people[:limit], people[limit - 1].id if len(people) > limit else None)


async def upsert(db: Database, given: SubscriberIn, now: datetime) -> Put:
    """Put a person in (`subscribed` unless told) or change what is told. Raises NurtureError CONFLICT when the status would rise."""
    draft = _draft(given)
    async with db.write() as tx:
        known = await subscribers.find(tx, draft.email)
        if known is None:
            if await suppressed(tx, [draft.email]):
                raise NurtureError(ERASED, ErrorKind.CONFLICT)
            (new,) = await subscribers.add(tx, [newcomer(draft, now) | {"tags": draft.tags or ()}])
            if new:
                await _permission(tx, new, draft.columns, now)
                return Put(_there(await subscribers.get(tx, new), draft.email), "created")
            known = _there(await subscribers.find(tx, draft.email), draft.email)  # another writer was first
        changed = await _change(tx, known, draft, now)
        return Put(_there(await subscribers.get(tx, known.id), draft.email), "changed" if changed else "unchanged")


async def resubscribe(db: Database, subscriber_id: int, *, wording: str, source: str, ip: str | None, now: datetime) -> Person:
    """Bring a person back on their own word, which is kept in the consent log: who says so must say how they know.

    Raises NurtureError when nobody is there, or when nothing tells of a consent.
    """
    if not wording.strip() or not source.strip():
        raise NurtureError("a resubscribe needs the consent it rests on: what the person agreed to (wording) and where (source)")
    async with db.write() as tx:
        person = _there(await subscribers.get(tx, subscriber_id), str(subscriber_id))
        await record_consents(tx, [(subscriber_id, True, ip, now)], clean_line(source), wording.strip())
        if await subscribers.set_status(tx, subscriber_id, Status.SUBSCRIBED, now):
            await events.add_events(tx, [_returned(person, now)])
        return _there(await subscribers.get(tx, subscriber_id), str(subscriber_id))


async def _change(tx: Connection, known: Person, draft: Draft, now: datetime) -> bool:
    merged = merge(known.known, draft, now, replace_tags=True)
    if merged.refused:
        raise NurtureError(merged.refused, ErrorKind.CONFLICT)
    if not merged.changes:
        return False
    await subscribers.change(tx, {known.id: merged.values}, now)
    await _permission(tx, known.id, merged.values, now)
    await subscribers.add_tags(tx, {known.id: merged.add_tags})
    await subscribers.drop_tags(tx, {known.id: merged.drop_tags})
    if merged.values.get("status", Status.SUBSCRIBED.value) != Status.SUBSCRIBED.value:
        await follow_lowering(tx, {known.id: Status(merged.values["status"])}, "api", now)
    else:
        await subscribers.touch(tx, [known.id], now)
    return True


async def _permission(tx: Connection, subscriber_id: int, columns: Mapping[str, Any], now: datetime) -> None:
    """A program that says what may be counted answers for it in the consent log."""
    if level := columns.get("tracking"):
        await log_permissions(tx, {subscriber_id: level}, "api", now)


def _draft(given: SubscriberIn) -> Draft:
    told = given.model_dump(exclude_unset=True)
    lines = ("name", "first_name", "patronymic", "locale", "country", "source")
    columns: dict[str, Any] = {n: clean_line(told[n]) for n in lines if told.get(n) is not None}
    columns |= {n: str(told[n]) for n in ("frequency", "kinds", "tracking") if told.get(n) is not None}
    if "paused_until" in told:
        columns["paused_until"] = given.paused_until
    if len(columns.get("country", "")) == 2:
        columns["country"] = columns["country"].upper()
    return Draft(
        email=normalise(given.email),
        columns=columns,
        fields=given.fields or {},
        topics=given.topics or {},
        tags=None if given.tags is None else tuple(given.tags),
        status=given.status,
        joined_at=given.joined_at,
        zone=_zone(given.timezone, columns.get("country", "")),
    )


def _zone(written: str | None, country: str) -> ZoneFound | None:
    if not written and not country:
        return None
    found = find_zone(written or "", source=ZoneSource.EXPLICIT, country=country)
    if found.unknown:
        raise NurtureError(f"{found.unknown!r} is not a time zone; write an IANA name such as Europe/Berlin, or an offset such as +03:00")
    return found


def _there(person: Person | None, which: str) -> Person:
    if person is None:
        raise NurtureError(f"there is no subscriber {which}", ErrorKind.MISSING)
    return person


def _returned(person: Person, now: datetime) -> dict[str, Any]:
    return {
        "uid": f"resubscribed:{person.id}:{now.timestamp():.6f}", "subscriber_id": person.id, "type": EventType.RESUBSCRIBED.value,
        "at": now, "settles_at": now, "evidence": Evidence.HUMAN.value, "reason": f"was {person.status.value}, came back on their word",
    }  # fmt: skip

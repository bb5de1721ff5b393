"""/api/v1/subscribers: people found, put in, changed, explained, brought back."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, client_ip, scope
from api.idempotency import IdempotentRoute
from api.marketer.shapes import SubscriberOut, subscriber_out
from api.paging import Page, Paging
from nurture.domain import person_mix
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.mail.address import normalise
from nurture.mail.capture import forget_captured
from nurture.services import auditing, erasing, explaining, mixing, people
from nurture.services.people import SubscriberIn, SubscriberPatch
from nurture.store.auditing import about

router = APIRouter(prefix="/subscribers", tags=["subscribers"], route_class=IdempotentRoute)
READ, WRITE = [Depends(scope("subscribers:read"))], [Depends(scope("subscribers:write"))]
Id = Annotated[int, Path(ge=1, le=2**40)]


class Consent(BaseModel):
    """The consent a resubscribe rests on."""

    model_config = ConfigDict(extra="forbid")
    wording: Annotated[str, Field(min_length=1, max_length=2000, description="What the person agreed to.")]
    source: Annotated[str, Field(min_length=1, max_length=300, description="Where they said so: a form, a call, a counter.")]
    ip: Annotated[str, Field(max_length=45)] | None = None


class HappeningOut(BaseModel):
    at: datetime
    what: str
    name: str
    detail: dict[str, Any]


class WhyOut(BaseModel):
    at: datetime
    letter: str | None
    source: str
    decision: str = Field(examples=["send", "wait", "skip", "done"])
    reason: str
    rule: str = Field(description="The rule that spoke, in one word.", examples=["window", "mix", "gap", "cap"])
    until: datetime | None


@router.get("", dependencies=READ)
async def read(
    request: Request, paging: Paging,
    email: Annotated[str | None, Query(max_length=320, description="One person, by any spelling.")] = None,
    segment: Annotated[str | None, Query(max_length=80, description="Only those of this segment.")] = None,
) -> Page[SubscriberOut]:  # fmt: skip
    """People by id."""
    app = app_of(request)
    if email is not None:
        found = await people.find_person(app.db, email)
        return Page(data=[subscriber_out(found)] if found else [])
    listed = await people.list_people(app.db, app.clock(), after=paging.after, limit=paging.limit + 1, segment=segment)
    return paging.page([subscriber_out(p) for p in listed.people], lambda s: s.id)


@router.post("", dependencies=WRITE, status_code=201, responses={200: {"description": "Known already; changed as told."}})
async def upsert(request: Request, response: Response, person: SubscriberIn) -> SubscriberOut:
    """Put a person in, or change what is told of one who is there. A status may lower, never rise (409)."""
    app = app_of(request)
    about(person.email)
    put = await people.upsert(app.db, person, app.clock())
    response.status_code = 201 if put.change == "created" else 200
    return subscriber_out(put.person)


@router.get("/{id}", dependencies=READ)
async def read_one(request: Request, id: Id) -> SubscriberOut:  # noqa: A002 - the word of the API
    return subscriber_out(await people.get_person(app_of(request).db, id))


@router.patch("/{id}", dependencies=WRITE)
async def change(request: Request, id: Id, told: SubscriberPatch) -> SubscriberOut:  # noqa: A002 - the word of the API
    """Change what is told; the rest stays."""
    app = app_of(request)
    known = await people.get_person(app.db, id)
    values = told.model_dump(exclude_unset=True)
    put = await people.upsert(app.db, SubscriberIn(email=known.email, **values), app.clock())
    return subscriber_out(put.person)


@router.get("/{id}/timeline", dependencies=READ)
async def timeline(request: Request, id: Id) -> Page[HappeningOut]:  # noqa: A002 - the word of the API
    """Letters, events, moves, enrolments and consents of one person, newest first."""
    lines = await explaining.story(app_of(request).db, id)
    return Page(data=[HappeningOut(at=x.at, what=x.what, name=x.name, detail=dict(x.detail)) for x in lines])


@router.get("/{id}/why", dependencies=READ)
async def why(request: Request, id: Id) -> Page[WhyOut]:  # noqa: A002 - the word of the API
    """Every decision on this person, in the planner's own words."""
    found = await explaining.why(app_of(request).db, id)
    return Page(data=[WhyOut(**explaining.to_json(w)) for w in found])


@router.get("/{id}/mix", dependencies=READ)
async def mix(request: Request, id: Id) -> dict[str, Any]:  # noqa: A002 - the word of the API
    """What this person was promised and what they got; whether the next offer is earned, or due and not planned."""
    app = app_of(request)
    return person_mix.to_json(await mixing.person_mix(app.db, id, app.clock()))


@router.get("/{id}/data", dependencies=READ)
async def data(request: Request, id: Id) -> dict[str, Any]:  # noqa: A002 - the word of the API
    """Everything that is kept about one person, for them. The audit log tells who asked."""
    told = await erasing.own_data(app_of(request).db, id)
    await auditing.record(app_of(request).db)
    return told


@router.delete("/{id}", dependencies=WRITE, status_code=204)
async def erase(request: Request, id: Id) -> None:  # noqa: A002 - the word of the API
    """Forget the person. Their letters keep a nameless row, the address a keyed hash: a list that still has it cannot mail it."""
    app = app_of(request)
    erased = await erasing.erase(app.db, id, app.clock())
    await asyncio.to_thread(forget_captured, app.settings.data_dir / "captured", erased.letters)


@router.post("/{id}/resubscribe", dependencies=WRITE)
async def resubscribe(request: Request, id: Id, consent: Consent) -> SubscriberOut:  # noqa: A002 - the word of the API
    """Bring a person back on their own word, which is kept in the consent log."""
    app = app_of(request)
    person = await people.resubscribe(
        app.db, id, wording=consent.wording, source=consent.source, ip=consent.ip or client_ip(request), now=app.clock()
    )
    return subscriber_out(person)


async def ids_of(request: Request, emails: list[str]) -> list[int]:
    """The people behind these addresses; raises MISSING naming the first who is not there."""
    found = []
    for email in emails:
        person = await people.find_person(app_of(request).db, email)
        if person is None:
            raise NurtureError(f"nobody here has the address {normalise(email)}; add them with POST /api/v1/subscribers", ErrorKind.MISSING)
        found.append(person.id)
    return found

"""/api/v1/sequences: letters with a mix and a cadence, and the people on their way through them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.marketer import storing
from api.marketer.storing import BODY, READ, WRITE, DocumentOut, StoredOut
from api.marketer.subscribers import ids_of
from api.paging import Page, Paging
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services.access import Principal
from nurture.services.defining.differing import Difference, diff
from nurture.services.enrolling import enrol
from nurture.store.documents import load_document
from nurture.store.ways import list_enrolments

router = APIRouter(prefix="/sequences", tags=["sequences"], route_class=IdempotentRoute)
Name = Annotated[str, Path(max_length=80)]


class Enrolling(BaseModel):
    """Who is to be taken in, by address or by id."""

    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=320)] | None = None
    emails: Annotated[list[Annotated[str, Field(max_length=320)]], Field(max_length=1000)] = []
    ids: Annotated[list[Annotated[int, Field(ge=1, le=2**40)]], Field(max_length=10_000)] = []


class Enrolled(BaseModel):
    """`passed_over`: people who are on the way already, or whom the re-entry rule keeps out."""

    enrolled: int
    passed_over: int
    ids: list[int]


class EnrolmentOut(BaseModel):
    id: int
    subscriber_id: int
    email: str
    number: int
    state: str
    by: str
    enrolled_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    done: int = Field(description="Letters of the way that are sent or skipped.")
    version: int | None = Field(description="The version the way is pinned to; null: the newest.")


@router.post("", dependencies=WRITE, status_code=201, openapi_extra=BODY, responses={200: {"description": "Changed or unchanged."}})
async def store(request: Request, response: Response) -> StoredOut:
    """Store a sequence. It takes in those who come to match its audience afterwards; nobody is mailed by this."""
    return await storing.store(request, response, "sequence")


@router.post("/diff", dependencies=WRITE, openapi_extra=BODY)
async def differ(request: Request) -> Difference:
    """What storing this sequence would change, and what that would do to people under way. Nothing is stored."""
    loaded = await storing.read(request, "sequence")
    app = app_of(request)
    [difference] = await diff(app.db, loaded.documents, app.clock())
    return difference


@router.get("", dependencies=READ)
async def read(request: Request) -> Page[DocumentOut]:
    """All sequences by name."""
    return await storing.list_all(request, "sequence")


@router.get("/{name}", dependencies=READ)
async def read_one(request: Request, name: Name) -> DocumentOut:
    return await storing.find(request, "sequence", name)


@router.get("/{name}/enrolments", dependencies=READ)
async def enrolments(
    request: Request, name: Name, paging: Paging, state: Annotated[str | None, Query(max_length=20, examples=["active"])] = None
) -> Page[EnrolmentOut]:
    """People on their way through, and those who are done."""
    async with app_of(request).db.read() as tx:
        stored = await load_document(tx, "sequence", name)
        if stored is None:
            raise NurtureError(f"there is no sequence {name!r}; GET the list for the names", ErrorKind.MISSING)
        lines = await list_enrolments(tx, stored.id, after=paging.after, limit=paging.limit + 1, state=state)
    return paging.page([EnrolmentOut(**asdict(line)) for line in lines], lambda e: e.id)


@router.post("/{name}/enrolments", status_code=201)
async def take_in(
    request: Request, name: Name, who: Enrolling, caller: Annotated[Principal, Depends(scope("sequences:write"))]
) -> Enrolled:  # fmt: skip
    """Take people in by hand. The planner chooses each one's first letter and hour."""
    app = app_of(request)
    emails = [*who.emails, *([who.email] if who.email else [])]
    ids = sorted({*who.ids, *await ids_of(request, emails)})
    if not ids:
        raise NurtureError("nobody is named; send email, emails or ids")
    taken = await enrol(app.db, name, ids, app.clock(), f"key:{caller.name}")
    await app.bell.ring("plan")
    return Enrolled(enrolled=len(taken), passed_over=len(ids) - len(taken), ids=taken)

"""/api/v1/segments: saved questions about people, answered afresh each time."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.marketer import storing
from api.marketer.shapes import SubscriberOut, subscriber_out
from api.marketer.storing import BODY, READ, WRITE, DocumentOut, StoredOut
from api.paging import Page, Paging
from nurture.services import segmenting

router = APIRouter(prefix="/segments", tags=["segments"], route_class=IdempotentRoute)
PEOPLE = [Depends(scope("subscribers:read"))]
Name = Annotated[str, Path(max_length=80)]


class CountOut(BaseModel):
    name: str
    count: int


@router.post("", dependencies=WRITE, status_code=201, openapi_extra=BODY, responses={200: {"description": "Changed or unchanged."}})
async def store(request: Request, response: Response) -> StoredOut:
    """Store a segment."""
    return await storing.store(request, response, "segment")


@router.get("", dependencies=READ)
async def read(request: Request) -> Page[DocumentOut]:
    """All segments by name."""
    return await storing.list_all(request, "segment")


@router.get("/{name}", dependencies=READ)
async def read_one(request: Request, name: Name) -> DocumentOut:
    return await storing.find(request, "segment", name)


@router.get("/{name}/count", dependencies=PEOPLE)
async def count(request: Request, name: Name) -> CountOut:
    """How many people match now."""
    app = app_of(request)
    return CountOut(name=name, count=await segmenting.count_people(app.db, app.clock(), segment=name))


@router.get("/{name}/subscribers", dependencies=PEOPLE)
async def subscribers(request: Request, name: Name, paging: Paging) -> Page[SubscriberOut]:
    """Who matches now, by id."""
    app = app_of(request)
    found = await segmenting.list_people(app.db, app.clock(), segment=name, after=paging.after, limit=paging.limit + 1)
    return paging.page([subscriber_out(p) for p in found], lambda s: s.id)

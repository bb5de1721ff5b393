"""/api/v1/events: what people did elsewhere comes in, what came back is read."""

import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.paging import Page, Paging
from nurture.domain.scalars import Moment
from nurture.domain.words import EventType, Evidence
from nurture.services.access import Principal
from nurture.services.receiving import Told, list_told, receive

router = APIRouter(prefix="/events", tags=["events"], route_class=IdempotentRoute)


class EventIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str | None = Field(default=None, min_length=1, max_length=200, description="Your own id: the same event told twice is stored once.")
    email: Annotated[str, Field(min_length=3, max_length=320)]
    type: Literal["converted", "visited", "attended", "touched"]
    name: Annotated[str, Field(min_length=1, max_length=200, examples=["purchase"])] | None = None
    value: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])] | None = None
    at: Moment | None = Field(default=None, description="When it happened; now unless told.")


class EventOut(BaseModel):
    id: int
    told_id: str | None = Field(description="The id it was told under.")
    subscriber_id: int
    email: str | None
    delivery_id: int | None
    type: EventType
    name: str | None
    value: float | None
    currency: str | None
    at: datetime
    link: int | None
    url: str | None
    evidence: Evidence
    reason: str


def _out(row: dict[str, Any], email: str | None = None) -> EventOut:
    known = {name: row[name] for name in EventOut.model_fields if name in row}
    return EventOut(**known | {"told_id": (row["detail"] or {}).get("id"), "email": row.get("email", email)})


@router.post("", status_code=201, responses={200: {"description": "Known already: nothing changed."}})
async def tell(
    request: Request, response: Response, event: EventIn, caller: Annotated[Principal, Depends(scope("events:write"))]
) -> EventOut:  # fmt: skip
    """Tell what somebody did: a conversion, a visit, an attendance, a talk."""
    app = app_of(request)
    now = app.clock()
    told = Told(
        event.id or secrets.token_hex(12), event.email, EventType(event.type), event.name, event.value, event.currency, event.at or now
    )
    stored, new = await receive(app.db, told, now, by=caller.key_id)
    response.status_code = 201 if new else 200
    return _out(stored, event.email.strip().lower())


@router.get("", dependencies=[Depends(scope("events:read"))])
async def read(
    request: Request, paging: Paging,
    email: Annotated[str | None, Query(max_length=320)] = None, type: Annotated[list[EventType] | None, Query()] = None,  # noqa: A002 - the word of the API
) -> Page[EventOut]:  # fmt: skip
    """Events in the order they were stored."""
    wanted = [t.value for t in type or []]
    rows = await list_told(app_of(request).db, after=paging.after, limit=paging.limit + 1, email=email, types=wanted)
    return paging.page([_out(row) for row in rows], lambda e: e.id)

"""/api/v1/deliveries: the ledger, one row per letter, person and occasion."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from api.auth import app_of, scope
from api.paging import Page, Paging
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.words import Kind, State
from nurture.mail.address import normalise
from nurture.store.deliveries import get_delivery, list_deliveries

router = APIRouter(prefix="/deliveries", tags=["deliveries"], dependencies=[Depends(scope("deliveries:read"))])
Id = Annotated[int, Path(ge=1, le=2**48)]


class DeliveryOut(BaseModel):
    id: int
    email: str
    subscriber_id: int
    letter: str = Field(examples=["roofing-school/five-questions"])
    kind: Kind
    occasion: str
    source: str = Field(examples=["sequence:roofing-school"])
    state: State
    message_id: str
    created_at: datetime
    due_at: datetime
    handed_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    zone: str | None
    attempts: int
    dup_risk: int
    reason: str
    rule: str
    outcome: str | None
    code: int | None
    enhanced: str | None
    answer: str | None


@router.get("")
async def read(
    request: Request, paging: Paging, state: State | None = None, email: Annotated[str | None, Query(max_length=320)] = None,
    letter: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[DeliveryOut]:  # fmt: skip
    """Deliveries in the order they were planned."""
    async with app_of(request).db.read() as tx:
        lines = await list_deliveries(
            tx, after=paging.after, limit=paging.limit + 1, state=state, email=normalise(email) if email else None, letter=letter
        )
    return paging.page([DeliveryOut(**asdict(line)) for line in lines], lambda d: d.id)


@router.get("/{id}")
async def read_one(request: Request, id: Id) -> DeliveryOut:  # noqa: A002 - the word of the API
    async with app_of(request).db.read() as tx:
        line = await get_delivery(tx, id)
    if line is None:
        raise NurtureError(f"there is no delivery {id}", ErrorKind.MISSING)
    return DeliveryOut(**asdict(line))

"""/api/v1/deliveries: the ledger, one row per letter, person and occasion."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.paging import Page, Paging
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.words import Kind, State
from nurture.mail.address import normalise
from nurture.services.access import Principal
from nurture.services.overseeing import oversee
from nurture.services.proving import prove
from nurture.services.resolving import resolve
from nurture.store.deliveries import get_delivery, list_deliveries
from nurture.store.doubts import Doubts

router = APIRouter(
    prefix="/deliveries", tags=["deliveries"], dependencies=[Depends(scope("deliveries:read"))], route_class=IdempotentRoute
)  # fmt: skip
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


class StatusOut(BaseModel):
    """`words`: all of it as sentences, the gravest first. `open`: rows under way by state; `parked`: letters that wait for a domain."""

    at: datetime
    halted: str | None
    workers: int
    open: dict[str, int]
    paused: dict[str, str]
    throttles: dict[str, str]
    parked: dict[str, int]
    warm_up: dict[str, Any] | None
    words: list[str]


@router.get("/status")
async def read_status(request: Request) -> StatusOut:
    """What keeps letters back now, each with its sentence."""
    app = app_of(request)
    return StatusOut.model_validate((await oversee(app.db, app.clock(), app.settings.warm_up)).to_json())


class ProofOut(BaseModel):
    """`duplicates_possible`: second copies at most; `since`: when the oldest letter in doubt left."""

    at: datetime
    safe: bool
    halted: str | None
    states: dict[str, int]
    unknown: int
    held: int
    orphans: int
    dup_risk: int
    duplicates_possible: int
    since: datetime | None
    words: list[str]


@router.get("/proof")
async def read_proof(request: Request) -> ProofOut:
    """Was it safe to resume? One pass over the ledger."""
    app = app_of(request)
    return ProofOut.model_validate((await prove(app.db, app.clock())).to_json())


class Resolution(BaseModel):
    """Deliveries by `ids`, or all in `state` that fit the others. `as`: what became of them."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    end: Literal["accepted", "pending", "cancelled"] = Field(alias="as")
    ids: list[Annotated[int, Field(ge=1, le=2**48)]] | None = Field(None, min_length=1, max_length=10_000)
    state: Literal["held", "unknown"] = "held"
    email: str | None = Field(None, max_length=320)
    letter: str | None = Field(None, max_length=200)
    source: str | None = Field(None, max_length=200)


class ResolvedOut(BaseModel):
    """`busy`: their people have another letter under way; `passed`: named, but in no doubt any more."""

    accepted: int
    pending: int
    cancelled: int
    busy: int
    passed: int


@router.post("/resolve")
async def resolve_doubts(
    request: Request, body: Resolution, caller: Annotated[Principal, Depends(scope("deliveries:write"))]
) -> ResolvedOut:  # fmt: skip
    """Say what became of letters whose answer was lost. The same words again change nothing."""
    app = app_of(request)
    which = Doubts(State(body.state), body.ids, normalise(body.email) if body.email else None, body.letter, body.source)
    done = await resolve(app.db, which, State(body.end), f"key:{caller.name}", app.clock())
    await app.bell.ring("send" if body.end == "pending" else "plan")
    return ResolvedOut(**done.to_json())


@router.get("/{id}")
async def read_one(request: Request, id: Id) -> DeliveryOut:  # noqa: A002 - the word of the API
    async with app_of(request).db.read() as tx:
        line = await get_delivery(tx, id)
    if line is None:
        raise NurtureError(f"there is no delivery {id}", ErrorKind.MISSING)
    return DeliveryOut(**asdict(line))

"""/api/v1/proposals: what the weekly hygiene proposes; nothing of it happens until somebody accepts it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.paging import Page, Paging
from nurture.domain.hygiene import ProposalKind, ProposalState
from nurture.proposaldesk import take_on
from nurture.services import proposing
from nurture.services.access import Principal
from nurture.services.proposing import Told

router = APIRouter(prefix="/proposals", tags=["reports"], route_class=IdempotentRoute)
Number = Annotated[int, Path(ge=1, le=2**48)]


class Named(BaseModel):
    id: int
    email: str


class ProposalOut(BaseModel):
    """`says`: what was found, in a sentence. `named`: those of a duplicate."""

    id: int
    kind: ProposalKind
    people: int
    says: str
    named: list[Named]
    detail: dict[str, Any]
    state: ProposalState
    found_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    outcome: str | None


def _out(told: Told) -> ProposalOut:
    own = {n: getattr(told.proposal, n) for n in ProposalOut.model_fields if n not in ("says", "named")}
    return ProposalOut(**own, says=told.says, named=[Named(id=p.id, email=p.email) for p in told.people])


@router.get("", dependencies=[Depends(scope("subscribers:read"))])
async def read(
    request: Request, paging: Paging, state: Annotated[Literal["open", "accepted", "dismissed", "gone", "all"], Query()] = "open"
) -> Page[ProposalOut]:  # fmt: skip
    """Proposals by id, the oldest first; the open ones unless told."""
    states = tuple(ProposalState) if state == "all" else (ProposalState(state),)
    found = await proposing.list_told(app_of(request).db, states=states, after=paging.after, limit=paging.limit + 1)
    return paging.page([_out(told) for told in found], lambda p: p.id)


@router.post("/{id}/accept")
async def accept(
    request: Request, id: Number, caller: Annotated[Principal, Depends(scope("subscribers:write"))]  # noqa: A002 - the word of the API
) -> ProposalOut:  # fmt: skip
    """Take it on, and do what it says. One that is accepted already stays as it is."""
    return _out(await take_on(app_of(request), id, f"key:{caller.name}"))


@router.post("/{id}/dismiss")
async def dismiss(
    request: Request, id: Number, caller: Annotated[Principal, Depends(scope("subscribers:write"))]  # noqa: A002 - the word of the API
) -> ProposalOut:  # fmt: skip
    """Wave it off. One that is dismissed already stays as it is."""
    app = app_of(request)
    return _out(await proposing.dismiss(app.db, id, f"key:{caller.name}", app.clock()))

"""/api/v1/reports/composition/preview: who would stand in another class under another policy. It names people, so it asks for theirs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from api.auth import app_of, scope
from api.errors import ProblemError
from api.marketer import storing
from api.marketer.storing import BODY
from nurture.domain.documents import Policy
from nurture.domain.previews import to_json
from nurture.domain.words import Engagement
from nurture.services.previewing import preview_policy

router = APIRouter(prefix="/reports/composition/preview", tags=["reports"], dependencies=[Depends(scope("subscribers:read"))])


class MoveOut(BaseModel):
    email: str
    from_: Engagement = Field(alias="from")
    to: Engagement
    reason: str


class CellOut(BaseModel):
    from_: Engagement = Field(alias="from")
    to: Engagement
    people: int


class ShareOut(BaseModel):
    now: float
    then: float
    usual: float


class PreviewOut(BaseModel):
    """`matrix` counts everybody who would move, `moves` names some of each kind; shares are of passive + active + fan, 0 to 1."""

    moves: list[MoveOut]
    matrix: list[CellOut]
    now: dict[Engagement, int]
    then: dict[Engagement, int]
    shares: dict[Engagement, ShareOut]


@router.post("", openapi_extra=BODY)
async def preview(request: Request, named: Annotated[int, Query(ge=0, le=1000)] = 20) -> PreviewOut:
    """Send a policy document, or only its `engagement` part. Nothing is stored or moved. `named`: people named of each move."""
    loaded = await storing.read(request, "policy")
    [placed] = loaded.documents
    if not isinstance(placed.document, Policy):
        raise ProblemError("the body is no policy; send a policy document or only its engagement part")
    app = app_of(request)
    return PreviewOut.model_validate(to_json(await preview_policy(app.db, app.clock(), placed.document, named)))

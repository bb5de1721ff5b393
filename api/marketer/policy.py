"""/api/v1/policy: what marketers decide for the whole workspace."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from api.auth import app_of, scope
from api.marketer import storing
from api.marketer.storing import BODY, StoredOut
from nurture.domain.documents import Policy
from nurture.store.documents import canonical, load_document

router = APIRouter(prefix="/policy", tags=["policy"])


class PolicyOut(BaseModel):
    """`version` 0: none is stored, the defaults are in force."""

    version: int
    changed_at: datetime | None
    policy: dict[str, Any]


@router.get("", dependencies=[Depends(scope("policy:read"))])
async def read(request: Request) -> PolicyOut:
    """The policy in force, defaults written out."""
    async with app_of(request).db.read() as tx:
        stored = await load_document(tx, "policy", "default")
    if stored is None:
        return PolicyOut(version=0, changed_at=None, policy=canonical(Policy()))
    return PolicyOut(version=stored.version, changed_at=stored.changed_at, policy=canonical(stored.document))


@router.put("", dependencies=[Depends(scope("policy:write"))], openapi_extra=BODY)
async def write(request: Request, response: Response) -> StoredOut:
    """Store the whole policy; what is left out takes its default."""
    stored = await storing.store(request, response, "policy")
    response.status_code = 200
    return stored

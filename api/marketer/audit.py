"""/api/v1/audit: who did what, when, on what. Read only; the rows cannot be changed by anybody."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from api.auth import app_of, scope
from api.paging import Page, Paging
from nurture.services import auditing

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(scope("audit:read"))])


class LineOut(BaseModel):
    id: int
    at: datetime
    actor: str = Field(description="A user's address, `key:NAME`, `cli:USER`, or `web` for somebody who is not signed in.")
    action: str = Field(description="The route, the command, or a word such as user.role.")
    object: str = Field(description="What it was done on; empty where nothing is named, or where a person was erased.")
    ip: str | None
    detail: Mapping[str, Any] | None


@router.get("")
async def read(
    request: Request,
    paging: Paging,
    actor: Annotated[str, Query(max_length=254)] = "",
    object: Annotated[str, Query(max_length=254, description="Exactly this; addresses in any case.")] = "",  # noqa: A002 - the word of the API
) -> Page[LineOut]:
    """The newest first."""
    found = await auditing.read_lines(
        app_of(request).db, before=paging.after or None, limit=paging.limit + 1, actor=actor, thing=object
    )  # fmt: skip
    page = paging.page(found, lambda line: line.id)
    data = [LineOut(id=x.id, at=x.at, actor=x.actor, action=x.action, object=x.thing, ip=x.ip, detail=x.detail) for x in page.data]
    return Page(data=data, next=page.next)

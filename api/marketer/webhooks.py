"""/api/v1/webhooks: other systems that are told of events, by Standard Webhooks. A secret is shown once, when it is made."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.paging import Page
from nurture.services import registering
from nurture.services.access import Principal

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
Writer = Annotated[Principal, Depends(scope("webhooks:write"))]


class WebhookIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: Annotated[str, Field(min_length=8, max_length=2000, examples=["https://example.com/hook"])]
    types: Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=100, examples=[["email.clicked"]])]


class WebhookOut(BaseModel):
    id: int
    url: str
    types: list[str]
    created_at: datetime


class NewWebhookOut(WebhookOut):
    secret: str = Field(description="Signs every message. Shown this once and never again.")


@router.get("", dependencies=[Depends(scope("webhooks:read"))])
async def read(request: Request) -> Page[WebhookOut]:
    """All that are told, without their secrets."""
    found = await registering.list_registered(app_of(request).db)
    return Page(data=[WebhookOut(id=w.id, url=w.url, types=list(w.types), created_at=w.created_at) for w in found])


@router.post("", status_code=201)
async def register(request: Request, webhook: WebhookIn, caller: Writer) -> NewWebhookOut:
    """Tell this address of these events from now on; `*` is all. Only the open internet is called, over https."""
    app = app_of(request)
    loopback = app.settings.webhooks_to_loopback
    new = await registering.register(
        app.db, webhook.url, webhook.types, app.clock(), key=app.keys[0], loopback=loopback, by=f"key:{caller.name}"
    )
    return NewWebhookOut(id=new.id, url=new.url, types=list(new.types), created_at=new.created_at, secret=new.secret)


@router.delete("/{id}", status_code=204)
async def remove(request: Request, id: Annotated[int, Path(ge=1, le=2**48)], caller: Writer) -> Response:  # noqa: A002 - the word of the API
    """Nothing more goes there, what waits included."""
    app = app_of(request)
    await registering.unregister(app.db, id, app.clock(), by=f"key:{caller.name}")
    return Response(status_code=204)

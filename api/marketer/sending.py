"""/api/v1/send: one service letter for one person, now."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.marketer.subscribers import ids_of
from nurture.domain.words import State
from nurture.services.serving import queue_service_letter

router = APIRouter(prefix="/send", tags=["send"], route_class=IdempotentRoute)
_BEFORE: dict[int | str, dict[str, Any]] = {200: {"description": "Asked for before under this Idempotency-Key."}}


class ServiceLetter(BaseModel):
    """Either `subject` and `body` (Markdown), or `letter`, the name of a stored letter of kind `service`; both see `data`."""

    model_config = ConfigDict(extra="forbid")
    to: Annotated[str, Field(min_length=3, max_length=320, description="The address of a subscriber.")]
    subject: Annotated[str, Field(min_length=1, max_length=900)] | None = None
    body: Annotated[str, Field(min_length=1, max_length=200_000)] | None = None
    letter: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    data: dict[str, Any] = Field(default_factory=dict, description="What the letter sees as `data`.")


class Queued(BaseModel):
    id: int = Field(description="The delivery: GET /api/v1/deliveries/{id}.")
    message_id: str
    state: State


@router.post("", dependencies=[Depends(scope("send"))], status_code=202, responses=_BEFORE)
async def send(
    request: Request, response: Response, letter: ServiceLetter,
    idempotency_key: Annotated[str | None, Header(max_length=255, description="The same key queues one letter.")] = None,
) -> Queued:  # fmt: skip
    """Queue a service letter: a confirmation, a receipt. It leaves at once, outside mix, caps and windows."""
    app = app_of(request)
    [person] = await ids_of(request, [letter.to])
    occasion = idempotency_key or secrets.token_hex(16)
    queued = await queue_service_letter(
        app.db, subscriber_id=person, occasion=occasion, now=app.clock(), templates=app.templates, subject=letter.subject,
        body=letter.body, letter=letter.letter, data=letter.data,
    )  # fmt: skip
    await app.bell.ring("send")
    response.status_code = 202 if queued.fresh else 200
    return Queued(id=queued.id, message_id=queued.message_id, state=queued.state)

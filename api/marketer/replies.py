"""/api/v1/replies: what people wrote back, and what a helper does with it."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.paging import Page, Paging
from nurture.domain.desk import Ready
from nurture.domain.replies import Sort
from nurture.replydesk import LONGEST_ANSWER, answer_ready, answer_reply, ban_sender, close_reply
from nurture.services import replying
from nurture.services.access import Principal

router = APIRouter(prefix="/replies", tags=["replies"], route_class=IdempotentRoute)
Id = Annotated[int, Path(ge=1, le=2**48)]
Caller = Annotated[Principal, Depends(scope("replies:write"))]


class ReplyOut(BaseModel):
    """`subscriber_id` is null where nobody of the list wrote it; `answer_id` is the delivery of the answer."""

    id: int
    subscriber_id: int | None
    delivery_id: int | None
    letter: str | None
    at: datetime
    sender: str
    subject: str
    text: str
    sort: str
    state: str
    answer_id: int | None
    ended_at: datetime | None
    ended_by: str | None


class Answer(BaseModel):
    """It leaves at once as a service letter."""

    model_config = ConfigDict(extra="forbid")
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_ANSWER)] | None = Field(default=None, description="Markdown.")
    ready: Ready | None = Field(default=None, description="Words that lie ready instead: `polite` to rudeness, `thanks` to praise.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "Answer":
        if (self.body is None) == (self.ready is None):
            raise ValueError("an answer needs `body` or `ready`, and not both")
        return self


@router.get("", dependencies=[Depends(scope("replies:read"))])
async def read(
    request: Request, paging: Paging, state: Annotated[Literal["open", "answered", "closed", "banned", "all"], Query()] = "open",
    sort: Annotated[Sort | None, Query(description="Only one pile of the desk.")] = None,
) -> Page[ReplyOut]:  # fmt: skip
    """Replies by id, the oldest first; the open ones unless told."""
    states = replying.ALL if state == "all" else (state,)
    sorts = (sort.value,) if sort else ()
    lines = await replying.list_replies(app_of(request).db, states=states, sorts=sorts, after=paging.after, limit=paging.limit + 1)
    return paging.page([ReplyOut(**asdict(line)) for line in lines], lambda r: r.id)


@router.post("/{id}/answer")
async def answer(request: Request, id: Id, words: Answer, caller: Caller) -> ReplyOut:  # noqa: A002 - the word of the API
    """Answer it; the answer leaves at once, outside mix and caps."""
    app, by = app_of(request), f"key:{caller.name}"
    if words.ready is not None:
        return ReplyOut(**asdict(await answer_ready(app, id, words.ready, by)))
    return ReplyOut(**asdict(await answer_reply(app, id, words.body or "", by)))


@router.post("/{id}/close")
async def close(request: Request, id: Id, caller: Caller) -> ReplyOut:  # noqa: A002 - the word of the API
    """Nothing is to be done."""
    return ReplyOut(**asdict(await close_reply(app_of(request), id, f"key:{caller.name}")))


@router.post("/{id}/ban")
async def ban(request: Request, id: Id, caller: Caller) -> ReplyOut:  # noqa: A002 - the word of the API
    """No further letter to whoever wrote it."""
    return ReplyOut(**asdict(await ban_sender(app_of(request), id, f"key:{caller.name}")))

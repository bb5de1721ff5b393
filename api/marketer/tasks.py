"""/api/v1/tasks: what rules ask people of the team to do."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from api.auth import app_of, scope
from api.idempotency import IdempotentRoute
from api.paging import Page, Paging
from nurture.services import tasks
from nurture.services.access import Principal

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=IdempotentRoute)


class TaskOut(BaseModel):
    id: int
    subscriber_id: int
    email: str
    rule: str
    text: str
    state: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None


@router.get("", dependencies=[Depends(scope("tasks:read"))])
async def read(
    request: Request, paging: Paging, state: Annotated[Literal["open", "done", "cancelled", "all"], Query()] = "open"
) -> Page[TaskOut]:  # fmt: skip
    """Tasks by id, the oldest first; the open ones unless told."""
    states = tasks.STATES if state == "all" else (state,)
    lines = await tasks.list_tasks(app_of(request).db, states=states, after=paging.after, limit=paging.limit + 1)
    return paging.page([TaskOut(**asdict(line)) for line in lines], lambda t: t.id)


@router.post("/{id}/done")
async def finish(
    request: Request, id: Annotated[int, Path(ge=1, le=2**48)], caller: Annotated[Principal, Depends(scope("tasks:write"))]  # noqa: A002 - the word of the API
) -> TaskOut:  # fmt: skip
    """It is done. A task that is done already stays as it is."""
    app = app_of(request)
    return TaskOut(**asdict(await tasks.finish_task(app.db, id, f"key:{caller.name}", app.clock())))

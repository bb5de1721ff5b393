"""/api/v1/campaigns, /cleanups, /letters, /rules: stored, linted and shown; campaigns and cleanups are started, paused and cancelled."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.auth import app_of
from api.idempotency import IdempotentRoute
from api.marketer import storing
from api.marketer.storing import BODY, READ, WRITE, DocumentOut, StoredOut
from api.paging import Page
from nurture.services import campaigning, cleaning, steering
from nurture.services.cleaning import reading, rehearsing

Name = Annotated[str, Path(max_length=80)]
router = APIRouter(route_class=IdempotentRoute)


def _pausing(part: APIRouter, kind: str) -> None:
    @part.post("/{name}/pause", dependencies=WRITE, operation_id=f"pause_{kind}", summary=f"Pause a {kind}")
    async def pause(request: Request, name: Name) -> DocumentOut:
        await steering.pause(app_of(request).db, kind, name, app_of(request).clock())
        return await storing.find(request, kind, name)

    @part.post("/{name}/resume", dependencies=WRITE, operation_id=f"resume_{kind}", summary=f"Let a paused {kind} go on")
    async def resume(request: Request, name: Name) -> DocumentOut:
        app = app_of(request)
        await steering.resume(app.db, kind, name, app.clock())
        await app.bell.ring("plan")
        return await storing.find(request, kind, name)


def _steering(part: APIRouter) -> None:
    """Start, pause, resume and cancel a campaign; each answers with the campaign as it stands then."""

    @part.post("/{name}/start", dependencies=WRITE, operation_id="start_campaign", summary="Start a campaign")
    async def start(request: Request, name: Name) -> DocumentOut:
        app = app_of(request)
        await campaigning.start(app.db, name, app.clock())
        await app.bell.ring("plan")
        return await storing.find(request, "campaign", name)

    _pausing(part, "campaign")

    @part.post("/{name}/cancel", dependencies=WRITE, operation_id="cancel_campaign", summary="End a campaign for good")
    async def cancel(request: Request, name: Name) -> DocumentOut:
        await steering.cancel(app_of(request).db, name, app_of(request).clock())
        return await storing.find(request, "campaign", name)


def _cleaning(part: APIRouter) -> None:
    """Look at a cleanup before it starts, steer it, read its result."""

    @part.post("/{name}/start", dependencies=WRITE, operation_id="start_cleanup", summary="Start a cleanup")
    async def start(request: Request, name: Name) -> DocumentOut:
        app = app_of(request)
        await cleaning.begin(app.db, name, app.clock())
        await app.bell.ring("plan")
        return await storing.find(request, "cleanup", name)

    _pausing(part, "cleanup")

    @part.post("/{name}/cancel", dependencies=WRITE, operation_id="cancel_cleanup", summary="Stop a cleanup for good")
    async def cancel(request: Request, name: Name) -> DocumentOut:
        app = app_of(request)
        await cleaning.cancel(app.db, name, app.clock())
        await app.bell.ring("plan")
        return await storing.find(request, "cleanup", name)

    @part.get("/{name}/preflight", dependencies=READ, operation_id="preflight_cleanup", summary="Who, when and how many, before it starts")
    async def before(request: Request, name: Name, people: Annotated[int, Query(ge=0, le=10_000)] = rehearsing.NAMED) -> dict[str, Any]:
        app = app_of(request)
        return rehearsing.to_json(await cleaning.preflight(app.db, name, app.clock(), named=people))

    @part.get("/{name}/result", dependencies=READ, operation_id="cleanup_result", summary="The result sheet, or how it stands so far")
    async def result(request: Request, name: Name) -> dict[str, Any]:
        app = app_of(request)
        return reading.to_json(await cleaning.result(app.db, name, app.clock()))


def _routes(plural: str, kind: str) -> APIRouter:
    part = APIRouter(prefix=f"/{plural}", tags=[plural], route_class=IdempotentRoute)

    @part.post("", dependencies=WRITE, status_code=201, openapi_extra=BODY, operation_id=f"store_{kind}", summary=f"Store a {kind}")
    async def store(request: Request, response: Response) -> StoredOut:
        return await storing.store(request, response, kind)

    @part.get("", dependencies=READ, operation_id=f"list_{plural}", summary=f"All {plural}")
    async def read(request: Request) -> Page[DocumentOut]:
        return await storing.list_all(request, kind)

    @part.get("/{name}", dependencies=READ, operation_id=f"read_{kind}", summary=f"One {kind}")
    async def read_one(request: Request, name: Name) -> DocumentOut:
        return await storing.find(request, kind, name)

    if kind == "campaign":
        _steering(part)
    if kind == "cleanup":
        _cleaning(part)
    return part


for _plural, _kind in (("campaigns", "campaign"), ("cleanups", "cleanup"), ("letters", "letter"), ("rules", "rule")):
    router.include_router(_routes(_plural, _kind))

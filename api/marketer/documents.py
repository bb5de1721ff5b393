"""/api/v1/campaigns, /cleanups, /letters, /rules: stored, linted and shown; campaigns and cleanups as drafts."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.idempotency import IdempotentRoute
from api.marketer import storing
from api.marketer.storing import BODY, READ, WRITE, DocumentOut, StoredOut
from api.paging import Page
from nurture.domain.errors import ErrorKind, NurtureError

Name = Annotated[str, Path(max_length=80)]
router = APIRouter(route_class=IdempotentRoute)


def _routes(plural: str, kind: str, *, starts: bool) -> APIRouter:
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

    if starts:

        @part.post("/{name}/start", dependencies=WRITE, operation_id=f"start_{kind}", summary=f"Start a {kind}")
        async def start(request: Request, name: Name) -> DocumentOut:
            await storing.find(request, kind, name)
            raise NurtureError(f"{plural} are stored and linted; starting them comes in a later version", ErrorKind.NOT_YET)

    return part


for _plural, _kind, _starts in (
    ("campaigns", "campaign", True), ("cleanups", "cleanup", True), ("letters", "letter", False), ("rules", "rule", False),
):  # fmt: skip
    router.include_router(_routes(_plural, _kind, starts=_starts))

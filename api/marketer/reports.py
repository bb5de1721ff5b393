"""/api/v1/reports: the list against what is usual, the mix kept, the hours kept, the personal hour."""

from typing import Any

from fastapi import APIRouter, Depends, Request

from api.auth import app_of, scope
from nurture.domain.reports import to_json
from nurture.services.reporting import report

router = APIRouter(prefix="/reports", tags=["reports"], dependencies=[Depends(scope("reports:read"))])


@router.get("/composition")
async def composition(request: Request) -> dict[str, Any]:
    """Who is in the list now and week by week, beside the usual 80 : 17 : 3."""
    return await _parts(request, "composition", "benchmark")


@router.get("/mix")
async def mix(request: Request) -> dict[str, Any]:
    """The mix promised and the mix delivered."""
    return await _parts(request, "mix")


@router.get("/windows")
async def windows(request: Request) -> dict[str, Any]:
    """How many letters left inside their window, and on what the zones rest."""
    return await _parts(request, "windows")


@router.get("/hours")
async def hours(request: Request) -> dict[str, Any]:
    """What the personal hour brings, with its uncertainty, and when people act: weekday by hour of the reader's clock."""
    return await _parts(request, "hours")


async def _parts(request: Request, *names: str) -> dict[str, Any]:
    app = app_of(request)
    now = app.clock()
    whole = to_json(await report(app.db, now, None if "mix" in names else 0))
    return {"at": now} | {name: whole[name] for name in names}

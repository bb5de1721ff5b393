"""/api/v1/reports: the list against what is usual, its own curves, the mix, the hours and the pace kept, the personal hour,
what people answered."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from api.auth import app_of, scope
from nurture.domain.curves import to_json as curves_json
from nurture.domain.pace_report import to_json as pace_json
from nurture.domain.reports import to_json
from nurture.domain.tally import to_json as tally_json
from nurture.services import proposing
from nurture.services.measuring import measure
from nurture.services.mixing import offers_due
from nurture.services.pacing import NAMES, pace
from nurture.services.polling import list_questions, result
from nurture.services.recommending import NAMES as NAMED
from nurture.services.recommending import recommendations
from nurture.services.reporting import report

router = APIRouter(prefix="/reports", tags=["reports"], dependencies=[Depends(scope("reports:read"))])


@router.get("/composition")
async def composition(request: Request) -> dict[str, Any]:
    """Who is in the list now and week by week, beside the usual 80 : 17 : 3."""
    return await _parts(request, "composition", "benchmark")


@router.get("/curves")
async def curves(request: Request) -> dict[str, Any]:
    """How fast interest decays in this list, and how long people take to buy for the first time."""
    app = app_of(request)
    now = app.clock()
    return {"at": now} | curves_json(await measure(app.db, now))


@router.get("/mix")
async def mix(request: Request) -> dict[str, Any]:
    """The mix promised and the mix delivered; to how many people an offer is due while none is planned."""
    found = await _parts(request, "mix")
    return found | {"mix": found["mix"] | {"offer_due": await offers_due(app_of(request).db)}}


@router.get("/pace")
async def pace_report(
    request: Request, names: Annotated[int, Query(ge=0, le=500, description="How many people of each floor are named.")] = NAMES
) -> dict[str, Any]:
    """People under the floor in the last complete week or month, with why; what the library holds for those who are owed."""
    app = app_of(request)
    found = await pace(app.db, app.clock(), names)
    return {"at": found.at, "pace": pace_json(found)}


@router.get("/windows")
async def windows(request: Request) -> dict[str, Any]:
    """How many letters left inside their window, and on what the zones rest."""
    return await _parts(request, "windows")


@router.get("/hours")
async def hours(request: Request) -> dict[str, Any]:
    """What the personal hour brings, with its uncertainty, and when people act: weekday by hour of the reader's clock."""
    return await _parts(request, "hours")


@router.get("/questions")
async def questions(request: Request) -> dict[str, Any]:
    """Every question with how many people were asked and how many answered."""
    app = app_of(request)
    now = app.clock()
    return {"at": now, "questions": [asdict(line) for line in await list_questions(app.db, now)]}


@router.get("/questions/{name}")
async def question(
    request: Request,
    name: Annotated[str, Path(max_length=80)],
    since: Annotated[date | None, Query(description="Only answers from this date on.")] = None,
) -> dict[str, Any]:
    """Counts with their uncertainty, the mean, the most named words, quarter by quarter. Nobody's name or text."""
    app = app_of(request)
    begin = datetime.combine(since, time(), UTC) if since else None
    return {"at": app.clock()} | tally_json((await result(app.db, name, since=begin)).tally)


@router.get("/referrals")
async def referrals(
    request: Request, names: Annotated[int, Query(ge=0, le=500, description="How many recommenders are named.")] = NAMED
) -> dict[str, Any]:
    """Who brings people: constant, rare, never; what became of whom they brought, and those who brought most."""
    app = app_of(request)
    now = app.clock()
    return {"at": now} | (await recommendations(app.db, now, names)).to_json()


@router.get("/hygiene")
async def hygiene(request: Request) -> dict[str, Any]:
    """The last weekly run: who was forgotten or marked, the age of every field, guessed zones; how many proposals are open. No names."""
    app = app_of(request)
    return {"at": app.clock()} | proposing.to_json(await proposing.last_run(app.db))


async def _parts(request: Request, *names: str) -> dict[str, Any]:
    app = app_of(request)
    now = app.clock()
    whole = to_json(await report(app.db, now, None if "mix" in names else 0))
    return {"at": now} | {name: whole[name] for name in names}

"""/api/v1/forecast: the weeks ahead, of one person letter by letter, of all as a calendar; and what a draft would change.

A long list is answered by a sample: `every` says that so manieth person was looked at, and the figures are multiplied by it.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from api.auth import app_of, scope
from api.marketer.storing import BODY, read_documents
from nurture.domain.calendars import calendar_json, delivery_rows, effect_json, held_rows
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services import forecasting
from nurture.services.explaining import look_up

router = APIRouter(prefix="/forecast", tags=["forecast"], dependencies=[Depends(scope("subscribers:read"))])
Email = Annotated[str | None, Query(max_length=320, description="One person's letters; without it, everybody's calendar.")]
Days = Annotated[int, Query(ge=1, le=366, description="How far to look.")]


@router.get("")
async def forecast(request: Request, email: Email = None, days: Days = 30) -> dict[str, Any]:
    """Who gets what in the next days by the planner's own rules, as long as nobody answers, leaves or edits."""
    app = app_of(request)
    now, span, rate, warm_up = app.clock(), timedelta(days=days), app.settings.smtp_rate, app.settings.warm_up
    if email is None:
        every = await forecasting.sample_of(app.db)
        found = await forecasting.calendar(app.db, now, span, rate, warm_up=warm_up, every=every, chunk=forecasting.AT_ONCE)
        return {"at": now, "days": days, "every": every, "calendar": calendar_json(found)}
    person = await look_up(app.db, email)
    if person is None:
        raise NurtureError(f"nobody here has the address {email}; look it up with /api/v1/subscribers?email=", ErrorKind.MISSING)
    letters = [ahead async for ahead in forecasting.forecast(app.db, now, span, [person], rate, warm_up=warm_up)]
    return {
        "at": now, "days": days, "deliveries": [row for ahead in letters for row in delivery_rows(ahead)],
        "held": [row for ahead in letters for row in held_rows(ahead)],
        "skipped": [{"letter": s.letter, "reason": s.reason} for ahead in letters for s in ahead.foresight.skips],
    }  # fmt: skip


@router.post("/drafts", openapi_extra=BODY)
async def drafts(request: Request, days: Days = 30) -> dict[str, Any]:
    """What these documents would do to everybody's weeks: the calendars without and with them, and the letters they move."""
    app = app_of(request)
    loaded = await read_documents(request)
    documents = [p.document for p in loaded.documents]
    every, span = await forecasting.sample_of(app.db), timedelta(days=days)
    found = await forecasting.effect(
        app.db, documents, app.clock(), span, app.settings.smtp_rate, warm_up=app.settings.warm_up, every=every, chunk=forecasting.AT_ONCE
    )  # fmt: skip
    return {"days": days, "every": every} | effect_json(found)

"""Is it alive, is it ready, what waits: for supervisors and for Prometheus."""

import asyncio

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.auth import app_of, key_or_visit
from nurture.domain.tokens import proof
from nurture.store import health
from nurture.store.throttles import load_throttles, parked_counts

READY_WITHIN = 2.0
ASK_MOST = 64
_log = structlog.get_logger("nurture.api")


async def live(request: Request) -> Response:
    """With `?ask=...` it proves that it holds this installation's key: `nurture doctor` asks, through whatever stands in front."""
    asked = request.query_params.get("ask", "")
    shown = {"status": "live"}
    if 0 < len(asked) <= ASK_MOST:
        shown["proof"] = proof(asked, app_of(request).keys[0])
    return JSONResponse(shown)


async def ready(request: Request) -> Response:
    """503 until the database answers."""
    try:
        async with asyncio.timeout(READY_WITHIN), app_of(request).db.read() as tx:
            await health.ping(tx)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        _log.warning("not ready", error=type(error).__name__)
        return JSONResponse({"status": "waiting", "database": "away"}, 503, {"Retry-After": "2"})
    return JSONResponse({"status": "ready", "database": "answers"})


def routes(registry: CollectorRegistry) -> list[Route]:
    """The routes; /metrics reads `registry` and counts what waits at the moment of the question."""
    open_rows = Gauge("nurture_deliveries_open", "Letters under way: waiting, claimed, sending, unknown.", ("state",), registry=registry)
    unfolded = Gauge("nurture_events_unfolded", "Events that no standing knows yet.", registry=registry)
    overdue = Gauge("nurture_overdue_seconds", "How long a letter of a running lane waits beyond its time at most.", registry=registry)
    beats = Gauge("nurture_heartbeats", "Renewals of leases by all workers; stands still when none runs.", registry=registry)
    resting = Gauge("nurture_resting", "1 while nothing goes to this relay or recipient domain.", ("name",), registry=registry)
    rates = Gauge("nurture_rate", "Letters a second that a slowed relay or recipient domain takes now.", ("name",), registry=registry)
    parked = Gauge("nurture_parked", "Letters that wait for the turn of their domain.", ("domain",), registry=registry)
    halted = Gauge("nurture_halted", "1 while planning and sending stand still.", registry=registry)

    async def metrics(request: Request) -> Response:
        app = app_of(request)
        if not app.settings.public_metrics:
            await key_or_visit(request)
        async with app.db.read() as tx:
            now = await health.waiting(tx)
            slow = await load_throttles(tx)
            waits = await parked_counts(tx) if slow else {}
        open_rows.clear()
        for state, count in now.open.items():
            open_rows.labels(state).set(count)
        late = (app.clock() - now.overdue_since).total_seconds() if now.overdue_since else 0.0
        overdue.set(max(late, 0.0))
        unfolded.set(now.unfolded)
        beats.set(now.beats)
        for gauge in (resting, rates, parked):
            gauge.clear()
        for row in slow:
            resting.labels(row.name).set(row.state.away(app.clock()))
            if (rate := row.state.rate_at(app.clock())) is not None:
                rates.labels(row.name).set(rate)
            if row.id in waits:
                parked.labels(row.name.partition(":")[2]).set(waits[row.id])
        halted.set(now.halted)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", metrics)]

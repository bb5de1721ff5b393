"""The web application: public routes before the API, the API before the dashboard, one guard around all."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api import errors, health, reference
from api.dashboard.routes import router as dashboard
from api.limits import Limit
from api.marketer import (
    audit,
    campaigns,
    deliveries,
    documents,
    events,
    forecast,
    importing,
    keys,
    policy,
    previews,
    proposals,
    questions,
    replies,
    reports,
    segments,
    sending,
    sequences,
    subscribers,
    tasks,
    webhooks,
)
from api.middleware import Guard, Meters
from api.public.answering import routes as answering
from api.public.archive import routes as archive
from api.public.inbound import routes as inbound
from api.public.joining import routes as joining
from api.public.pages import Pages as PublicPages
from api.public.quick import Quick
from api.public.recording import Recorder
from api.public.routes import routes as public
from api.public.targets import Targets

if TYPE_CHECKING:
    from nurture.bootstrap import App

_MARKETER = (
    importing, subscribers, segments, sequences, documents, deliveries, events, sending, reports, previews, forecast, policy, keys, tasks,
    webhooks, replies, questions, campaigns, proposals,
)  # fmt: skip


class _Service(FastAPI):
    """Opens and clicks come by the thousand: they are answered before all the layers that other requests go through."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not await self.state.quick.answers(scope, send):
            await super().__call__(scope, receive, send)


def create_app(app: "App", *, demo: bool = False) -> FastAPI:
    """The application over open resources. `demo`: visitors from this machine are signed in to the dashboard."""
    registry = CollectorRegistry()
    recorder = Recorder(app, registry)

    @contextlib.asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        recorder.start()
        yield
        await recorder.close()

    api = _Service(
        title="Nurture", version="1", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        description="E-mail nurturing: the promised mix, the reader's own hour, one durable row per letter.",
    )  # fmt: skip
    api.state.nurture = app
    api.state.recorder = recorder
    api.state.demo = demo
    api.state.noted = set()
    api.state.by_key = Limit(app.settings.api_rate * errors.AGAIN, errors.AGAIN)
    errors.install(api)
    targets, meters, https = Targets(app), Meters(registry), app.settings.base_url.startswith("https:")
    api.state.quick = Quick(app, recorder, targets, meters, https=https)
    pages = PublicPages(app.templates)
    of_readers = [
        *public(app, recorder, targets), *joining(app, pages), *answering(app, recorder, pages), *archive(app, recorder, pages),
        *inbound(app),
    ]  # fmt: skip
    api.router.routes.extend([*of_readers, *health.routes(registry), *reference.routes(api)])
    api.mount("/static", StaticFiles(directory=app.templates / "pages" / "static"), name="static")
    v1 = APIRouter(prefix="/api/v1", responses={"default": {"description": "A problem (RFC 9457).", "content": {errors.PROBLEM: {}}}})
    for part in _MARKETER:
        v1.include_router(part.router)
    v1.include_router(audit.router)
    api.include_router(v1)
    api.include_router(dashboard(app), include_in_schema=False)
    api.add_middleware(Guard, https=https, meters=meters)
    return api

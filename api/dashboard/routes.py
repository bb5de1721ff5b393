"""The dashboard: pages that anybody can read, made on the server, without script."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import doors, overview, signing
from api.dashboard.ahead import HOUR, ahead_pages, look_ahead
from api.dashboard.campaign_desk import desk_of_campaigns
from api.dashboard.campaigns import campaign_pages
from api.dashboard.cleanups import cleanup_pages
from api.dashboard.curves import Measured, curves_context
from api.dashboard.desk import desk_pages
from api.dashboard.house import house_pages
from api.dashboard.hygiene import hygiene_pages
from api.dashboard.looking import Guarded, looking_pages
from api.dashboard.overview import Latest
from api.dashboard.pace import pace_pages
from api.dashboard.pages import Pages
from api.dashboard.questions import question_pages
from api.dashboard.recommenders import recommender_pages
from api.errors import STATUS
from nurture.domain.errors import NurtureError
from nurture.services import browsing
from nurture.services.access import Visit
from nurture.services.overseeing import troubles
from nurture.services.tasks import list_tasks

if TYPE_CHECKING:
    from nurture.bootstrap import App

SOON = timedelta(seconds=5)
Endpoint = Callable[[Request], Awaitable[Response]]


def router(app: "App") -> APIRouter:
    """All pages of the dashboard, to be mounted at the root."""
    routes, pages, latest = APIRouter(include_in_schema=False), Pages(app.templates), Latest(overview.newest)
    measured, outlook = Measured(), Latest(look_ahead, HOUR)
    standing = Latest(lambda app, now: troubles(app.db, now, app.settings.warm_up), SOON)

    def guarded(page: Guarded) -> Endpoint:
        """Only for those who are signed in; an error becomes a page with its one sentence."""

        async def endpoint(request: Request) -> Response:
            visit = await doors.visitor(request)
            if visit is None:
                return doors.to_login(request)
            try:
                return doors.let_in(request, visit) or await page(request, visit)
            except NurtureError as error:
                return pages.answer(request, "error.html", visit, code=STATUS[error.kind], message=error.message)

        return endpoint

    async def home(request: Request, visit: Visit) -> Response:
        found = await latest.get(app)
        recent, policy = await browsing.letters(app.db, "sent", limit=8)
        shown = overview.context(found, policy.timezone, app.clock()) | curves_context(await measured.get(app))
        todo, told = await list_tasks(app.db, limit=20), await standing.get(app)
        return pages.answer(request, "overview.html", visit, recent=recent.lines, tasks=todo, troubles=told, **shown)

    async def sequences(request: Request, visit: Visit) -> Response:
        found = await latest.get(app)
        mixes = {line.lane: overview.mix_row(line) for line in found.mix.lanes}
        return pages.answer(
            request, "sequences.html", visit, lines=await browsing.sequences(app.db), mixes=mixes, unearned=len(found.mix.unearned)
        )

    shown = (
        *looking_pages(app, pages, latest), *pace_pages(app, pages), *ahead_pages(app, pages, outlook), *question_pages(app, pages),
        *recommender_pages(app, pages),
    )  # fmt: skip
    listed, step = campaign_pages(app, pages, outlook)
    on_desk, desk_step = desk_pages(app, pages)
    tidy, tidy_step = hygiene_pages(app, pages)
    looked, (new_cleanup, cleanup_step) = cleanup_pages(app, pages)
    for path, page in (("/", home), ("/sequences", sequences), *shown, listed, on_desk, tidy):
        routes.add_route(path, guarded(page), methods=["GET"])
    for path, page, methods in desk_of_campaigns(app, pages):
        routes.add_route(path, guarded(page), methods=list(methods))
    routes.add_route(step[0], guarded(step[1]), methods=["GET", "POST"])
    routes.add_route(new_cleanup[0], guarded(new_cleanup[1]), methods=["GET", "POST"])
    for path, page in looked:
        routes.add_route(path, guarded(page), methods=["GET"])
    routes.add_route(cleanup_step[0], guarded(cleanup_step[1]), methods=["GET", "POST"])
    routes.add_route(desk_step[0], guarded(desk_step[1]), methods=["POST"])
    routes.add_route(tidy_step[0], guarded(tidy_step[1]), methods=["POST"])
    routes.add_route("/favicon.ico", _favicon, methods=["GET"])
    for method, path, page in house_pages(app, pages):
        routes.add_route(path, guarded(page), methods=[method])
    signing.add(routes, app, pages)
    return routes


async def _favicon(_request: Request) -> Response:
    return RedirectResponse("/static/nurture.svg", 308)

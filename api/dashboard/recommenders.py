"""The page of recommenders: who brings people, how constantly, and what became of whom they brought."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from api.dashboard.overview import Latest
from api.dashboard.pages import Pages
from nurture.services.access import Visit
from nurture.services.recommending import recommendations

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App


def recommender_pages(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded], ...]":
    """(path, page) of each."""
    latest = Latest(lambda app, now: recommendations(app.db, now))

    async def shown(request: Request, visit: Visit) -> Response:
        return pages.answer(request, "recommenders.html", visit, found=await latest.get(app))

    return (("/recommenders", shown),)

"""The page of the pace: people under a floor with why, what the library still repays, to whom an offer is due."""

from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from api.dashboard.overview import Latest
from api.dashboard.pages import Pages
from nurture.domain.pace_report import REASONS, PaceReport
from nurture.services.access import Visit
from nurture.services.mixing import offers_due
from nurture.services.pacing import pace

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App


async def _asked(app: "App", now: datetime) -> tuple[PaceReport, dict[str, int]]:
    return await pace(app.db, now), await offers_due(app.db)


def pace_pages(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded], ...]":
    """(path, page) of each."""

    latest = Latest(_asked)

    async def shown(request: Request, visit: Visit) -> Response:
        found, due = await latest.get(app)
        titles = {floor.source: floor.title for floor in found.floors}
        named = {source: titles.get(source, source.partition(":")[2] or "Everything together") for source in due}
        offers = [(named[source], people) for source, people in due.items() if people]
        return pages.answer(request, "pace.html", visit, floors=found.floors, library=found.library, offers=offers, reasons=REASONS)

    return (("/pace", shown),)

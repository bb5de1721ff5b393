"""The page of the weekly hygiene: what is proposed, with a button for each answer; how old what we know of people is; guessed zones."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import doors
from api.dashboard.pages import Pages, parse_id
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.hygiene import ACTS, ProposalKind
from nurture.proposaldesk import take_on
from nurture.services import proposing
from nurture.services.access import Visit

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

TITLES = {
    ProposalKind.LOST: "Lost people", ProposalKind.FADING: "Fading interest", ProposalKind.DUPLICATE: "One person twice?",
    ProposalKind.DOMAIN: "A typing error?", ProposalKind.DATA: "Old data", ProposalKind.ZONE: "Guessed time zones",
}  # fmt: skip
SHOWN = 50


def hygiene_pages(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded], tuple[str, Guarded]]":
    """(path, page) of each; the second one takes forms."""

    async def shown(request: Request, visit: Visit) -> Response:
        found, told = await proposing.last_run(app.db), await proposing.list_told(app.db, limit=SHOWN)
        more = sum(rows for rows, _ in found.open.values()) - len(told)
        return pages.answer(request, "hygiene.html", visit, found=found, told=told, more=more, acts=ACTS, titles=TITLES)

    async def step(request: Request, visit: Visit) -> Response:
        number, wanted = parse_id(request.path_params["id"]), request.path_params["step"]
        if number is None or wanted not in ("accept", "dismiss"):
            raise NurtureError("there is nothing at this address; look under People, Hygiene", ErrorKind.MISSING)
        await doors.read_form(request, doors.form_token(request))
        if wanted == "accept":
            told = await take_on(app, number, visit.email)
            if told.cleanup:
                return RedirectResponse(f"/cleanups/{told.cleanup}", 303)
        else:
            await proposing.dismiss(app.db, number, visit.email, app.clock())
        return RedirectResponse("/hygiene", 303)

    return ("/hygiene", shown), ("/hygiene/{id}/{step}", step)

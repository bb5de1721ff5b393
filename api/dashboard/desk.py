"""The reply desk: what people wrote, the oldest first, with a place for the answer beside it."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import doors
from api.dashboard.pages import Pages, parse_id
from nurture.domain.desk import Ready
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.replies import Sort
from nurture.replydesk import answer_ready, answer_reply, ban_sender, close_reply
from nurture.services import replying
from nurture.services.access import Visit

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

SORTS = {
    Sort.QUESTION: "Questions", Sort.OTHER: "Other", Sort.PRAISE: "Praise", Sort.RUDE: "Rude", Sort.LEAVE: "Leave words",
}  # fmt: skip
READY = {Sort.RUDE: (Ready.POLITE.value, "Answer politely"), Sort.PRAISE: (Ready.THANKS.value, "Say thank you")}
SHOWN = 50


def desk_pages(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded], tuple[str, Guarded]]":
    """(path, page) of each; the second one takes forms."""

    async def replies(request: Request, visit: Visit) -> Response:
        chosen = request.query_params.get("sort", "")
        sorts = (chosen,) if chosen in set(Sort) else ()
        lines = await replying.list_replies(app.db, sorts=sorts, limit=SHOWN)
        return pages.answer(request, "replies.html", visit, lines=lines, sorts=SORTS, chosen=sorts[0] if sorts else "", ready=READY)

    async def step(request: Request, visit: Visit) -> Response:
        number, wanted = parse_id(request.path_params["id"]), request.path_params["step"]
        if number is None or wanted not in ("answer", "close", "ban"):
            raise NurtureError("there is nothing at this address; look under Replies", ErrorKind.MISSING)
        form = await doors.read_form(request, doors.form_token(request))
        if wanted == "answer" and form.get("ready") in set(Ready):
            await answer_ready(app, number, Ready(form["ready"]), visit.email)
        elif wanted == "answer":
            await answer_reply(app, number, form.get("body", ""), visit.email)
        elif wanted == "close":
            await close_reply(app, number, visit.email)
        else:
            await ban_sender(app, number, visit.email)
        return RedirectResponse("/replies", 303)

    return ("/replies", replies), ("/replies/{id}/{step}", step)

"""The house itself: who signs in and in which role, and the log of what everybody did. For owners."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import doors
from api.dashboard.pages import Pages, parse_id
from api.errors import STATUS
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.roles import ABOUT
from nurture.services import access, auditing
from nurture.services.access import Visit

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

SHOWN = 100
LONGEST = 254
STEPS = ("add", "role", "link", "remove")


def house_pages(app: "App", pages: Pages) -> "tuple[tuple[str, str, Guarded], ...]":
    """(method, path, page) of each."""

    async def show(request: Request, visit: Visit, *, code: int = 200, fault: str = "", link: str = "", of: str = "") -> Response:
        found = await access.list_users(app.db)
        return pages.answer(request, "users.html", visit, code=code, users=found, roles=ABOUT, fault=fault, link=link, of=of)

    async def users(request: Request, visit: Visit) -> Response:
        return await show(request, visit)

    async def step(request: Request, visit: Visit) -> Response:
        wanted = request.path_params["step"]
        if wanted not in STEPS:
            raise NurtureError("there is nothing at this address; look under Users", ErrorKind.MISSING)
        form = await doors.read_form(request, doors.form_token(request))
        email, role = form.get("email", "").strip()[:LONGEST], form.get("role", "")
        try:
            secret = await _take(app, wanted, email, role, visit.email)
        except NurtureError as error:
            return await show(request, visit, code=STATUS[error.kind], fault=error.message)
        if secret is None:
            return RedirectResponse("/users", 303)
        return await show(request, visit, link=f"{app.settings.base_url.rstrip('/')}/setup/{secret}", of=email.lower())

    async def log(request: Request, visit: Visit) -> Response:
        asked = request.query_params
        actor, thing = asked.get("actor", "").strip()[:LONGEST], asked.get("object", "").strip()[:LONGEST]
        before = parse_id(asked.get("before", ""))
        found = await auditing.read_lines(app.db, before=before, limit=SHOWN + 1, actor=actor, thing=thing)
        older = found[SHOWN - 1].id if len(found) > SHOWN else None
        return pages.answer(request, "audit.html", visit, lines=found[:SHOWN], actor=actor, thing=thing, older=older)

    return ("GET", "/users", users), ("POST", "/users/{step}", step), ("GET", "/audit", log)


async def _take(app: "App", step: str, email: str, role: str, by: str) -> str | None:
    """Do it; the secret of a link where one was made."""
    now = app.clock()
    match step:
        case "add":
            return await access.invite(app.db, email, now, role=role, by=by)
        case "link":
            return await access.new_link(app.db, email, now, by=by)
        case "role":
            await access.change_role(app.db, email, role, now, by=by)
        case _:
            await access.remove_user(app.db, email, now, by=by)
    return None

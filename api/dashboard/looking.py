"""Pages to look through: letters, one letter as its reader sees it, people, one person's story."""

from collections.abc import Awaitable, Callable
from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from api.dashboard.overview import Latest
from api.dashboard.pages import Pages, parse_after, parse_id
from api.errors import STATUS
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.reports import Report
from nurture.domain.words import Engagement, Kind, Status
from nurture.services import browsing, forecasting, mixing, showing
from nurture.services.access import Visit
from nurture.store.browsing import View

if TYPE_CHECKING:
    from nurture.bootstrap import App

Guarded = Callable[[Request, Visit], Awaitable[Response]]
VIEWS: tuple[View, ...] = ("sent", "coming", "stopped")
LONGEST = 100
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; sandbox"
FRAMED = f"{_NOTHING}; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"


def looking_pages(app: "App", pages: Pages, latest: Latest[Report]) -> tuple[tuple[str, Guarded], ...]:
    """(path, page) of each."""

    async def letters(request: Request, visit: Visit) -> Response:
        asked = request.query_params
        view = next((v for v in VIEWS if v == asked.get("view")), VIEWS[0])
        kind = asked.get("kind") if asked.get("kind") in [k.value for k in Kind] else None
        text = asked.get("q", "").strip()[:LONGEST]
        found, policy = await browsing.letters(app.db, view, kind=kind, text=text, after=parse_after(asked.get("after", "")))
        last = found.lines[-1] if found.more else None
        moment = last and ((last.accepted_at or last.due_at) if view == "sent" else last.due_at)
        after = f"{moment.isoformat()}~{last.id}" if last and moment else None
        return pages.answer(
            request, "letters.html", visit, view=view, kind=kind, text=text, lines=found.lines, after=after, zone=policy.timezone
        )

    async def shown_letter(delivery: int) -> showing.Shown:
        return await showing.show(app.db, delivery, app.settings.data_dir / "captured", app.settings.base_url, app.clock())

    async def letter(request: Request, visit: Visit) -> Response:
        line = await showing.find(app.db, _id(request))
        shown, fault = None, ""
        try:
            shown = await shown_letter(line.id)
        except NurtureError as error:
            fault = error.message
        events, zone = await browsing.happenings(app.db, line)
        return pages.answer(
            request,
            "letter.html",
            visit,
            shown=shown,
            fault=fault,
            line=line,
            events=events,
            zone=zone,
        )

    async def preview(request: Request, _visit: Visit) -> Response:
        code = 200
        try:
            html = (await shown_letter(_id(request))).html
        except NurtureError as error:  # said inside the frame, where the letter would stand
            html, code = f"<!doctype html><p>{escape(error.message)}</p>", STATUS[error.kind]
        return Response(html, code, {"Content-Security-Policy": FRAMED, "Cache-Control": "no-store"}, "text/html")

    async def people(request: Request, visit: Visit) -> Response:
        asked = request.query_params
        engagement = asked.get("class") if asked.get("class") in [e.value for e in Engagement] else None
        status = asked.get("status") if asked.get("status") in [s.value for s in Status] else None
        text, before = asked.get("q", "").strip()[:LONGEST], parse_id(asked.get("before", ""))
        found, policy = await browsing.people(app.db, text=text, engagement=engagement, status=status, before=before)
        counted = (await latest.get(app)).composition
        return pages.answer(
            request, "people.html", visit, text=text, engagement=engagement, status=status, lines=found.lines, counted=counted,
            before=found.lines[-1].id if found.more else None, zone=policy.timezone,
        )  # fmt: skip

    async def person(request: Request, visit: Visit) -> Response:
        found = await browsing.profile(app.db, _id(request), app.clock())
        if found is None:
            raise NurtureError("there is nobody here; look for them under People", ErrorKind.MISSING)
        mix = await mixing.person_mix(app.db, _id(request), app.clock())
        ahead = [a async for a in forecasting.forecast(app.db, app.clock(), people=[_id(request)])]
        return pages.answer(request, "person.html", visit, profile=found, person=found.row, zone=found.zone, mix=mix, ahead=ahead)

    return (
        ("/letters", letters), ("/letters/{id}", letter), ("/letters/{id}/preview", preview), ("/people", people), ("/people/{id}", person),
    )  # fmt: skip


def _id(request: Request) -> int:
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NurtureError("there is nothing at this address; go back to the overview", ErrorKind.MISSING)
    return found

"""One campaign: its letter, a look before the start, a test letter, what each date brought; and the form that drafts one."""

from datetime import date
from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import campaign_form, doors
from api.dashboard.campaigns import STEPS, line_of, schedule_words, standing_words
from api.dashboard.looking import FRAMED
from api.dashboard.pages import Pages
from api.errors import STATUS
from nurture.campaigndesk import look_before, send_again, show_to, try_out
from nurture.domain.errors import NurtureError
from nurture.services import segmenting
from nurture.services.access import Visit
from nurture.services.campaigning.drawing import warn_of_dry_folders
from nurture.services.campaigning.results import results, to_json
from nurture.services.showing import harmless

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App


def desk_of_campaigns(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded, tuple[str, ...]], ...]":
    """(path, page, methods) of each."""
    return _drafting(app, pages), *_looking(app, pages)


def _looking(app: "App", pages: Pages) -> "tuple[tuple[str, Guarded, tuple[str, ...]], ...]":
    async def one(request: Request, visit: Visit) -> Response:
        return await _page(request, visit)

    async def _page(request: Request, visit: Visit, told: str = "", fault: str = "", code: int = 200) -> Response:
        name = request.path_params["name"]
        line, zone = await line_of(app, name)
        warnings = await warn_of_dry_folders(app.db, app.templates, app.clock())
        brought = to_json(name, await results(app.db, name, app.clock()))["occasions"]
        dated = [outcome | {"day": date.fromisoformat(outcome["date"])} for outcome in brought]
        drafted = line.standing == "draft"
        return pages.answer(
            request, "campaign.html", visit, code=code, line=line, schedule=schedule_words(line.campaign.schedule, zone), fault=fault,
            told=standing_words(line), said=told, steps=STEPS[line.standing], warning=warnings.get(name, ""), occasions=dated,
            remarks=await campaign_form.remarks(app, line.campaign) if drafted else [],
            editable=drafted and campaign_form.written(line.campaign) is not None, email=visit.email if "@" in visit.email else "",
        )  # fmt: skip

    async def before(request: Request, visit: Visit) -> Response:
        name = request.path_params["name"]
        line, _ = await line_of(app, name)
        return pages.answer(request, "campaign_preflight.html", visit, line=line, found=await look_before(app, name))

    async def letter(request: Request, _visit: Visit) -> Response:
        code = 200
        try:
            composed = await show_to(app, request.path_params["name"], request.query_params.get("for") or None)
            html = harmless(composed.rendered.html, app.settings.base_url)
        except NurtureError as error:  # said inside the frame, where the letter would stand
            html, code = f"<!doctype html><p>{escape(error.message)}</p>", STATUS[error.kind]
        return Response(html, code, {"Content-Security-Policy": FRAMED, "Cache-Control": "no-store"}, "text/html")

    async def test(request: Request, visit: Visit) -> Response:
        form = await doors.read_form(request, doors.form_token(request))
        try:
            tried = await try_out(app, request.path_params["name"], form.get("to", ""), form.get("for") or None)
        except NurtureError as error:
            return await _page(request, visit, fault=error.message, code=STATUS[error.kind])
        if not tried.accepted:
            return await _page(request, visit, fault=f"The mail server did not take it: {tried.answer}", code=422)
        kept = " It was captured, since no mail server is set." if app.captures else ""
        return await _page(request, visit, told=f'"{tried.subject}" went to {tried.to}.{kept}')

    async def again(request: Request, visit: Visit) -> Response:
        form = await doors.read_form(request, doors.form_token(request))
        try:
            sent = await send_again(app, request.path_params["name"], subject=form.get("subject", "").strip() or None)
        except NurtureError as error:
            return await _page(request, visit, fault=error.message, code=STATUS[error.kind])
        people = f"{sent.people:,} {'person gets' if sent.people == 1 else 'people get'} the letter again, in their own hours."
        early = f" {sent.early:,} had it less than three days ago." if sent.early else ""
        return await _page(request, visit, told=people + early)

    return (
        ("/campaigns/{name}", one, ("GET",)), ("/campaigns/{name}/preflight", before, ("GET",)),
        ("/campaigns/{name}/letter", letter, ("GET",)), ("/campaigns/{name}/test", test, ("POST",)),
        ("/campaigns/{name}/resend", again, ("POST",)),
    )  # fmt: skip


def _drafting(app: "App", pages: Pages) -> "tuple[str, Guarded, tuple[str, ...]]":
    """The form: empty, or with a stored campaign that it can say."""

    async def draft(request: Request, visit: Visit) -> Response:
        if request.method == "POST":
            filled = campaign_form.read(await doors.read_form(request, doors.form_token(request)))
            if (name := await campaign_form.store(app, filled)) is not None:
                return RedirectResponse(f"/campaigns/{name}", 303)
            return await _form(request, visit, filled, 422)
        known = await campaign_form.find(app, request.query_params.get("of", ""))
        return await _form(request, visit, (known and campaign_form.written(known)) or campaign_form.fresh())

    async def _form(request: Request, visit: Visit, filled: campaign_form.Draft, code: int = 200) -> Response:
        segments = await segmenting.list_segments(app.db, app.clock())
        return pages.answer(
            request, "campaign_form.html", visit, code=code, draft=filled, segments=segments, kinds=campaign_form.KINDS,
            days=campaign_form.DAYS,
        )  # fmt: skip

    return "/campaigns/new", draft, ("GET", "POST")

"""The pages of cleanups: the list, a form for a draft, what would happen, how it goes with its gauges, the halt, the result sheet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import doors
from api.dashboard.cleanup_form import Draft, in_words
from api.dashboard.overview import Chart, draw_twice
from api.dashboard.pages import Pages
from nurture.definitions.faults import Refused
from nurture.domain.cleanup.guard import Gauge
from nurture.domain.cleanup.steps import STEP_NAMES
from nurture.domain.cleanup.words import EXEMPT_WORDS, RUNNING, CleanupState, Exempt
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.words import Engagement
from nurture.render import charts
from nurture.render.gauges import gauge_bar
from nurture.services import cleaning, defining, steering
from nurture.services.access import Visit
from nurture.services.cleaning import Preflight, Sheet

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

STATES = {
    CleanupState.DRAFT: "A draft: nobody is written to until you start it.",
    CleanupState.CANARY: "A few people have the first offer; they are watched for a day before more follow.",
    CleanupState.RAMP: "Step by step more people get the offers, a step a day, as long as few complain.",
    CleanupState.SETTLING: "The last offer has left. Answers still come in; then everybody gets a verdict.",
    CleanupState.FINISHED: "It is over, and everybody has a verdict.",
    CleanupState.STOPPED: "It was stopped, and no further letter of it left.",
}
VERDICTS = {
    "revived": ("fan", "Came back"), "left": ("about", "Left"), "silent": ("passive", "Silent"), "complained": ("sales", "Complained"),
    "bounced": ("unobservable", "Bounced"), "spared": ("new", "Left alone"), "open": ("service", "Still open"),
}  # fmt: skip
PARTS = {"offers": "With offers", "holdout": "Without (held out)", "repermission": "Asked for permission"}
COMPARED = {"revived": "came back", "left": "left", "complained": "complained", "bounced": "bounced"}
_CLASSES = (Engagement.PASSIVE, Engagement.UNOBSERVABLE, Engagement.NEW, Engagement.ACTIVE, Engagement.FAN)
_STEPS = ("start", "pause", "resume", "cancel")


def steps_of(state: CleanupState, standing: str) -> tuple[str, ...]:
    """What may be pressed now."""
    if state is CleanupState.DRAFT:
        return ("start", "cancel")
    if state in RUNNING:
        return ("pause" if standing == "running" else "resume", "cancel")
    return ()


def verdict_chart(table: Mapping[str, Mapping[str, int]]) -> Chart | None:
    """Verdicts of a hundred people, with and without offers."""
    parts = [part for part in ("offers", "holdout", "repermission") if sum(table[part].values())]
    if not parts:
        return None
    totals = [sum(table[part].values()) for part in parts]
    series = [
        charts.Series(colour, label, [100 * table[part][word] / total for part, total in zip(parts, totals, strict=True)])
        for word, (colour, label) in VERDICTS.items()
        if any(table[part][word] for part in parts)
    ]
    return draw_twice(charts.stacked_bars, [PARTS[p] for p in parts], series, "Verdicts in per cent, with and without offers", 1000, 240)


def list_chart(before: Mapping[str, Any], after: Mapping[str, Any]) -> Chart | None:
    """The list before and after, by class."""
    both = (before["composition"], after["composition"])
    if not any(sum(c.values()) for c in both):
        return None
    series = [charts.Series(c.value, c.value.title(), [one.get(c.value, 0) for one in both]) for c in _CLASSES]
    return draw_twice(charts.stacked_bars, ["Before", "After"], series, "Subscribed people by class, before and after", 1000, 240)


def gauge_pictures(found: Sheet) -> list[tuple[Gauge, str]]:
    return [(g, gauge_bar(g.rate, g.least, g.line.warn, g.line.stop, title=g.words)) for g in found.gauges]


def sheet_context(found: Sheet) -> dict[str, Any]:
    return {
        "sheet_": found, "told": STATES[found.state], "steps": steps_of(found.state, found.standing), "verdicts": VERDICTS, "parts_": PARTS,
        "compared": COMPARED, "gauges": gauge_pictures(found), "verdict_chart": verdict_chart(found.table),
        "list_chart": list_chart(found.before, found.after), "step_names": STEP_NAMES,
        "exempt": [(EXEMPT_WORDS[Exempt(word)], count) for word, count in (found.run.exempt.items() if found.run else ())],
    }  # fmt: skip


def preflight_context(found: Preflight) -> dict[str, Any]:
    days = sorted(found.table.letters)
    series = [charts.Series("sales", "Letters", [found.table.letters[day] for day in days])]
    labels = [f"{day.day} {day:%b}" for day in days]
    drawn = draw_twice(charts.stacked_bars, labels, series, "Letters of the cleanup by date, at most", 1000, 220) if days else None
    alone = [(EXEMPT_WORDS[reason], people) for reason, people in sorted(found.exempt.items(), key=lambda e: -e[1])]
    return {"ahead": found, "days_chart": drawn, "exempt": alone}


def cleanup_pages(app: "App", pages: Pages) -> "tuple[tuple[tuple[str, Guarded], ...], tuple[tuple[str, Guarded], ...]]":
    """(path, page) of those that are only looked at, and of those that take forms too."""

    async def listed(request: Request, visit: Visit) -> Response:
        lines = [(line, STATES[CleanupState(line.state)]) for line in await cleaning.list_cleanups(app.db)]
        return pages.answer(request, "cleanups.html", visit, cleanups=lines)

    async def one(request: Request, visit: Visit) -> Response:
        found = await cleaning.result(app.db, request.path_params["name"], app.clock())
        context = sheet_context(found)
        if found.state is CleanupState.DRAFT:
            context |= preflight_context(await cleaning.preflight(app.db, found.name, app.clock(), named=8))
            return pages.answer(request, "cleanup_draft.html", visit, **context)
        return pages.answer(request, "cleanup.html", visit, **context)

    async def printed(request: Request, visit: Visit) -> Response:
        found = await cleaning.result(app.db, request.path_params["name"], app.clock())
        return pages.answer(request, "cleanup_print.html", visit, **sheet_context(found))

    async def new(request: Request, visit: Visit) -> Response:
        if request.method != "POST":
            asked = {name: request.query_params.get(name, "") for name in ("audience", "tag")}
            draft = Draft()
            draft.fields.update({name: value for name, value in asked.items() if value})
            return pages.answer(request, "cleanup_new.html", visit, draft=draft, faults=[])
        draft = Draft.typed(await doors.read_form(request, doors.form_token(request)))
        faults = draft.faults() or await _store(app, draft)
        if faults:
            return pages.answer(request, "cleanup_new.html", visit, code=422, draft=draft, faults=faults)
        return RedirectResponse(f"/cleanups/{draft.name}", 303)

    async def step(request: Request, visit: Visit) -> Response:
        name, wanted = request.path_params["name"], request.path_params["step"]
        found = await cleaning.result(app.db, name, app.clock())
        if wanted not in _STEPS:
            raise NurtureError("there is nothing at this address; look under Cleanups", ErrorKind.MISSING)
        if request.method != "POST":
            ahead = await cleaning.preflight(app.db, name, app.clock(), named=0) if wanted == "start" else None
            return pages.answer(request, "cleanup_step.html", visit, sheet_=found, step=wanted, ahead=ahead)
        await doors.read_form(request, doors.form_token(request))
        await _take(app, name, wanted)
        return RedirectResponse(f"/cleanups/{name}", 303)

    looked = (("/cleanups", listed), ("/cleanups/{name}", one), ("/cleanups/{name}/print", printed))
    return looked, (("/cleanups/new", new), ("/cleanups/{name}/{step}", step))


async def _store(app: "App", draft: Draft) -> list[str]:
    """Keep the draft; what is wrong with it, or nothing."""
    async with app.db.read() as tx:
        if await defining.is_taken(tx, draft.name):
            return [f"The name {draft.name} is taken; give it another one."]
    loaded = draft.read()
    if loaded.errors:
        return in_words(list(loaded.errors))
    try:
        await defining.apply(app.db, loaded.documents, app.clock(), templates=app.templates)
    except Refused as refused:
        return in_words(list(refused.faults))
    return []


async def _take(app: "App", name: str, step: str) -> None:
    now = app.clock()
    match step:
        case "start":
            await cleaning.begin(app.db, name, now)
        case "pause":
            await steering.pause(app.db, "cleanup", name, now)
        case "resume":
            await steering.resume(app.db, "cleanup", name, now)
        case _:
            await cleaning.cancel(app.db, name, now)
    await app.bell.ring("plan")

"""The page of campaigns: how each stands, in one sentence, and the buttons that start, pause, resume and cancel it."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from cronsim import CronSim
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.dashboard import doors, words
from api.dashboard.ahead import Outlook
from api.dashboard.overview import Latest
from api.dashboard.pages import Pages
from nurture.domain.documents import At, Schedule, Weekly
from nurture.domain.drawing import Folder
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.services import campaigning, segmenting, steering, watching
from nurture.services.access import Visit
from nurture.services.campaigning.drawing import warn_of_dry_folders
from nurture.services.watching import CampaignLine

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

STEPS = {
    "draft": ("start", "cancel"), "running": ("pause", "cancel"), "paused": ("resume", "cancel"), "finished": (), "cancelled": (),
}  # fmt: skip
_BY_HAND = "paused by hand"


def schedule_words(schedule: Schedule, workspace: str) -> str:
    """`every Tuesday, on each reader's own clock`."""
    if schedule == "now":
        return "once, as soon as it is started"
    clock = "on each reader's own clock" if schedule.zone == "reader" else f"on the clock of {workspace}"
    if isinstance(schedule, Weekly):
        return f"every {words.WEEKDAYS[schedule.weekly.number]}, {clock}"
    if isinstance(schedule, At):
        return f"once, on {words.full_day(date.fromisoformat(schedule.at[:10]))} at {schedule.at[11:]} {clock}"
    told = CronSim(schedule.cron, datetime(2000, 1, 1)).explain()  # noqa: DTZ001 - the words of a rule hang on no moment
    return f"{told[:1].lower()}{told[1:]}, {clock}"


def coming_words(line: CampaignLine) -> str:
    """`Tue 1 Dec`, with the hour where the schedule names one; empty where nothing comes."""
    coming = line.coming
    if coming is None or coming.moment:
        return ""
    return words.day(coming.nominal) + (f" at {coming.at:%H:%M}" if coming.at else "")


def standing_words(line: CampaignLine) -> str:
    """How it stands, in a sentence for somebody who has never seen its file."""
    coming = coming_words(line)
    match line.standing:
        case "draft":
            if line.coming is None:
                return "A draft whose date has passed: give it a new one and apply it again."
            when = (
                f"Started now, its first letters are of {coming}."
                if coming
                else "Started, each letter leaves in its reader's next fitting hours."
            )
            return f"A draft: nothing leaves until you start it. {when}"
        case "running":
            return (
                f"It runs; its next letters are of {coming}."
                if coming
                else "Its letters are leaving; when the last one is through, it is finished."
            )
        case "paused":
            why = "" if line.because.startswith(_BY_HAND) else f" {line.because[:1].upper()}{line.because[1:]}."
            return f"It stands still: nobody gets a letter of it until you resume it.{why}"
        case "finished":
            return "It has run and is over. To send it again, write it under another name."
    return "It was cancelled, which is for good. To send it after all, write it under another name."


async def line_of(app: "App", name: str) -> tuple[CampaignLine, str]:
    """How one campaign stands, and the zone of the workspace. Raises MISSING."""
    lines, zone = await watching.campaigns(app.db, app.clock())
    line = next((x for x in lines if x.campaign.name == name), None)
    if line is None:
        raise NurtureError("there is nothing at this address; look under Campaigns", ErrorKind.MISSING)
    return line, zone


def campaign_pages(app: "App", pages: Pages, ahead: Latest[Outlook]) -> "tuple[tuple[str, Guarded], tuple[str, Guarded]]":
    """(path, page) of each; the second one takes forms too."""

    latest = Latest(lambda a, now: watching.campaigns(a.db, now))
    folders = Latest(lambda a, now: warn_of_dry_folders(a.db, a.templates, now))

    async def campaigns(request: Request, visit: Visit) -> Response:
        lines, zone = await latest.get(app)
        dry = await folders.get(app) if any(isinstance(line.campaign.drawn, Folder) for line in lines) else {}
        told = [(line, schedule_words(line.campaign.schedule, zone), standing_words(line), STEPS[line.standing]) for line in lines]
        return pages.answer(request, "campaigns.html", visit, campaigns=told, dry=dry)

    async def step(request: Request, visit: Visit) -> Response:
        name, wanted = request.path_params["name"], request.path_params["step"]
        line, _ = await line_of(app, name)
        if wanted not in ("start", "pause", "resume", "cancel"):
            raise NurtureError("there is nothing at this address; look under Campaigns", ErrorKind.MISSING)
        if request.method != "POST":
            people = await segmenting.count_people(app.db, app.clock(), segment=line.campaign.segment) if wanted == "start" else None
            return pages.answer(request, "campaign_step.html", visit, line=line, step=wanted, people=people, told=standing_words(line))
        await doors.read_form(request, doors.form_token(request))
        await _take(app, name, wanted)
        latest.forget()
        folders.forget()
        ahead.forget()
        return RedirectResponse("/campaigns", 303)

    return ("/campaigns", campaigns), ("/campaigns/{name}/{step}", step)


async def _take(app: "App", name: str, step: str) -> None:
    now = app.clock()
    match step:
        case "start":
            await campaigning.start(app.db, name, now)
        case "pause":
            await steering.pause(app.db, "campaign", name, now)
        case "resume":
            await steering.resume(app.db, "campaign", name, now)
        case _:
            await steering.cancel(app.db, name, now)
    await app.bell.ring("plan")

"""The page of the weeks ahead: a calendar of the letters to come, worked out at most once an hour; a long list by a sample."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from api.dashboard import words
from api.dashboard.overview import KINDS, NARROW, PAGE, Chart, Latest
from api.dashboard.pages import Pages
from nurture.domain.calendars import Calendar
from nurture.render import charts
from nurture.render.charts import Part
from nurture.services import forecasting
from nurture.services.access import Visit

if TYPE_CHECKING:
    from api.dashboard.looking import Guarded
    from nurture.bootstrap import App

HOUR = timedelta(hours=1)
REASONS = 8


@dataclass(frozen=True, slots=True)
class Outlook:
    """`every`: so manieth person was looked at, and the calendar is multiplied by it. `zone`: the workspace's."""

    at: datetime
    calendar: Calendar
    every: int
    zone: str
    cap: int


async def look_ahead(app: "App", now: datetime) -> Outlook:
    """The calendar of the next 30 days."""
    policy = await forecasting.policy(app.db)
    every = await forecasting.sample_of(app.db)
    rate, warm_up = app.settings.smtp_rate, app.settings.warm_up
    calendar = await forecasting.calendar(app.db, now, rate=rate, warm_up=warm_up, every=every, chunk=forecasting.AT_ONCE)
    return Outlook(now, calendar, every, policy.timezone, policy.cap)


def _days(found: Outlook) -> list[date]:
    """All dates from today to the last one; the first letters may leave where it is still yesterday."""
    today = found.at.astimezone(words.zone_of(found.zone)).date()
    first, last = min([today, *found.calendar.days]), max([today + forecasting.DAYS, *found.calendar.days])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def month_chart(found: Outlook) -> Chart:
    """Every day with its letters by kind, for a desk and for a phone."""
    days = [
        (day, [Part(k, words.KINDS[k][0], counts[k]) for k in KINDS if counts.get(k)])
        for day in _days(found)
        for counts in [{kind.value: n for kind, n in found.calendar.days.get(day, {}).items()}]
    ]
    title = f"Letters of the next 30 days by the reader's own date: {charts.number(found.calendar.kinds.total())} in all"
    names = tuple(k for k in KINDS if any(p.name == k for _, parts in days for p in parts))
    wide, narrow = (charts.month_grid(days, title=title, width=width, height=tall) for width, tall in ((PAGE, 84), (NARROW, 68)))
    return Chart(wide, narrow, names)


def outlook_context(found: Outlook) -> dict[str, Any]:
    """What the template needs."""
    calendar = found.calendar
    totals = {day: counts.total() for day, counts in calendar.days.items()}
    return {
        "found": found, "chart": month_chart(found) if totals else None, "letters": sum(totals.values()),
        "fullest": max(totals.items(), key=lambda d: (d[1], -d[0].toordinal()), default=None),
        "thinnest": min(totals.items(), key=lambda d: (d[1], d[0]), default=None),
        "empty": sum(day not in totals for day in _days(found)),
        "days": [(day, [(words.KINDS[k][0], counts[k]) for k in sorted(counts, key=list(words.KINDS).index)])
                 for day, counts in sorted(calendar.days.items())],
        "held": calendar.held.most_common(REASONS), "skipped": calendar.skipped.most_common(REASONS),
    }  # fmt: skip


def ahead_pages(app: "App", pages: Pages, latest: Latest[Outlook]) -> "tuple[tuple[str, Guarded], ...]":
    """(path, page) of each."""

    async def ahead(request: Request, visit: Visit) -> Response:
        found = await latest.get(app)
        if not found.calendar.days:
            latest.forget()  # whoever has just begun wants to see their first letters at once
        return pages.answer(request, "ahead.html", visit, **outlook_context(found))

    return (("/ahead", ahead),)

"""The work of a calendar week that comes after the judging of classes: the hygiene of the list, then the digest to the marketer."""

from datetime import datetime

from nurture.bootstrap import App
from nurture.domain.hygiene import Tidied
from nurture.services.proposing import JOB
from nurture.services.tidying import tidy
from nurture.store import jobs


def week_of(now: datetime) -> str:
    """The calendar week in UTC: `2026-W10`."""
    year, week, _ = now.isocalendar()
    return f"{year}-W{week:02}"


async def tidy_once(app: App, *, again: bool = False) -> Tidied | None:
    """This week's hygiene, by whichever process comes first; None where it has run, or runs elsewhere. `again`: another run now."""
    now = app.clock()
    period = f"{week_of(now)} {now:%Y-%m-%dT%H:%M:%S}" if again else week_of(now)
    async with app.db.write() as tx:
        if not await jobs.claim(tx, JOB, period, now):
            return None
    try:
        done = await tidy(app.db, now)
    except BaseException:
        async with app.db.write() as tx:
            await jobs.release(tx, JOB, period)
        raise
    async with app.db.write() as tx:
        await jobs.finish(tx, JOB, period, app.clock(), done.to_json())
    return done

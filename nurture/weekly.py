"""The work of a calendar week that comes after the judging of classes: the hygiene of the list, then the digest to the marketer."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.bootstrap import App
from nurture.domain.digest import AHEAD, write_digest
from nurture.domain.hygiene import Tidied
from nurture.domain.letters import Letter
from nurture.domain.readers import Reader
from nurture.domain.words import Kind
from nurture.render.compiling import compile_letter
from nurture.render.rendering import Addressed, Rendered, prepare, render
from nurture.services import forecasting
from nurture.services.campaigning.drawing import warn_of_dry_folders
from nurture.services.digesting import due_digest, see
from nurture.services.mixing import offers_due
from nurture.services.overseeing import troubles
from nurture.services.pacing import pace
from nurture.services.proposing import JOB
from nurture.services.reporting import report
from nurture.services.serving import WORDS, queue_service_letter
from nurture.services.tidying import tidy
from nurture.store import jobs
from nurture.store.documents import load_policy

SUBJECT = "{{ data.subject | default('Your letters') }}"
DIGEST = "digest"


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


async def digest_data(app: App, zone: ZoneInfo) -> dict[str, Any]:
    """What the digest would say now. Looks ahead as the dashboard does: a long list by a sample, a little at a time."""
    now = app.clock()
    found = await report(app.db, now, 0, 0)
    every = await forecasting.sample_of(app.db)
    ahead = await forecasting.calendar(
        app.db, now, AHEAD, rate=app.settings.smtp_rate, warm_up=app.settings.warm_up, every=every, chunk=forecasting.AT_ONCE
    )
    seen = await see(
        app.db, now, found, ahead=ahead.days, reached=min(ahead.people, found.composition.people),
        dry=(await pace(app.db, now)).library.warning, offers_due=(await offers_due(app.db)).get("workspace", 0),
        troubles=await troubles(app.db, now, app.settings.warm_up), folders=await warn_of_dry_folders(app.db, app.templates, now),
    )  # fmt: skip
    return write_digest(seen, now, zone, app.settings.base_url)


def _body(app: App) -> str:
    return (app.templates / "letters" / "_digest" / "body.html").read_text("utf-8")


async def preview_digest(app: App) -> Rendered:
    """The digest as it would leave now, for somebody of the house."""
    async with app.db.read() as tx:
        policy = await load_policy(tx)
    letter = compile_letter(Letter(id="digest", kind=Kind.SERVICE, subject=SUBJECT, body=_body(app)), app.templates)
    data, sender = await digest_data(app, ZoneInfo(policy.timezone)), policy.sender
    addressed = Addressed(
        app.settings.base_url, {}, app.clock().date(), sender.name if sender else "", policy.postal_address or "", data=data
    )
    return render(prepare(letter.content, letter.links), Reader(0, sender.address if sender else "you@example.com"), addressed)


async def send_digest(app: App, *, at_once: bool = False) -> int:
    """Queue this week's digest for everybody who is to get it and has not; how many. Once for each, however often it is tried.

    The row of each person and week is the proof: a worker that died in between left some, and the next one writes the others.
    """
    now = app.clock()
    due = await due_digest(app.db, now, WORDS, at_once=at_once)
    if due is None:
        return 0
    period = f"{due.occasion} to {','.join(map(str, due.people))}"
    async with app.db.write() as tx:
        if not await jobs.claim(tx, DIGEST, period, now):
            return 0
    try:
        data = await digest_data(app, due.zone)
        for person in due.people:
            await queue_service_letter(
                app.db, subscriber_id=person, occasion=due.occasion, now=now, templates=app.templates, subject=SUBJECT,
                body=_body(app), data=data,
            )  # fmt: skip
    except BaseException:
        async with app.db.write() as tx:
            await jobs.release(tx, DIGEST, period)
        raise
    async with app.db.write() as tx:
        await jobs.finish(tx, DIGEST, period, app.clock(), {"letters": len(due.people)})
    await app.bell.ring("send")
    return len(due.people)

"""The desk where campaigns are looked at and tried: what the API, the dashboard and the command line ask of an open App in the same way."""

from datetime import timedelta

from nurture.bootstrap import App
from nurture.domain.preflight import Preflight
from nurture.services.campaigning import preflight
from nurture.services.campaigning.composing import Composed, compose
from nurture.services.campaigning.drawing import Sources, feed_reader
from nurture.services.campaigning.resending import AFTER, Resent, resend
from nurture.services.campaigning.trying import Tried, send_test


def sources_of(app: App) -> Sources:
    """Where the campaigns of this installation draw from."""
    return Sources(app.templates, feed_reader(loopback=app.settings.webhooks_to_loopback))


async def look_before(app: App, name: str) -> Preflight:
    """The preflight of a campaign."""
    house = preflight.House(app.captures, app.dkim.signer, app.settings.smtp_rate, app.settings.warm_up)
    return await preflight.preflight(app.db, sources_of(app), house, name, app.clock())


async def show_to(app: App, name: str, reader: str | None = None, variant: str | None = None) -> Composed:
    """A campaign's next letter, or any other, as the person of this address reads it."""
    return await compose(app.db, sources_of(app), app.settings.base_url, name, app.clock(), reader, variant)


async def try_out(app: App, name: str, to: str, reader: str | None = None, variant: str | None = None) -> Tried:
    """Send it to an address of the marketer's own, now."""
    composed = await show_to(app, name, reader, variant)
    return await send_test(app.db, app.relay, composed, to, app.clock(), app.dkim.signer, captures=app.captures)


async def send_again(app: App, name: str, after: timedelta = AFTER, subject: str | None = None) -> Resent:
    """The newest letter to those who gave no sign."""
    found = await resend(app.db, name, app.clock(), after, subject)
    await app.bell.ring("plan")
    return found

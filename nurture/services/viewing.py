"""A letter in the browser, for the person who got it: written anew from the version it left in, and nothing in it counts.

No pixel and no counted link. The links by which its reader leaves or chooses are left out: who is shown the page shall not leave for them.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.domain.errors import NurtureError
from nurture.domain.readers import why
from nurture.domain.words import Kind, Tracking
from nurture.render.reading import as_page
from nurture.render.rendering import Addressed, prepare, render
from nurture.store.browsing import find_letter
from nurture.store.database import Database
from nurture.store.documents import load_letter_versions, load_policy
from nurture.store.readers import readers


@dataclass(frozen=True, slots=True)
class Viewed:
    title: str
    html: str
    locale: str


async def view(db: Database, delivery: int, subscriber: int, version: int, base_url: str, now: datetime) -> Viewed | None:
    """The page of a delivery; None where its reader or its text is no longer kept."""
    async with db.read() as tx:
        line = await find_letter(tx, delivery)
        reader = (await readers(tx, [subscriber], line.accepted_at or now)).get(subscriber) if line else None
        kept = (await load_letter_versions(tx, [version])).get(version)
        policy = await load_policy(tx)
    if line is None or reader is None or kept is None or line.subscriber_id != subscriber or line.kind == Kind.SERVICE:
        return None
    if reader.email.startswith("erased:"):
        return None
    sender = policy.sender
    addressed = Addressed(
        base_url=base_url, tokens={}, today=(line.accepted_at or now).astimezone(ZoneInfo(line.zone or policy.timezone)).date(),
        sender_name=sender.name if sender else "", postal_address=policy.postal_address or "", why=why(reader),
        reply_to=(sender.reply_to or sender.address) if sender else "",
    )  # fmt: skip
    try:
        rendered = render(prepare(kept.content, kept.links), reader._replace(tracking=Tracking.NONE), addressed)
    except NurtureError:
        return None
    return Viewed(rendered.subject, as_page(rendered.html, base_url, rendered.subject, reader.locale), reader.locale)

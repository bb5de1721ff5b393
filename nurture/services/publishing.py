"""The public archive: letters marked `archive: true` get a page once they have left, as nobody in particular reads them.

No name, no address, no date of joining goes into a page, no link of one person, no pixel and no counted link: it is written for a reader
who is nobody, once, and kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from nurture.domain.documents import Policy
from nurture.domain.errors import NurtureError
from nurture.domain.publications import Entry, summary_of
from nurture.domain.readers import Reader
from nurture.domain.words import Tracking
from nurture.render.reading import as_page, as_words, bare_words
from nurture.render.rendering import Addressed, prepare, render
from nurture.store import publications
from nurture.store.database import Database
from nurture.store.documents import VersionRow, load_letter_versions, load_policy
from nurture.store.publications import Ripe
from nurture.store.readers import plain_subject

PAGE_OF_LIST = 50
IN_A_FEED = 20
_log = structlog.get_logger("nurture.archive")


@dataclass(frozen=True, slots=True)
class Listed:
    """`before`: the id to go on after; None on the last page. `workspace`: who writes, `locale` in which language."""

    entries: Sequence[Entry]
    before: int | None
    workspace: str
    locale: str


async def publish(db: Database, now: datetime, base_url: str) -> int:
    """The sweep: write every page that is due; how many. A letter that cannot be written for nobody stays out, and the log says why."""
    async with db.read() as tx:
        ripe = await publications.ripe_letters(tx, now)
        versions = await load_letter_versions(tx, (r.version_id for r in ripe))
        policy = await load_policy(tx)
    done = 0
    for one in ripe:
        version = versions.get(one.version_id)
        if version is None:
            continue
        try:
            title, summary, html = _written(one, version, policy, base_url)
        except NurtureError as error:
            _log.warning("a letter cannot be put into the archive", letter=version.name, reason=error.message)
            continue
        async with db.write() as tx:
            await publications.save_publication(tx, one, title, summary, html, now)
        done += 1
    return done


def _written(ripe: Ripe, version: VersionRow, policy: Policy, base_url: str) -> tuple[str, str, str]:
    """(title, summary, page)."""
    nobody = Reader(0, "", locale=policy.locale, zone=policy.timezone, tracking=Tracking.NONE)
    sender = policy.sender
    addressed = Addressed(
        base_url=base_url, tokens={}, today=ripe.at.astimezone(ZoneInfo(policy.timezone)).date(),
        sender_name=sender.name if sender else "", postal_address=policy.postal_address or "",
        reply_to=(sender.reply_to or sender.address) if sender else "",
    )  # fmt: skip
    rendered = render(prepare(version.content, version.links), nobody, addressed)
    title = version.content.get("title") or plain_subject(version.content.get("subject") or "") or rendered.subject
    page = as_page(rendered.html, base_url, title, policy.locale)
    preheader = version.content.get("preheader") or ""
    return title, summary_of("" if "{" in preheader else preheader, bare_words(as_words(page, base_url))), page


async def listed(db: Database, before: int | None = None) -> Listed:
    """The archive's list, the newest first."""
    async with db.read() as tx:
        policy = await load_policy(tx)
        moment = await publications.moment_of(tx, before) if before is not None else None
        place = (moment, before) if moment is not None and before is not None else None
        found = await publications.list_publications(tx, limit=PAGE_OF_LIST + 1, before=place)
    shown = found[:PAGE_OF_LIST]
    going_on = shown[-1][0] if len(found) > PAGE_OF_LIST else None
    return Listed([entry for _, entry in shown], going_on, policy.sender.name if policy.sender else "", policy.locale)


async def fed(db: Database, base_url: str) -> tuple[Listed, list[tuple[Entry, str]]]:
    """What the feeds carry: the newest letters with their content."""
    async with db.read() as tx:
        policy = await load_policy(tx)
        pages = await publications.newest_pages(tx, IN_A_FEED)
    entries = [(entry, as_words(html, base_url)) for entry, html in pages]
    return Listed([e for e, _ in entries], None, policy.sender.name if policy.sender else "", policy.locale), entries


async def published(db: Database, slug: str) -> tuple[Entry, str, str] | None:
    """(entry, page, locale) of one address."""
    async with db.read() as tx:
        found = await publications.find_publication(tx, slug)
        locale = (await load_policy(tx)).locale if found else ""
    return (*found, locale) if found else None

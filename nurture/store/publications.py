"""The public archive as rows: which letters are marked for it, what has left and is still to be published, the pages themselves.

Nothing here commits. A letter that is no longer marked keeps its pages and shows none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, func, or_, select, update

from nurture.domain.publications import Entry, slug_of
from nurture.domain.words import State
from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.ledger import deliveries
from nurture.store.tables import METADATA

publications, letters = METADATA.tables["publications"], METADATA.tables["letters"]
_documents, _occasions, _versions = (METADATA.tables[n] for n in ("documents", "occasions", "letter_versions"))
_p, _l, _d, _o = publications.c, letters.c, deliveries.c, _occasions.c
_NEWEST = 20_000  # letters
_ENTRY = (_p.slug, _p.title, _p.summary, _p.at, _p.changed_at)


@dataclass(frozen=True, slots=True)
class Ripe:
    """A letter whose page is to be written: for the first time, or anew in its current version. `at`: when it came out."""

    letter_id: int
    version_id: int
    slug: str
    at: datetime


async def mark_archived(tx: Connection, name: str, *, archived: bool) -> None:
    """Whether the public archive shows this letter."""
    await tx.execute(update(letters).where(_l.name == name, _l.archived.is_not(archived)).values(archived=archived))


async def ripe_letters(tx: Connection, now: datetime) -> list[Ripe]:
    """What is marked, has left, and has no page in its present words."""
    marked = select(_l.id, _l.name, _l.current_version_id).where(_l.archived.is_(True), _l.current_version_id.is_not(None))
    campaigns = await _campaigns(tx)
    ripe: list[Ripe] = []
    for row in await tx.execute(marked.order_by(_l.id)):
        campaign = campaigns.get(row.name.rpartition("/")[0])
        if campaign is None:
            ripe += await _ripe_letter(tx, row.id, row.name, row.current_version_id)
        else:
            ripe += await _ripe_occasions(tx, campaign, row.id, row.name, row.current_version_id, now)
    return ripe


async def _campaigns(tx: Connection) -> dict[str, int]:
    rows = await tx.execute(select(_documents.c.name, _documents.c.id).where(_documents.c.type == "campaign"))
    return {row.name: row.id for row in rows}


async def _ripe_letter(tx: Connection, letter_id: int, name: str, version_id: int) -> list[Ripe]:
    """One page for good. Before the first is written few rows stand under the letter, and after it none is looked at."""
    page = (await tx.execute(select(_p.version_id, _p.at).where(_p.slug == slug_of(name, None)))).one_or_none()
    if page is not None:
        return [] if page.version_id == version_id else [Ripe(letter_id, version_id, slug_of(name, None), page.at)]
    left = select(func.min(_d.accepted_at)).where(_d.letter_id == letter_id, _d.state == State.ACCEPTED.value)
    at: datetime | None = (await tx.execute(left)).scalar_one()
    return [Ripe(letter_id, version_id, slug_of(name, None), at)] if at else []


async def _ripe_occasions(tx: Connection, campaign: int, letter_id: int, name: str, version_id: int, now: datetime) -> list[Ripe]:
    """The newest occasion that has begun and taken people in; while it is under way its page follows the letter."""
    begun = (_o.campaign_id == campaign, _o.filled_at.is_not(None), _o.opens_at <= now)
    query = select(_o.nominal, _o.opens_at, _o.ended_at, _o.version_id).where(*begun).order_by(_o.number.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return []
    if row.version_id is not None:  # the occasion drew its letter, from a folder or a feed
        drew = select(_versions.c.letter_id).where(_versions.c.id == row.version_id)
        if (await tx.execute(drew)).scalar_one_or_none() != letter_id:
            return []
        version_id = row.version_id
    nominal: date = row.nominal
    slug = slug_of(name, nominal)
    shown = (await tx.execute(select(_p.version_id).where(_p.slug == slug))).scalar_one_or_none()
    if shown == version_id or (shown is not None and row.ended_at is not None):
        return []
    if shown is None and not await _has_left(tx, letter_id, row.opens_at, over=row.ended_at is not None):
        return []
    return [Ripe(letter_id, version_id, slug, row.opens_at)]


async def _has_left(tx: Connection, letter_id: int, since: datetime, *, over: bool) -> bool:
    """Whether the letter left since then. While it may still leave only the newest letters of all are looked at, which costs little however
    many people the campaign has: each sweep does it again, and once more with all of them when the occasion is over.
    """
    accepted = (_d.state == State.ACCEPTED.value, _d.accepted_at >= since)
    if over:
        return bool((await tx.execute(select(exists().where(_d.letter_id == letter_id, *accepted)))).scalar_one())
    newest = select(_d.letter_id).where(*accepted).order_by(_d.accepted_at.desc()).limit(_NEWEST).subquery()
    return bool((await tx.execute(select(exists().where(newest.c.letter_id == letter_id)))).scalar_one())


async def save_publication(tx: Connection, ripe: Ripe, title: str, summary: str, html: str, now: datetime) -> None:
    """Write the page, or write it anew at its address and under its date."""
    words = {"version_id": ripe.version_id, "title": title, "summary": summary, "html": html, "changed_at": now}
    fresh = insert(tx, publications).values(letter_id=ripe.letter_id, slug=ripe.slug, at=ripe.at, **words)
    await tx.execute(fresh.on_conflict_do_update(index_elements=["slug"], set_=words))


def _shown(*columns: Any) -> Any:
    return select(*columns).join(letters, _l.id == _p.letter_id).where(_l.archived.is_(True))


async def list_publications(tx: Connection, *, limit: int, before: tuple[datetime, int] | None = None) -> list[tuple[int, Entry]]:
    """(id, entry), the newest first; `before`: the (moment, id) of the last one seen."""
    query = _shown(_p.id, *_ENTRY).order_by(_p.at.desc(), _p.id.desc()).limit(limit)
    if before is not None:
        query = query.where(or_(_p.at < before[0], (_p.at == before[0]) & (_p.id < before[1])))
    return [(row[0], Entry(*row[1:])) for row in await tx.execute(query)]


async def newest_pages(tx: Connection, limit: int) -> Sequence[tuple[Entry, str]]:
    """(entry, html), the newest first."""
    query = _shown(*_ENTRY, _p.html).order_by(_p.at.desc(), _p.id.desc()).limit(limit)
    return [(Entry(*row[:-1]), row[-1]) for row in await tx.execute(query)]


async def find_publication(tx: Connection, slug: str) -> tuple[Entry, str] | None:
    """(entry, html) of an address; None where nothing stands there, or no more."""
    row = (await tx.execute(_shown(*_ENTRY, _p.html).where(_p.slug == slug))).one_or_none()
    return (Entry(*row[:-1]), row[-1]) if row else None


async def moment_of(tx: Connection, publication_id: int) -> datetime | None:
    found: datetime | None = (await tx.execute(select(_p.at).where(_p.id == publication_id))).scalar_one_or_none()
    return found

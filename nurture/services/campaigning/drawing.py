"""Draw: what an occasion says, found when it opens and kept in a letter version of its own, so that everybody gets the same.

A feed that is down is asked again; nothing new, or a folder that is dry, and the occasion passes without a letter and with a sentence.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

from nurture.definitions.loading import load_text
from nurture.domain.delivery import letter_name
from nurture.domain.documents import Campaign, LibraryLetter, Policy
from nurture.domain.drawing import FeedSource, Folder, Item, fresh_items, next_in_folder
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Letter
from nurture.domain.occasions import Occasion
from nurture.hooks.feeds import read_items
from nurture.hooks.fetching import fetch
from nurture.render.compiling import CompiledLetter, compile_letter
from nurture.services.campaigning import as_scheduled, too_late
from nurture.store import occasions as store
from nurture.store.database import Connection, Database
from nurture.store.documents import keep_letter_version, save_media
from nurture.store.occasions import OccasionRow
from nurture.store.programme import load_programme
from nurture.store.publications import mark_archived

RETRY = timedelta(minutes=10)
WARN_AHEAD = timedelta(days=10)
_ENDINGS = (".yaml", ".yml", ".json")
ReadFeed = Callable[[str], Awaitable[Sequence[Item]]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where letters are drawn from: the folder `templates/`, and what reads a feed's items."""

    templates: Path
    read_feed: ReadFeed


@dataclass(frozen=True, slots=True)
class Found:
    """The letter of an occasion, ready to be kept. `remembered`: what later occasions ask of it; `note`: a sentence for the marketer."""

    letter: Letter
    compiled: CompiledLetter
    remembered: dict[str, Any]
    note: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no letter for this occasion, and why."""

    note: str


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier occasions took: ids of letters, keys of items that stood in the feed, and when that was."""

    used: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    since: datetime | None = None

    @classmethod
    def of(cls, rows: Iterable[OccasionRow]) -> "Before":
        drawn = [row for row in rows if row.drawn is not None]
        fed = [row for row in drawn if row.drawn and "keys" in row.drawn]
        last = fed[-1] if fed else None
        used = frozenset(str(row.letter["id"]) for row in drawn if row.letter)
        return cls(used, frozenset(last.drawn["keys"]) if last and last.drawn else frozenset(), last.tried_at if last else None)


def feed_reader(*, loopback: bool) -> ReadFeed:
    """Reads feeds on the web. `loopback`: whether this machine's own may be read, too."""

    async def read(url: str) -> Sequence[Item]:
        return await asyncio.to_thread(read_items, await fetch(url, loopback=loopback))

    return read


async def draw(sources: Sources, campaign: Campaign, nominal: date, before: Before) -> Found | Nothing:
    """The letter for the occasion of this date. Raises NurtureError where it may be had later: a feed that is down, a file to be mended."""
    if campaign.feed is not None and campaign.letter is not None:
        return await _from_feed(sources, campaign.letter, campaign.feed, before)
    if isinstance(campaign.drawn, Folder):
        return await asyncio.to_thread(_from_folder, sources.templates, campaign.drawn, nominal, before)
    raise NurtureError(f"The campaign {campaign.name!r} draws nothing: its letter is written out, or each reader's own.")


async def _from_feed(sources: Sources, letter: Letter, feed: FeedSource, before: Before) -> Found | Nothing:
    items = await sources.read_feed(feed.url)
    new = fresh_items(items, before.seen, before.since, feed.most)
    if not new:
        return Nothing(f"The feed {'had nothing new since the occasion before' if items else 'was empty'}, so no letter went.")
    compiled = await asyncio.to_thread(compile_letter, letter, sources.templates, None, new)
    note = f"{len(new)} new item{'s' if len(new) != 1 else ''} of the feed, the first: {new[0].title or new[0].link}"
    return Found(letter, compiled, {"keys": [item.key for item in items], "items": len(new)}, note)


def _from_folder(templates: Path, folder: Folder, nominal: date, before: Before) -> Found | Nothing:
    files = read_folder(templates, folder)
    chosen = next_in_folder([(name, key) for name, key, _ in files], before.used, nominal)
    if chosen is None:
        return Nothing(f"The folder {folder.folder} held no unsent letter, so none went; put the next one there.")
    name, found = next((name, found) for name, key, found in files if key == chosen)
    if isinstance(found, str):
        raise NurtureError(f"{folder.folder}/{name}: {found}")
    return Found(found, compile_letter(found, templates), {"file": name}, f"{folder.folder}/{name}")


def read_folder(templates: Path, folder: Folder) -> list[tuple[str, str, Letter | str]]:
    """(file name, letter id, the letter or what is wrong with its file) for each, by name. A file holds one `letter:` document."""
    place = templates / folder.folder
    if not place.is_dir():
        raise NurtureError(f"There is no folder templates/{folder.folder}; make it, and put a letter into it.", ErrorKind.MISSING)
    found: list[tuple[str, str, Letter | str]] = []
    for path in sorted(p for p in place.iterdir() if p.suffix in _ENDINGS and p.is_file()):
        try:
            loaded = load_text(path.read_text("utf-8"), path.name, "letter")
        except (OSError, UnicodeDecodeError) as error:
            found.append((path.name, path.stem, f"it cannot be read as UTF-8 text ({error})"))
            continue
        if loaded.errors:
            fault = loaded.errors[0]
            found.append((path.name, path.stem, f"line {fault.line}: {fault.message}. {fault.advice}"))
        elif len(loaded.documents) != 1 or not isinstance(book := loaded.documents[0].document, LibraryLetter):
            found.append((path.name, path.stem, "it holds no letter, or several; write one `letter: <id>` into each file"))
        else:
            found.append((path.name, book.id, Letter.model_validate({"id": book.id, **book.model_dump(exclude={"id"})})))
    return found


async def draw_due(db: Database, sources: Sources, now: datetime) -> list[str]:
    """The sweep: find the letter of every occasion that has begun somewhere and has none yet. Returns a sentence for each that was tried.
    """
    async with db.read() as tx:
        programme = await load_programme(db, tx)
    said = []
    for campaign_id, (campaign, live) in programme.campaigns.items():
        if not live or not campaign.frozen:
            continue
        async with db.write() as tx:
            row = await _taken_up(tx, campaign_id, campaign, programme.policy, now)
            before = Before.of(await store.drawn_before(tx, campaign_id)) if row else Before()
        if row is not None:
            said.append(f"{campaign.name}: {await _settle(db, sources, campaign, row, before, programme.policy, now)}")
    return said


async def _taken_up(tx: Connection, campaign_id: int, campaign: Campaign, policy: Policy, now: datetime) -> OccasionRow | None:
    """The occasion to draw for, marked as tried, so that no other worker draws for it now."""
    row = await store.coming_occasion(tx, campaign_id)
    if row is None or row.letter is not None or (row.tried_at is not None and now < row.tried_at + RETRY):
        return None
    row = await as_scheduled(tx, row, campaign, policy, now)
    if row is None or row.opens_at > now:
        return None
    await store.note_try(tx, row.id, now, row.note)
    return replace(row, tried_at=now)


async def _settle(
    db: Database, sources: Sources, campaign: Campaign, row: OccasionRow, before: Before, policy: Policy, now: datetime
) -> str:  # fmt: skip
    """What comes of one drawing, written down."""
    try:
        found: Found | Nothing = await draw(sources, campaign, row.nominal, before)
    except NurtureError as error:
        late = too_late(row, campaign, now)
        next_step = "It came too late, so no letter went." if late else "It is tried again every ten minutes."
        note = f"{error.message.rstrip('.')}. {next_step}"
        async with db.write() as tx:
            await (_pass(tx, row, campaign, policy, now, note) if late else store.note_try(tx, row.id, now, note))
        return note
    async with db.write() as tx:
        stands = await store.coming_occasion(tx, row.campaign_id)
        if stands is None or stands.id != row.id or stands.nominal != row.nominal or stands.letter is not None:
            return "it was edited or drawn meanwhile"
        if isinstance(found, Nothing):
            await _pass(tx, row, campaign, policy, now, found.note)
            return found.note
        await save_media(tx, found.compiled.images)
        name = letter_name(campaign.name, found.letter.id)
        version = await keep_letter_version(tx, name, found.letter.kind, found.compiled.content, found.compiled.links, now)
        await mark_archived(tx, name, archived=found.letter.archive)
        await store.keep_letter(tx, row.id, found.letter, version, found.remembered, found.note)
    return found.note


async def _pass(tx: Connection, row: OccasionRow, campaign: Campaign, policy: Policy, now: datetime, note: str) -> None:
    await store.skip(tx, row.id, now, note)
    await store.set_coming(tx, row.campaign_id, row.number + 1, next(store.to_come(campaign, row.nominal, now, policy), None))


async def warn_of_dry_folders(db: Database, templates: Path, now: datetime) -> dict[str, str]:
    """By campaign: the date in the coming days for which its folder holds no letter, in a sentence."""
    async with db.read() as tx:
        programme = await load_programme(db, tx)
        drawing = {
            key: (campaign, campaign.drawn) for key, (campaign, _) in programme.campaigns.items() if isinstance(campaign.drawn, Folder)
        }
        before = {key: Before.of(await store.drawn_before(tx, key)) for key in drawing}
    said = {}
    for key, (campaign, folder) in drawing.items():
        if key in programme.coming:
            dates = _dates(campaign, programme.coming[key][1], programme.policy, now)
            dry = await asyncio.to_thread(_first_dry, templates, folder, before[key].used, dates)
            if dry:
                said[campaign.name] = _dry_words(folder, dry)
    return said


async def warn_of_dry_folder(
    tx: Connection, templates: Path, key: int, campaign: Campaign, first: Occasion, policy: Policy, now: datetime
) -> str | None:  # fmt: skip
    """The same of one campaign, started or not, whose next occasion is `first`, and of the dates after that one alone."""
    if not isinstance(campaign.drawn, Folder):
        return None
    used, dates = Before.of(await store.drawn_before(tx, key)).used, _dates(campaign, first, policy, now)
    dry = await asyncio.to_thread(_first_dry, templates, campaign.drawn, used, dates)
    return _dry_words(campaign.drawn, dry) if dry and dry != first.nominal else None


def _dry_words(folder: Folder, dry: date) -> str:
    return f"{folder.folder} holds no letter for {dry:%A %d %B}; put one there before, or that date is skipped"


def _dates(campaign: Campaign, first: Occasion, policy: Policy, now: datetime) -> list[date]:
    """The dates to come that are near enough to warn of; the next one is, however far it is."""
    later = store.to_come(campaign, first.nominal, now, policy)
    return [first.nominal, *(o.nominal for o in takewhile(lambda o: o.opens_at <= now + WARN_AHEAD, later))]


def _first_dry(templates: Path, folder: Folder, used: frozenset[str], dates: Sequence[date]) -> date | None:
    """The first of these dates for which nothing is left."""
    try:
        files = [(name, key) for name, key, _ in read_folder(templates, folder)]
    except NurtureError:
        return dates[0] if dates else None
    for nominal in dates:
        chosen = next_in_folder(files, used, nominal)
        if chosen is None:
            return nominal
        used |= {chosen}
    return None

"""Compose: any letter as one person would read it, whether it was ever sent or not. Nothing is stored, and nothing counts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nurture.domain.delivery import letter_name
from nurture.domain.documents import Campaign, Policy
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Letter
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose
from nurture.domain.variants import FIRST
from nurture.domain.words import Kind, Tracking
from nurture.mail.address import normalise
from nurture.render.rendering import Addressed, Rendered, prepare, render
from nurture.services.campaigning.drawing import Before, Nothing, Sources, draw
from nurture.store.choices import find_person
from nurture.store.database import Connection, Database
from nurture.store.documents import letter_catalogue, load_document, load_letter_versions, load_policy
from nurture.store.enrolments import had_letters
from nurture.store.occasions import coming_occasion, drawn_before, to_come
from nurture.store.programme import load_programme
from nurture.store.readers import readers

SAMPLE = Reader(0, "anna@example.com", "Anna Example", "Anna", tracking=Tracking.NONE)
"""An invented reader, where nobody is named."""
_NOWHERE = {Purpose.LEAVE: "preview", Purpose.PREFERENCES: "preview"}


@dataclass(frozen=True, slots=True)
class Words:
    """A letter ready to be written. `note`: where it came from, where that is not plain; `drawn`: the letter that was drawn."""

    name: str
    content: dict[str, Any]
    links: tuple[str, ...]
    note: str = ""
    drawn: Letter | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    words: Words
    reader: Reader
    rendered: Rendered
    policy: Policy


async def find_words(db: Database, sources: Sources, name: str, now: datetime, person: int | None, variant: str | None = None) -> Words:
    """`name`: a campaign, whose next letter is drawn as its occasion would draw it, or a letter as `document/id`.

    `person`: whose library it is, where a campaign lends from it. Raises NurtureError where there is no such letter, or none now.
    """
    async with db.read() as tx:
        stored = await load_document(tx, "campaign", name)
        campaign = stored.document if stored and isinstance(stored.document, Campaign) else None
        if stored is None or campaign is None:
            return await _stored(tx, name, variant)
        if not campaign.frozen and campaign.letter is not None:
            return await _stored(tx, letter_name(name, campaign.letter.id), variant)
        if campaign.drawn == "library":
            return await _lent(db, tx, person)
        nominal = await _next_date(tx, stored.id, campaign, now)
        before = Before.of(await drawn_before(tx, stored.id))
    found = await draw(sources, campaign, nominal, before)
    if isinstance(found, Nothing):
        raise NurtureError(found.note, ErrorKind.MISSING)
    return Words(letter_name(name, found.letter.id), found.compiled.content, found.compiled.links, found.note, found.letter)


async def _stored(tx: Connection, name: str, variant: str | None) -> Words:
    row = (await letter_catalogue(tx)).get(name)
    if row is None:
        advice = "name a campaign, or a letter as document/id, such as welcome/first"
        raise NurtureError(f"There is no letter or campaign {name!r}; {advice}.", ErrorKind.MISSING)
    if variant not in (None, FIRST) and variant not in row.variants:
        raise NurtureError(f"{name!r} has no variant {variant!r}; it has {', '.join([FIRST, *row.variants])}.", ErrorKind.MISSING)
    version = row.variants.get(variant or "", row.version_id)
    known = (await load_letter_versions(tx, [version]))[version]
    return Words(name, known.content, tuple(known.links))


async def _lent(db: Database, tx: Connection, person: int | None) -> Words:
    """The library letter that this person would get; the first one where nobody is named."""
    programme = await load_programme(db, tx)
    useful = [key for key, letter, _ in programme.shelf if letter.kind is Kind.USEFUL and key in programme.letters]
    shelf = [(key, programme.letters[key].id) for key in useful]
    had = (await had_letters(tx, [person], [i for _, i in shelf])).get(person, set()) if person else set()
    name = next((key for key, i in shelf if i not in had), None)
    if name is None:
        raise NurtureError("The library holds no useful letter that this person never had.", ErrorKind.MISSING)
    return await _stored(tx, name, None)


async def _next_date(tx: Connection, campaign_id: int, campaign: Campaign, now: datetime) -> date:
    row = await coming_occasion(tx, campaign_id)
    if row is not None:
        return row.nominal
    first = next(to_come(campaign, None, now, await load_policy(tx)), None)
    return first.nominal if first else now.date()


async def compose(
    db: Database, sources: Sources, base_url: str, name: str, now: datetime, email: str | None = None, variant: str | None = None
) -> Composed:
    """The letter for the person of this address, or for an invented one. Its links are plain, and it has no pixel."""
    person = None
    async with db.read() as tx:
        policy = await load_policy(tx)
        if email is not None:
            person = await find_person(tx, normalise(email))
            if person is None:
                advice = "leave it out to see the letter for an invented reader"
                raise NurtureError(f"Nobody here has the address {email}; {advice}.", ErrorKind.MISSING)
        known = await readers(tx, [person], now, policy) if person is not None else {}
    reader = known[person]._replace(tracking=Tracking.NONE) if person is not None else SAMPLE._replace(locale=policy.locale)
    words = await find_words(db, sources, name, now, person, variant)
    return Composed(words, reader, render(prepare(words.content, words.links), reader, addressed(policy, base_url, now.date())), policy)


def addressed(policy: Policy, base_url: str, today: date) -> Addressed:
    """What a letter that counts nowhere says of its sender; its own links lead nowhere."""
    sender = policy.sender
    return Addressed(
        base_url, _NOWHERE, today, sender.name if sender else "", policy.postal_address or "",
        reply_to=(sender.reply_to or sender.address) if sender else "",
    )  # fmt: skip

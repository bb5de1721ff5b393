"""Send again: the newest occasion's letter to those who got it and gave no sign. It counts in cap, gap and mix as any letter does."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from nurture.domain.delivery import letter_name
from nurture.domain.documents import Campaign, variants_of
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Letter
from nurture.domain.scalars import HeaderText
from nurture.render.rendering import prepare
from nurture.services.campaigning import RUNNING
from nurture.store import occasions as store
from nurture.store.campaign_results import accepted_after, silent_people
from nurture.store.database import Connection, Database
from nurture.store.documents import (
    StoredDocument,
    keep_letter_version,
    letter_catalogue,
    load_document,
    load_letter_versions,
    set_state,
)
from nurture.store.lanes import set_lane
from nurture.store.occasions import OccasionRow
from nurture.store.standings import look_now

AFTER = timedelta(days=3)
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Resent:
    """`people` get the letter of `nominal` again; `early` had it too short a time ago, or not yet."""

    nominal: date
    people: int
    early: int


async def resend(
    db: Database, name: str, now: datetime, after: timedelta = AFTER, subject: str | None = None, chunk: int = CHUNK
) -> Resent:
    """Take them in, a chunk a transaction; asked again it goes on, with those whose letter has become old enough meanwhile.

    Raises NurtureError for a campaign that has sent nothing, that was cancelled, or whose readers each had a letter of their own.
    """
    async with db.write() as tx:
        first, again = await _begin(tx, name, subject, now)
    last, total, some = 0, 0, chunk
    while some == chunk:
        async with db.write() as tx:
            people = await silent_people(tx, first, now - after, last, chunk)
            await store.take_in(tx, again, people, now)
            await look_now(tx, people, now)
        some, total = len(people), total + len(people)
        last = people[-1] if people else last
    async with db.write() as tx:
        await store.mark_filled(tx, again.id, now)
        return Resent(first.nominal, total, await accepted_after(tx, first, now - after))


async def _begin(tx: Connection, name: str, subject: str | None, now: datetime) -> tuple[OccasionRow, OccasionRow]:
    """The occasion whose letter goes again, and the resend as it is written down, for the first time or before."""
    stored = await load_document(tx, "campaign", name)
    if stored is None or not isinstance(stored.document, Campaign):
        raise NurtureError(f"There is no campaign {name!r}; look at the names with: nurture campaign list", ErrorKind.MISSING)
    rows = await store.occasions_of(tx, stored.id)
    sent = [r for r in rows if r.number > 0 and r.filled_at is not None and await store.has_ways(tx, r)]
    first = sent[0] if sent else None
    if first is None or stored.state in ("draft", "cancelled"):
        raise NurtureError(f"The campaign {name!r} has sent nothing that could go again; start it first.", ErrorKind.CONFLICT)
    if stored.document.drawn == "library":
        raise NurtureError(f"The readers of {name!r} each had a letter of their own; none can go again to all.", ErrorKind.CONFLICT)
    again = next((r for r in rows if r.number == -first.number), None)
    if again is not None and subject and (again.letter or {}).get("subject") != subject:
        raise NurtureError(f"The letter of {first.nominal} goes again with its subject already; leave --subject out.", ErrorKind.CONFLICT)
    if again is None:
        letter, version = await _letter(tx, stored.document, first, subject, now)
        again = await store.add_resend(tx, first, letter, version, now)
    await _run_on(tx, stored, now)
    return first, again


async def _letter(tx: Connection, campaign: Campaign, first: OccasionRow, subject: str | None, now: datetime) -> tuple[Letter, int]:
    """The letter that had gone, under its own or another subject, and the version that is kept of it."""
    variant = first.winner
    written = dict(variants_of(campaign)).get(variant or "", campaign.letter)
    letter = Letter.model_validate(first.letter) if first.letter else written
    if letter is None:
        raise NurtureError(f"The letter of {first.nominal} is not kept any more.", ErrorKind.MISSING)
    name = letter_name(campaign.name, letter.id)
    row = (await letter_catalogue(tx))[name]
    version = first.version_id or row.variants.get(variant or "", row.version_id)
    known = (await load_letter_versions(tx, [version]))[version]
    if not subject:
        return letter, version
    content = {**known.content, "subject": _checked(subject)}
    prepare(content, known.links)
    kept = await keep_letter_version(tx, name, letter.kind, content, known.links, now)
    return letter.model_copy(update={"subject": subject}), kept


def _checked(subject: str) -> str:
    try:
        return TypeAdapter(HeaderText).validate_python(subject)
    except ValidationError as error:
        raise NurtureError(f"This subject cannot be sent: {error.errors()[0]['msg']}.") from error


async def _run_on(tx: Connection, stored: StoredDocument, now: datetime) -> None:
    """A campaign that has run goes on for its resend; one that stands still stays so until it is resumed."""
    if stored.state != RUNNING:
        await set_state(tx, stored.id, RUNNING, now)
        await set_lane(tx, f"campaign:{stored.name}", "running")

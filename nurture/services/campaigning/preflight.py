"""Preflight: ask the planner's own rules about everybody a campaign would reach, before it is started. Nothing is stored."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.documents import Campaign, Policy
from nurture.domain.envelopes import Sign
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.lint.reading import holes
from nurture.domain.mixes import Ratio
from nurture.domain.occasions import Occasion
from nurture.domain.planning import plan_person
from nurture.domain.plans import Way
from nurture.domain.preflight import BIG, Hole, Level, Note, Preflight, Reach
from nurture.domain.questions import with_segments
from nurture.domain.readers import Reader
from nurture.domain.variants import held_out
from nurture.domain.warming import WarmUp
from nurture.domain.words import Kind
from nurture.render.linking import reader_names
from nurture.services.campaigning.composing import Words, find_words
from nurture.services.campaigning.drawing import Sources, warn_of_dry_folder
from nurture.store.audiences import even_share
from nurture.store.cohorts import load_cohort
from nurture.store.conditions import matching_query
from nurture.store.database import Connection, Database
from nurture.store.documents import load_document
from nurture.store.lanes import notices
from nurture.store.ledger import pieces
from nurture.store.occasions import coming_occasion, occasion_of, to_come, with_letter
from nurture.store.programme import Programme, load_programme
from nurture.store.readers import readers
from nurture.store.segments import load_questions
from nurture.store.throttles import load_ahead
from nurture.store.workspace import halted_because

MOST_LOOKED_AT = 5_000
_READ = 1_000  # people whose merge fields are looked at
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class House:
    """What letters leave by. `signer`: what signs letters From a domain, if anything does; `captures`: no relay is set."""

    captures: bool
    signer: Callable[[str, datetime], Sign | None]
    rate: float | None = None
    warm_up: WarmUp | None = None


async def preflight(db: Database, sources: Sources, house: House, name: str, now: datetime, most: int = MOST_LOOKED_AT) -> Preflight:
    """Of a draft as if it were started now, of a running campaign its next occasion. Raises MISSING for an unknown name."""
    async with db.read() as tx:
        stored = await load_document(tx, "campaign", name)
        if stored is None or not isinstance(stored.document, Campaign):
            raise NurtureError(f"There is no campaign {name!r}; apply its file first.", ErrorKind.MISSING)
        programme = await load_programme(db, tx)
        campaign = with_segments(stored.document, await load_questions(tx))
        row = await coming_occasion(tx, stored.id)
        first = occasion_of(row, campaign, ZoneInfo(programme.policy.timezone)) if row else _first(campaign, programme.policy, now)
        segment, ids = await _audience(tx, programme, campaign, now, most)
        notes = [*_about_house(programme.policy, house, now), *await _about_lane(tx, name, first, stored.state)]
        if first and (dry := await warn_of_dry_folder(tx, sources.templates, stored.id, campaign, first, programme.policy, now)):
            notes.append(Note("warn", f"The folder {dry}."))
    words, told = await _words(db, sources, name, now)
    notes += told
    looked = [i for i in ids if not held_out(name, i, campaign.holdout)]
    factor = segment / len(ids) if ids else 1.0
    drawn = _as_drawn(campaign, words)
    reach, found = await _look(db, programme, drawn, stored.id, first, looked, house, now, max(1, round(factor)))
    if words is not None:
        notes += _about_words(words, found)
    offer = drawn.kind is Kind.SALES
    each = max((p.useful for p in programme.policy.mix if isinstance(p, Ratio)), default=0) if offer else 0
    reach = reach.times(factor) if factor > 1 else reach
    scaled = tuple(Hole(h.field, round(h.people * max(1.0, segment / max(1, min(len(looked), _READ)))), h.example) for h in found)
    return Preflight(
        name, words.name if words else "", str(words.content["subject"]) if words else "", segment, segment - round(len(looked) * factor),
        len(ids), reach, reach.goes if each else 0, each, scaled if segment > _READ else found,
        len(str(words.content.get("html", "")).encode()) if words else 0, words.links if words else (), tuple(notes),
    )  # fmt: skip


def _first(campaign: Campaign, policy: Policy, now: datetime) -> Occasion | None:
    first = next(to_come(campaign, None, now, policy), None)
    return None if first is None or first.is_over(now, policy.lateness) else first


async def _audience(tx: Connection, programme: Programme, campaign: Campaign, now: datetime, most: int) -> tuple[int, Sequence[int]]:
    where = programme.segments.get(campaign.segment)
    if where is None:
        raise NurtureError(f"There is no segment {campaign.segment!r}; apply it first.", ErrorKind.MISSING)
    return await even_share(tx, matching_query(where, now, programme.policy.timezone), most)


async def _words(db: Database, sources: Sources, name: str, now: datetime) -> tuple[Words | None, list[Note]]:
    try:
        words = await find_words(db, sources, name, now, None)
    except NurtureError as error:
        return None, [Note("fail", error.message)]
    return words, [Note("ok", f"The letter: {words.note}")] if words.note else []


def _as_drawn(campaign: Campaign, words: Words | None) -> Campaign:
    """The campaign with the letter that its next occasion would draw: its kind and size decide the window."""
    if campaign.letter is not None or words is None or words.drawn is None:
        return campaign
    return with_letter(campaign, words.drawn)


async def _look(
    db: Database, programme: Programme, campaign: Campaign, campaign_id: int, first: Occasion | None, ids: Sequence[int], house: House,
    now: datetime, every: int,
) -> tuple[Reach, tuple[Hole, ...]]:  # fmt: skip
    """Everybody's plan once the occasion has opened, and the merge fields that stand empty for some."""
    reach, empty, example = Reach(), Counter[str](), dict[str, str]()
    moment = max(now, first.opens_at) if first else now
    zone = ZoneInfo(programme.policy.timezone)
    async with db.read() as tx:
        load = await load_ahead(tx, house.rate, house.warm_up, zone, now, every)
    way = Way(-campaign_id, campaign, 1 << 30, moment, occasion=first or Occasion(now.astimezone(zone).date(), moment=now))
    fields = await _fields(db, campaign)
    for number, piece in enumerate(pieces(ids, _CHUNK)):
        async with db.read() as tx:
            cohort = await load_cohort(tx, programme, piece, now, everybody=True)
            people = await readers(tx, piece if number * _CHUNK < _READ else [], now, programme.policy, [])
        for member in cohort.members:
            theirs = tuple(w for w in member.ways if w.source.name != campaign.name or not isinstance(w.source, Campaign))
            plan = plan_person(member.person, (*theirs, way), member.shelf, programme.policy, moment, member.row, load)
            leaves = reach.add(plan, way, member.person)
            if load is not None and leaves is not None:
                load.take(leaves)
        for reader in people.values():
            for name in fields:
                if not _value(reader, name):
                    empty[name] += 1
                    example.setdefault(name, reader.email)
    return reach, tuple(Hole(name, n, example[name]) for name, n in empty.most_common())


async def _fields(db: Database, campaign: Campaign) -> list[str]:
    """The merge fields of the letter that have no default, each once."""
    letter = campaign.letter
    if letter is None:
        return []
    texts = [letter.subject, letter.preheader, letter.body or ""]
    if letter.template:
        async with db.read() as tx:
            programme = await load_programme(db, tx)
            row = programme.letters.get(f"{campaign.name}/{letter.id}")
            texts += [str(v) for v in (await _content(tx, row.version_id)).values()] if row else []
    return list(dict.fromkeys(name for text in texts for name, _ in holes(text)))


async def _content(tx: Connection, version: int) -> dict[str, Any]:
    from nurture.store.documents import load_letter_versions  # noqa: PLC0415 - only letters of a template folder ask

    return (await load_letter_versions(tx, [version]))[version].content


def _value(reader: Reader, name: str) -> object:
    value: Any = reader_names(reader)
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _about_house(policy: Policy, house: House, now: datetime) -> list[Note]:
    notes = []
    if house.captures:
        notes.append(Note("warn", "No relay is set: letters are captured and shown, and reach nobody. Set NURTURE_SMTP_URL."))
    missing: Level = "warn" if house.captures else "fail"
    if policy.sender is None:
        notes.append(Note(missing, "The policy names no sender; write `sender: {name: ..., address: ...}`."))
    else:
        notes.append(Note("ok", f"Sender: {policy.sender.name} <{policy.sender.address}>"))
        notes += [] if house.captures else _about_signing(policy.sender.address.rsplit("@", 1)[1], house, now)
    if not policy.postal_address:
        notes.append(Note(missing, 'The policy has no postal address; write `postal_address: "..."`.'))
    return notes


def _about_signing(domain: str, house: House, now: datetime) -> list[Note]:
    try:
        signs = house.signer(domain, now) is not None
    except NurtureError as error:
        return [Note("fail", error.message)]
    return [] if signs else [Note("warn", f"No DKIM key signs for {domain} here; `nurture doctor` says what the relay and the DNS need.")]


async def _about_lane(tx: Connection, name: str, first: Occasion | None, state: str) -> list[Note]:
    notes = []
    if reason := await halted_because(tx):
        notes.append(Note("fail", f"Everything stands still: {reason}."))
    if reason := (await notices(tx)).get(f"campaign:{name}"):
        notes.append(Note("warn", f"The campaign stands still: {reason}."))
    if state in ("finished", "cancelled"):
        notes.append(Note("fail", f"The campaign is {state}; write it under another name to send it again."))
    elif first is None:
        notes.append(Note("fail", "The schedule lies in the past; give it a moment to come."))
    return notes


def _about_words(words: Words, found: Sequence[Hole]) -> list[Note]:
    notes = []
    size = len(str(words.content.get("html", "")).encode())
    if size > BIG:
        notes.append(Note("warn", f"The letter has {size // 1024} KB of HTML; Gmail cuts what is longer than {BIG // 1024} KB."))
    if found:
        notes.append(Note("warn", "Merge fields stand empty for some; give them a default: {{ first_name | default('Hello') }}."))
    return notes

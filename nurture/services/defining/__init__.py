"""Apply documents; `differing` says beforehand what that would do. Nobody is mailed by it: letters leave by the planner, or by `start`."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path as FilePath

from nurture.definitions.comparing import compare
from nurture.definitions.faults import Fault, Path, Refused
from nurture.definitions.linting import lint_documents, read_templates, read_text_parts, useful_books
from nurture.definitions.loading import Placed
from nurture.domain.asking import Question
from nurture.domain.cleanup.courses import PRIORITY
from nurture.domain.conditions import Condition
from nurture.domain.delivery import letter_name
from nurture.domain.documents import (
    AnyDocument,
    Campaign,
    Cleanup,
    LibraryLetter,
    Policy,
    Segment,
    document_name,
    document_type,
    lane_name,
    letters_of,
    variants_of,
)
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.drawing import SAMPLE
from nurture.domain.errors import NurtureError
from nurture.domain.letters import Letter
from nurture.domain.lint import Known, placed_letters
from nurture.domain.questions import expand, segments_in
from nurture.domain.rules import Rule
from nurture.domain.versions import same_course
from nurture.render.choices import Choice
from nurture.render.compiling import CompiledLetter, compile_letter
from nurture.store.audiences import count_audience, look_again, open_baseline, set_baseline
from nurture.store.conditions import matching_query
from nurture.store.database import Connection, Database
from nurture.store.documents import (
    Change,
    Saved,
    StoredDocument,
    document_names,
    ensure_lane,
    letter_catalogue,
    load_document,
    load_documents,
    load_policy,
    save_document,
    save_letter_version,
    save_media,
)
from nurture.store.draws import promise_draw
from nurture.store.owed import count_dry
from nurture.store.programme import load_programme, repayment
from nurture.store.publications import mark_archived
from nurture.store.segments import load_questions
from nurture.store.versions import pin_ways, release_ways

_LETTER_BEARING = ("sequence", "campaign", "cleanup", "letter", "question")
_IN_ORDER = ("policy", "segment", "question", "letter", "sequence", "campaign", "cleanup", "rule")
_ORDER = {word: number for number, word in enumerate(_IN_ORDER)}


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one document. `passed_over`: people who match a sequence already and enter only with --enrol-existing.
    `pinned`: people under way who finish the version before; `released`: people who were pinned to older ones and go on in this one.
    """

    type: str
    name: str
    change: Change
    version: int
    state: str
    changes: tuple[str, ...] = ()
    passed_over: int = 0
    taken_in: int = 0
    pinned: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A document with its letters compiled, by their ids; a variant's under `id/name`."""

    placed: Placed
    compiled: dict[str, CompiledLetter] = field(default_factory=dict)


def check(documents: Sequence[Placed], templates: FilePath, known: Known | None = None, policy: Policy | None = None) -> list[Fault]:
    """Every finding about these documents: lint, and the errors of letters that cannot be compiled. `known` None: no workspace to ask."""
    faults = lint_documents(documents, _with_templates(known or Known(), templates), policy)
    _, broken = _compile(documents, templates)
    told = {(f.file, f.line, f.rule) for f in faults}
    return faults + [f for f in broken if (f.file, f.line, "unknown-template") not in told]


def _with_templates(known: Known, templates: FilePath) -> Known:
    return replace(known, templates=read_templates(templates), text_parts=read_text_parts(templates))


async def known_names(db: Database) -> tuple[Known, Policy | None]:
    """What is stored already, for `check`: names by kind, and the policy, None while none is stored."""
    async with db.read() as tx:
        known, policy = await _known(tx)
        repaying, shelf = repayment(programme := await load_programme(db, tx))
        dry = await count_dry(tx, repaying, shelf) if repaying else {}
        named = {programme.sequences[key][0].name: people for key, people in dry.items()}
        return replace(known, dry=named), policy


async def _known(tx: Connection) -> tuple[Known, Policy | None]:
    names = await document_names(tx)
    policy = await load_policy(tx) if names["policy"] else None
    shelves = [stored.document for word in ("letter", "sequence") for stored in await load_documents(tx, word)]
    known = Known(
        segments=frozenset(names["segment"]),
        sequences=frozenset(names["sequence"]),
        letters=frozenset(await letter_catalogue(tx)),
        topics=frozenset(policy.topics) if policy else None,
        questions=await load_questions(tx),
        library=useful_books(shelves),
        asked={s.name: s.document for s in await load_documents(tx, "question") if isinstance(s.document, Question)},
    )
    return known, policy


def _compile(documents: Iterable[Placed], templates: FilePath) -> tuple[list[_Ready], list[Fault]]:
    ready: list[_Ready] = []
    faults: list[Fault] = []
    for placed in documents:
        one = _Ready(placed)
        for path, letter in placed_letters(placed.document):
            _compile_one(one, letter.id, path, letter, templates, faults)
        if isinstance(placed.document, Campaign):
            for index, (name, letter) in enumerate(variants_of(placed.document)):
                _compile_one(one, f"{letter.id}/{name}", ("variants", index), letter, templates, faults)
        ready.append(one)
    return ready, faults


def choice_of(document: AnyDocument, letter: Letter) -> Choice | None:
    """The button that a letter of a cleanup carries: nobody can miss the way out of an offer, or how to stay."""
    if not isinstance(document, Cleanup):
        return None
    return "leave" if letter in document.offers else "stay"


def _compile_one(ready: _Ready, key: str, path: Path, letter: Letter, templates: FilePath, faults: list[Fault]) -> None:
    """A letter that is filled from a feed is tried out with invented items."""
    placed = ready.placed
    items = SAMPLE if isinstance(placed.document, Campaign) and placed.document.feed else None
    try:
        ready.compiled[key] = compile_letter(letter, templates, choice_of(placed.document, letter), items)
    except NurtureError as error:
        place = placed.at((*path, "template" if letter.template else "body"))
        advice = "Mend the letter's text; docs/yaml.md shows what a letter can use."
        faults.append(Fault(placed.file, place.line, place.column, "template", "error", error.message, advice))


async def apply(
    db: Database, placed_documents: Sequence[Placed], now: datetime, *, templates: FilePath, enrol_existing: bool = False
) -> list[Applied]:
    """Store these documents in one transaction: all of them or none.

    Raises Refused, with every fault, when one cannot be stored or run: an unknown segment or template, a broken letter, a name that another
    document's letters bear already. Campaigns and cleanups arrive as drafts and keep the state that `start` gave them.
    """
    ready, broken = _compile(placed_documents, templates)
    if broken:
        raise Refused(broken)
    ready.sort(key=lambda r: _ORDER[document_type(r.placed.document)])
    async with db.write() as tx:
        known, policy = await _known(tx)
        faults = lint_documents(placed_documents, _with_templates(known, templates), policy)
        errors = [f for f in faults if f.level == "error"] + await _taken_names(tx, placed_documents)
        if errors:
            raise Refused(errors)
        return [await _store(tx, one, now, enrol_existing=enrol_existing) for one in ready]


async def is_taken(tx: Connection, name: str) -> bool:
    """Whether a document whose letters are told apart by its name is called so already."""
    names = await document_names(tx)
    return any(name in names[word] for word in _LETTER_BEARING)


async def _taken_names(tx: Connection, documents: Iterable[Placed]) -> list[Fault]:
    """A letter's key is `document/id`: two documents of different kinds with one name would share keys, and people would miss letters."""
    names = await document_names(tx)
    owners = {name: word for word in _LETTER_BEARING for name in names[word]}
    faults = []
    for placed in documents:
        word, name = document_type(placed.document), document_name(placed.document)
        if word not in _LETTER_BEARING:
            continue
        owner = owners.setdefault(name, word)
        if owner != word:
            message = f'the name "{name}" belongs to a {owner} already, and letters are told apart by it'
            faults.append(
                Fault(placed.file, placed.line, 1, "taken-name", "error", message, f"Give this {word} another name, such as {name}-{word}.")
            )
    return faults


async def _store(tx: Connection, ready: _Ready, now: datetime, *, enrol_existing: bool) -> Applied:
    document = ready.placed.document
    word, name = document_type(document), document_name(document)
    old = await load_document(tx, word, name)
    state = _state(document, old)
    saved = await save_document(tx, document, state, now)
    await _lane(tx, document)
    if not (isinstance(document, Campaign) and document.feed):  # its words are complete only when an occasion has read the feed
        await _letters(tx, document, ready.compiled, now)
    if isinstance(document, Question) and document.draw:
        await promise_draw(tx, name, secrets.token_hex(32), now)
    changes = tuple(compare(old.document, document)) if old else ()
    applied = Applied(word, name, saved.change, saved.version, state, changes)
    if isinstance(document, SequenceDocument):
        return await _audience(tx, document, old, saved, applied, now, enrol_existing=enrol_existing)
    if saved.change == "changed" and isinstance(document, Segment):
        await _segment_changed(tx, name, now)
    if saved.change != "unchanged" and isinstance(document, Policy | LibraryLetter):
        await look_again(tx, now)
    if saved.change == "changed" and isinstance(document, Campaign):
        await look_again(tx, now, saved.id)
    return applied


async def _letters(tx: Connection, document: AnyDocument, compiled: Mapping[str, CompiledLetter], now: datetime) -> None:
    variants = variants_of(document) if isinstance(document, Campaign) else []
    written = [(letter, letter.id, None) for letter in letters_of(document)]
    for letter, key, variant in [*written, *((letter, f"{letter.id}/{word}", word) for word, letter in variants)]:
        words, name = compiled[key], letter_name(document_name(document), letter.id)
        await save_media(tx, words.images)
        await save_letter_version(tx, name, letter.kind, words.content, words.links, now, variant)
        await mark_archived(tx, name, archived=letter.archive)


def _state(document: AnyDocument, old: StoredDocument | None) -> str:
    if isinstance(document, SequenceDocument | Rule):
        return document.state
    if isinstance(document, Campaign | Cleanup):
        return old.state if old else "draft"
    return "live"


async def _lane(tx: Connection, document: AnyDocument) -> None:
    if isinstance(document, SequenceDocument | Campaign | Cleanup):
        priority = PRIORITY if isinstance(document, Cleanup) else document.priority
        await ensure_lane(tx, lane_name(document), priority)


async def _audience(
    tx: Connection,
    document: SequenceDocument,
    old: StoredDocument | None,
    saved: Saved,
    applied: Applied,
    now: datetime,
    *,
    enrol_existing: bool,
) -> Applied:
    """Keep the baseline of those who match already: they stay out, unless they are to be taken in."""
    before = old.document if old and isinstance(old.document, SequenceDocument) else None
    if saved.change == "changed":
        applied = await _under_way(tx, document, old, saved, applied)
        await look_again(tx, now, saved.id)
    if document.audience is None:
        return applied
    asked = expand(document.audience, await load_questions(tx))
    matching = matching_query(asked, now, (await load_policy(tx)).timezone)
    if before is None or before.audience != document.audience or before.state != document.state:
        await set_baseline(tx, saved.id, matching)
    waiting = (await count_audience(tx, saved.id, matching)).enrollable
    if not enrol_existing:
        return replace(applied, passed_over=waiting)
    await open_baseline(tx, saved.id)
    return replace(applied, taken_in=waiting)


async def _under_way(
    tx: Connection, document: SequenceDocument, old: StoredDocument | None, saved: Saved, applied: Applied
) -> Applied:  # fmt: skip
    """`on_edit` as the new version states it: people under way go on in it, whatever they were pinned to, or finish the version before.

    An edit of words alone leads nobody another way, so nobody is pinned for it.
    """
    if document.on_edit == "migrate":
        return replace(applied, released=await release_ways(tx, saved.id))
    if old is None or not isinstance(old.document, SequenceDocument) or same_course(old.document, document):
        return applied
    return replace(applied, pinned=await pin_ways(tx, saved.id, old.version))


async def _segment_changed(tx: Connection, segment: str, now: datetime) -> None:
    """Who matches by the new words of a segment is passed over by the sequences that ask for it, as after an edit of their own audience."""
    questions, zone = await load_questions(tx), (await load_policy(tx)).timezone
    concerned = {segment} | {name for name, asked in questions.items() if segment in _segments_below(asked, questions)}
    for stored in await load_documents(tx, "sequence"):
        audience = getattr(stored.document, "audience", None)
        if audience is not None and concerned & set(segments_in(audience)):
            await set_baseline(tx, stored.id, matching_query(expand(audience, questions), now, zone))


def _segments_below(asked: Condition, questions: Mapping[str, Condition]) -> set[str]:
    """Every segment that a question leads to, however deep."""
    named = set(segments_in(asked))
    return named | {below for name in named for below in _segments_below(questions[name], questions)}

"""The programme in force: policy, live sequences with their lanes, every letter's current version, the library. Parsed once, until
something changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.cleanup.courses import Course
from nurture.domain.cleanup.offering import courses_of
from nurture.domain.cleanup.words import RUNNING, CleanupState
from nurture.domain.conditions import Condition
from nurture.domain.delivery import campaign_occasion, letter_name
from nurture.domain.documents import Campaign, Cleanup, LibraryLetter, Policy, Sequence
from nurture.domain.letters import Letter, Windows
from nurture.domain.occasions import Occasion
from nurture.domain.questions import Questions, expand, with_segments
from nurture.domain.versions import kept_course
from nurture.domain.words import Kind
from nurture.store.database import Database
from nurture.store.documents import LetterRow, StoredDocument, letter_catalogue, load_documents, load_versions
from nurture.store.occasions import OccasionRow, by_number, own_copies, unended_occasions
from nurture.store.segments import load_questions
from nurture.store.versions import pinned_versions

_VERSIONS = text(
    "SELECT 'document', id, version, state, '' FROM documents UNION ALL SELECT 'letter', id, current_version_id, '', '' FROM letters "
    "UNION ALL SELECT 'lane', id, 0, name, flag FROM lanes ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class Programme:
    """`sequences` by document id, each with whether it runs (live, and its lane not paused). `campaigns` that were started, the same way;
    their `occasions` by (campaign id, number), the one `coming` next of each, and the `segments` they name. `lanes` by name. `shelf`:
    library letters as (key, letter, windows). `asks_fields`: whether a letter goes by a date that stands in a person's fields. `pinned`:
    older versions by (document id, version), as people who are pinned to them go on. `courses`: what running cleanups send, by (document
    id, leg); `cleaning`: the names of all cleanups by their lane. `drawn`: campaigns by (document id, number) with the letter that an
    occasion of theirs drew; `kept`: by (letter, occasion), the version that such an occasion keeps.
    """

    policy: Policy
    sequences: Mapping[int, tuple[Sequence, bool]]
    campaigns: Mapping[int, tuple[Campaign, bool]]
    occasions: Mapping[tuple[int, int], Occasion]
    coming: Mapping[int, tuple[int, Occasion]]
    segments: Mapping[str, Condition]
    letters: Mapping[str, LetterRow]
    lanes: Mapping[str, int]
    shelf: tuple[tuple[str, Letter, Windows], ...]
    asks_fields: bool = False
    pinned: Mapping[tuple[int, int], Sequence] = field(default_factory=dict)
    courses: Mapping[tuple[int, int], Course] = field(default_factory=dict)
    cleaning: Mapping[int, str] = field(default_factory=dict)
    drawn: Mapping[tuple[int, int], Campaign] = field(default_factory=dict)
    kept: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def version_of(self, letter: str, occasion: str, variant: str | None) -> int:
        """The version of a letter that leaves on this occasion."""
        row = self.letters[letter]
        return self.kept.get((letter, occasion)) or row.variants.get(variant or "", row.version_id)

    def running(self) -> dict[int, Sequence | Campaign]:
        """The sequences and campaigns whose letters leave now, by document id."""
        sequences: dict[int, Sequence | Campaign] = {key: source for key, (source, runs) in self.sequences.items() if runs}
        return sequences | {key: source for key, (source, runs) in self.campaigns.items() if runs}

    def source(self, document_id: int, version: int | None = None) -> tuple[Sequence | Campaign, bool] | None:
        """The sequence or campaign behind a way, in the version that the way is pinned to, and whether it runs."""
        found = self.sequences.get(document_id)
        if version is not None and found and (kept := self.pinned.get((document_id, version))):
            return kept, found[1]
        return found or self.campaigns.get(document_id)

    def with_edit(self, key: int, document: Sequence) -> "Programme":
        """As people under way would find it once this version is applied: the sequence counts as running, and its `on_edit` as done."""
        pinned = {known: kept for known, kept in self.pinned.items() if known[0] != key}
        theirs = document
        if document.on_edit == "pin":
            theirs = kept_course(self.sequences[key][0], [document])
            pinned |= {known: kept_course(kept, [document]) for known, kept in self.pinned.items() if known[0] == key}
        return replace(self, sequences={**self.sequences, key: (theirs, True)}, pinned=pinned)

    def sequence_id(self, name: str) -> int | None:
        return next((key for key, (sequence, _) in self.sequences.items() if sequence.name == name), None)


async def load_programme(db: Database, tx: AsyncConnection, drafts: Questions | None = None) -> Programme:
    """What is stored now; parsed anew only when a document or a letter's version moved. `drafts`: segments as they would be."""
    versions = [tuple(row) for row in await tx.execute(_VERSIONS)]
    unended = await unended_occasions(tx)
    print_now = (versions, unended)
    known = db.parsed.get("programme")
    if known and known[0] == print_now and not drafts:
        return known[1]  # type: ignore[no-any-return]
    questions = {**await load_questions(tx), **(drafts or {})}
    known_lanes = [(key, name, flag) for what, key, _, name, flag in versions if what == "lane"]
    running = {name for _, name, flag in known_lanes if flag == "running"}
    programme = await _parse(tx, {name: key for key, name, _ in known_lanes}, running, unended, questions)
    if not drafts:
        db.parsed["programme"] = (print_now, programme)
    return programme


async def _parse(
    tx: AsyncConnection, lane_ids: Mapping[str, int], running: set[str], unended: list[OccasionRow], questions: Questions
) -> Programme:
    sequences = [_asking(s, questions) for s in await load_documents(tx, "sequence")]
    library = [_asking(s, questions) for s in await load_documents(tx, "letter")]
    policies = await load_documents(tx, "policy")
    policy = policies[0].document if policies else Policy()
    assert isinstance(policy, Policy)  # noqa: S101 - the table's type column says so
    live = {
        s.id: (s.document, s.state == "live" and f"sequence:{s.name}" in running) for s in sequences if isinstance(s.document, Sequence)
    }
    started = {
        s.id: (s.document, f"campaign:{s.name}" in running)
        for s in (_asking(stored, questions) for stored in await load_documents(tx, "campaign"))
        if isinstance(s.document, Campaign) and s.state == "running"
    }
    campaigns = {key: campaign for key, (campaign, _) in started.items()}
    occasions = by_number(unended, campaigns, ZoneInfo(policy.timezone))
    to_come = [r for r in unended if r.filled_at is None and r.number > 0 and r.campaign_id in started]
    drawn = own_copies(unended, campaigns)
    kept = {
        (letter_name(drawn[r.campaign_id, r.number].name, r.letter["id"]), campaign_occasion(r.nominal, r.resend)): r.version_id
        for r in unended if r.letter is not None and r.version_id is not None and r.campaign_id in started
    }  # fmt: skip
    coming = {r.campaign_id: (r.number, occasions[r.campaign_id, r.number]) for r in to_come}
    segments = {name: expand(where, questions) for name, where in questions.items()}
    pinned = await _pinned(tx, questions)
    read = [*(sequence for sequence, _ in live.values()), *pinned.values()]
    courses = _courses(await load_documents(tx, "cleanup"), running)
    cleaning = {key: name.partition(":")[2] for name, key in lane_ids.items() if name.startswith("cleanup:")}
    return Programme(
        policy, live, started, occasions, coming, segments, await letter_catalogue(tx), lane_ids, _shelf(sequences, library),
        any(map(asks_fields, read)), pinned, courses, cleaning, drawn, kept,
    )  # fmt: skip


def _courses(stored: list[StoredDocument], running: set[str]) -> dict[tuple[int, int], Course]:
    """The legs of every cleanup that runs and whose lane does."""
    found: dict[tuple[int, int], Course] = {}
    for one in stored:
        if isinstance(one.document, Cleanup) and one.state in RUNNING and f"cleanup:{one.name}" in running:
            legs = courses_of(one.document, CleanupState(one.state))
            found |= {(one.id, leg.value): course for leg, course in legs.items()}
    return found


async def _pinned(tx: AsyncConnection, questions: Questions) -> dict[tuple[int, int], Sequence]:
    """Every older version that a way is pinned to. Ways are pinned only by an edit, so that these are known until the next one."""
    found: dict[tuple[int, int], Sequence] = {}
    for key, version in await pinned_versions(tx):
        contents = [Sequence.model_validate(content) for number, _, content in await load_versions(tx, key) if number >= version]
        found[key, version] = with_segments(kept_course(contents[0], contents[1:]), questions)
    return found


def asks_fields(sequence: Sequence) -> bool:
    """Whether one of its letters goes by a date that stands in a person's fields."""
    dates = (x.day or (x.about.date if x.about else "") for x in sequence.letters)
    return any(date and not date[:1].isdigit() for date in dates)


def _asking(stored: StoredDocument, questions: Questions) -> StoredDocument:
    """The document with the segments in its questions written out."""
    document: Any = stored.document
    return replace(stored, document=with_segments(document, questions))


def _shelf(sequences: list[StoredDocument], library: list[StoredDocument]) -> tuple[tuple[str, Letter, Windows], ...]:
    """Library letters first, then the evergreen ones of live sequences, each in the order written."""
    shelf: list[tuple[str, Letter, Windows]] = []
    for stored in library:
        document: Any = stored.document
        if isinstance(document, LibraryLetter):
            shelf.append((letter_name(stored.name, document.id), document, Windows()))
    for stored in sequences:
        document = stored.document
        if isinstance(document, Sequence) and stored.state == "live":
            shelf += evergreen(document)
    return tuple(shelf)


def evergreen(sequence: Sequence) -> list[tuple[str, Letter, Windows]]:
    """Its letters that may stand in the library too."""
    return [(letter_name(sequence.name, x.id), x, sequence.windows) for x in sequence.letters if x.evergreen]


def repayment(programme: Programme) -> tuple[list[int], dict[str, int]]:
    """(ids of the running sequences that repay offers from the library, its useful letters with their ids)."""
    running = (key for key, (sequence, runs) in programme.sequences.items() if runs and sequence.repay == "library")
    repaying = [key for key in running if any(x.kind is Kind.SALES for x in programme.sequences[key][0].letters)]
    useful = [key for key, letter, _ in programme.shelf if letter.kind is Kind.USEFUL and key in programme.letters]
    return repaying, {key: programme.letters[key].id for key in useful}

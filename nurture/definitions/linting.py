"""Lint over loaded files: the domain's findings with file, line and column; names are looked for in the files themselves, too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nurture.definitions.faults import Fault, FaultRule
from nurture.definitions.loading import Placed
from nurture.definitions.merging import OF_FEEDS, check_text
from nurture.domain.asking import Question
from nurture.domain.delivery import letter_name
from nurture.domain.documents import AnyDocument, Campaign, LibraryLetter, Policy, Segment, document_name, letters_of
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.lint import Finding, Known, lint, lint_together, placed_letters
from nurture.domain.lint.findings import Path as KeyPath
from nurture.domain.lint.reading import links
from nurture.domain.words import Kind

_PAGES = ("letter.html", "letter.md")


def read_templates(folder: Path) -> dict[str, str]:
    """`letters/<name>` -> the text of its letter, for every folder under `folder`/letters that holds one."""
    found: dict[str, str] = {}
    for page in sorted(p for name in _PAGES for p in (folder / "letters").glob(f"*/{name}")):
        found.setdefault(f"letters/{page.parent.name}", page.read_text(encoding="utf-8", errors="replace"))
    return found


def read_text_parts(folder: Path) -> dict[str, str]:
    """`letters/<name>` -> its own letter.txt, where it has one."""
    pages = sorted((folder / "letters").glob("*/letter.txt"))
    return {f"letters/{page.parent.name}": page.read_text(encoding="utf-8", errors="replace") for page in pages}


def useful_books(documents: Iterable[AnyDocument]) -> frozenset[str]:
    """The useful letters among these documents that the library may draw on: library letters, and the evergreen ones of live sequences."""
    found = set()
    for document in documents:
        shelved = isinstance(document, LibraryLetter)
        if shelved or (isinstance(document, SequenceDocument) and document.state == "live"):
            useful = [x for x in letters_of(document) if x.kind is Kind.USEFUL and (shelved or x.evergreen)]
            found |= {letter_name(document_name(document), x.id) for x in useful}
    return frozenset(found)


def names_in(documents: Iterable[Placed]) -> Known:
    """What these files define themselves; `topics` only where a policy is among them."""
    written = [p.document for p in documents]
    policies = [d for d in written if isinstance(d, Policy)]
    return Known(
        segments=frozenset(d.name for d in written if isinstance(d, Segment)),
        sequences=frozenset(d.name for d in written if isinstance(d, SequenceDocument)),
        letters=frozenset(letter_name(document_name(d), letter.id) for d in written for letter in letters_of(d)),
        topics=frozenset(policies[0].topics) if policies else None,
        questions={d.name: d.where for d in written if isinstance(d, Segment)},
        library=useful_books(written),
        asked={d.name: d for d in written if isinstance(d, Question)},
    )


def _joined(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


def lint_documents(documents: Sequence[Placed], known: Known, policy: Policy | None = None) -> list[Fault]:
    """Findings of all documents, in the order of the files.

    `known` is what the workspace holds; names that the files define are added. A policy among the files rules before `policy`.
    """
    here = names_in(documents)
    merged = replace(
        known,
        segments=_joined(known.segments, here.segments),
        sequences=_joined(known.sequences, here.sequences),
        letters=_joined(known.letters, here.letters),
        topics=here.topics if here.topics is not None else known.topics,
        questions={**known.questions, **here.questions},
        library=_joined(known.library, here.library),
        asked=None if known.asked is None else {**known.asked, **(here.asked or {})},
    )
    ruling = next((p.document for p in documents if isinstance(p.document, Policy)), policy)
    faults: list[Fault] = []
    for placed in documents:
        found = [placed_fault(placed, finding) for finding in lint(placed.document, merged, ruling)]
        if isinstance(placed.document, Campaign) and merged.segments is None and placed.document.segment not in (here.segments or ()):
            message = f'the segment "{placed.document.segment}" stands in none of these files'
            found.append(
                _at(placed, ("segment",), "unknown-segment", message, "Nothing to do if it was applied before; `apply` will look.")
            )
        found += _template_dialects(placed, known)
        faults += sorted(found, key=lambda f: (f.line, f.column))
    return faults + _side_by_side(documents, ruling or Policy())


def _template_dialects(placed: Placed, known: Known) -> list[Fault]:
    """Merge fields of another system in a template's file; what is broken there, compiling says."""
    faults = []
    for path, letter in placed_letters(placed.document):
        more = OF_FEEDS if getattr(placed.document, "feed", None) else frozenset()
        for remark in check_text((known.templates or {}).get(letter.template or "", ""), more):
            if remark.level == "warning":
                message = f"line {remark.line + 1} of {letter.template}: {remark.message}"
                faults.append(_at(placed, (*path, "template"), remark.rule, message, remark.advice))
    return faults


def _side_by_side(documents: Sequence[Placed], policy: Policy) -> list[Fault]:
    """What only shows when several sequences are read together."""
    placed = {p.document.name: p for p in documents if isinstance(p.document, SequenceDocument)}
    sequences = [p.document for p in placed.values() if isinstance(p.document, SequenceDocument)]
    return [placed_fault(placed[sequence.name], finding) for sequence, finding in lint_together(sequences, policy)]


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """One address of a letter that can be visited, and where it stands."""

    link: str
    file: str
    line: int
    column: int


def links_in(documents: Iterable[Placed], templates: Mapping[str, str]) -> list[PlacedLink]:
    """The web addresses of all letters, each once a letter, the call to action first; those with merge fields in the path left out."""
    found: list[PlacedLink] = []
    for placed in documents:
        for path, letter in placed_letters(placed.document):
            text, key = (letter.body, "body") if letter.body is not None else (templates.get(letter.template or "", ""), "template")
            told: set[str] = set()
            action = [letter.call_to_action] if letter.call_to_action else []
            for link, at in [*((a, "call_to_action") for a in action), *((a, key) for a in links(text))]:
                plain = _visitable(link)
                if not plain.startswith(("http://", "https://")) or "{" in plain or plain in told:
                    continue
                told.add(plain)
                line = text.count("\n", 0, max(0, text.find(link))) if at == "body" else 0
                fault = placed_fault(placed, Finding((*path, at), "dead-link", "warning", "", "", line))
                found.append(PlacedLink(plain, fault.file, fault.line, fault.column))
    return found


def _visitable(link: str) -> str:
    """The link without a query that is filled in for each person; a merge field in the path stays and says that it cannot be visited."""
    path, _, query = link.partition("?")
    return path if "{" in query else link


def placed_fault(placed: Placed, finding: Finding) -> Fault:
    """The finding at its place: in a literal block on its own line, else where the value begins."""
    place = placed.at(finding.path)
    line, column = place.inside(finding.line, 0) if finding.path in placed.positions else (place.line, place.column)
    return Fault(placed.file, line, column, finding.rule, finding.level, finding.message, finding.advice)


def _at(placed: Placed, path: KeyPath, rule: FaultRule, message: str, advice: str) -> Fault:
    place = placed.at(path)
    return Fault(placed.file, place.line, place.column, rule, "warning", message, advice)

"""Lint over loaded files: the domain's findings with file, line and column; names are looked for in the files themselves, too."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from nurture.definitions.faults import Fault
from nurture.definitions.loading import Placed
from nurture.domain.delivery import letter_name
from nurture.domain.documents import Campaign, Policy, Segment, document_name, letters_of
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.lint import Finding, Known, lint
from nurture.domain.lint.findings import Path as KeyPath

_PAGES = ("letter.html", "letter.md")


def read_templates(folder: Path) -> dict[str, str]:
    """`letters/<name>` -> the text of its letter, for every folder under `folder`/letters that holds one."""
    found: dict[str, str] = {}
    for page in sorted(p for name in _PAGES for p in (folder / "letters").glob(f"*/{name}")):
        found.setdefault(f"letters/{page.parent.name}", page.read_text(encoding="utf-8", errors="replace"))
    return found


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
        faults += sorted(found, key=lambda f: (f.line, f.column))
    return faults


def placed_fault(placed: Placed, finding: Finding) -> Fault:
    """The finding at its place: in a literal block on its own line, else where the value begins."""
    place = placed.at(finding.path)
    line, column = place.inside(finding.line, 0) if finding.path in placed.positions else (place.line, place.column)
    return Fault(placed.file, line, column, finding.rule, finding.level, finding.message, finding.advice)


def _at(placed: Placed, path: KeyPath, rule: str, message: str, advice: str) -> Fault:
    place = placed.at(path)
    return Fault(placed.file, place.line, place.column, rule, "warning", message, advice)

"""Lint: what an experienced marketer would say about a document before it leaves. Errors are only what cannot be stored or run.

`lint(document)` needs no database; `Known` tells what else is there, `policy` the workspace's windows, mix, cap and gap. Every rule is
described, with an example, in docs/lint.md.
"""

from collections.abc import Iterable

from nurture.domain.documents import AnyDocument, Campaign, Cleanup, LibraryLetter, Policy, Sequence
from nurture.domain.lint.campaigns import lint_campaign
from nurture.domain.lint.cleanups import lint_cleanup
from nurture.domain.lint.findings import Finding, Known, Level, Path, warn
from nurture.domain.lint.letters import lint_letter
from nurture.domain.lint.policies import lint_about, lint_dry, lint_policy
from nurture.domain.lint.references import lint_references, placed_letters
from nurture.domain.lint.rules import Rule
from nurture.domain.lint.selling import Readers, readers_of
from nurture.domain.lint.sequences import lint_sequence
from nurture.domain.lint.together import lint_together
from nurture.domain.variants import letter_of
from nurture.domain.words import Kind

__all__ = ["Finding", "Known", "Level", "Path", "lint", "lint_together", "placed_letters"]


def lint(document: AnyDocument, known: Known | None = None, policy: Policy | None = None) -> list[Finding]:
    """Every finding about a document, errors and warnings, by path."""
    known, ruling = known or Known(), policy or Policy()
    found = [*lint_references(document, known), *lint_about(document)]
    readers = _readers(document, known)
    for path, letter in placed_letters(document):
        found += lint_letter(letter, path, known, locale=ruling.locale, readers=readers)
    match document:
        case Sequence():
            found += _once("dry-library", [*lint_dry(document, known), *lint_sequence(document, ruling, known)])
        case Campaign():
            found += lint_campaign(document, ruling, known)
            for index, variant in enumerate(document.variants):
                varied, at = letter_of(document.letter, variant), ("variants", index)
                told = lint_letter(varied, at, known, locale=ruling.locale, readers=readers)
                found += [f for f in told if set(f.path[len(at) :]) & variant.model_fields_set]
        case Cleanup():
            found += lint_cleanup(document)
        case Policy():
            found += lint_policy(document)
        case LibraryLetter() if document.kind is not Kind.USEFUL:
            message = f"a {document.kind.value} letter in the library never leaves it: only useful letters repay"
            found.append(warn(("kind",), "library-kind", message, "Write `kind: useful`, or make it a campaign."))
    return found


def _once(rule: Rule, found: Iterable[Finding]) -> list[Finding]:
    """One cause is told once, the first way it was found."""
    kept: list[Finding] = []
    for finding in found:
        if finding.rule != rule or all(f.rule != rule for f in kept):
            kept.append(finding)
    return kept


def _readers(document: AnyDocument, known: Known) -> Readers | None:
    """Who gets the letters of a document, where that can be seen."""
    if isinstance(document, Sequence):
        return readers_of(document.audience)
    return readers_of(known.questions.get(document.segment)) if isinstance(document, Campaign) else None

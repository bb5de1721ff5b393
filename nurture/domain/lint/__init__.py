"""Lint: what an experienced marketer would say about a document before it leaves. Errors are only what cannot be stored or run.

`lint(document)` needs no database; `Known` tells what else is there, `policy` the workspace's windows, cap and gap.
"""

from nurture.domain.documents import AnyDocument, Cleanup, Policy, Sequence
from nurture.domain.lint.findings import Finding, Known, Level, Path
from nurture.domain.lint.letters import lint_letter
from nurture.domain.lint.others import lint_about, lint_cleanup, lint_library, lint_policy
from nurture.domain.lint.references import lint_references, placed_letters
from nurture.domain.lint.sequences import lint_sequence

__all__ = ["Finding", "Known", "Level", "Path", "lint", "placed_letters"]


def lint(document: AnyDocument, known: Known | None = None, policy: Policy | None = None) -> list[Finding]:
    """Every finding about a document, errors and warnings, by path."""
    known = known or Known()
    found = [*lint_references(document, known), *lint_about(document)]
    for path, letter in placed_letters(document):
        found += lint_letter(letter, path, known)
    match document:
        case Sequence():
            found += [*lint_sequence(document, policy or Policy()), *lint_library(document, known)]
        case Cleanup():
            found += lint_cleanup(document)
        case Policy():
            found += lint_policy(document)
    return found

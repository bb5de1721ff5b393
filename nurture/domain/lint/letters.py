"""One letter against the practice: personal, one action, honest about its kind, short or long as it says. At most one finding a cause."""

from nurture.domain.letters import Letter
from nurture.domain.lint.actions import lint_actions
from nurture.domain.lint.body import lint_body
from nurture.domain.lint.findings import Finding, Known, Path, warn
from nurture.domain.lint.reading import read
from nurture.domain.lint.selling import Readers, lint_selling
from nurture.domain.lint.voice import lint_voice
from nurture.domain.words import Kind


def lint_letter(letter: Letter, path: Path, known: Known, *, locale: str | None = None, readers: Readers | None = None) -> list[Finding]:
    """All findings about a letter that stands at `path`. `locale`: the workspace's; `readers`: who gets it, as far as that can be told."""
    if letter.kind is Kind.SERVICE:
        return []
    reading = read(letter, path, known, locale)
    found = [*lint_voice(reading), *lint_body(reading, known), *lint_actions(reading), *lint_selling(reading, readers)]
    if letter.evergreen and letter.kind is not Kind.USEFUL:
        message = f"the {letter.kind.value} letter {letter.id} stands in the library, and only useful letters repay"
        found.append(warn((*path, "evergreen"), "library-kind", message, "Leave `evergreen` out."))
    return found

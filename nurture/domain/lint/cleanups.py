"""A cleanup: enough offers, each an offer, each with a way out that nobody can miss, and figures that prove something.

Source: "make the uninterested leave by their own hand: three or four days of offers, with a plain `if this is not for you, please
unsubscribe`".
"""

from collections.abc import Iterator

from nurture.domain.documents import Cleanup
from nurture.domain.letters import Letter
from nurture.domain.lint.findings import Finding, Known, warn
from nurture.domain.lint.reading import read
from nurture.domain.words import Kind

_LEAST_OFFERS = 3
_MOST_HELD_OUT = 0.5
_LARGEST_CANARY = 0.2  # more is no trial any more


def lint_cleanup(cleanup: Cleanup, known: Known, locale: str | None) -> Iterator[Finding]:
    if len(cleanup.offers) < _LEAST_OFFERS:
        message = f"a cleanup with {len(cleanup.offers)} offer{'s' if len(cleanup.offers) > 1 else ''}"
        yield warn(("offers",), "few-offers", message, "Three or four daily offers wake people; one is overlooked.")
    for index, letter in enumerate(cleanup.offers):
        if letter.kind is not Kind.SALES:
            message = f"the offer {letter.id} is called {letter.kind.value}"
            yield warn(("offers", index, "kind"), "kind-against-words", message, "Write `kind: sales`.")
        yield from _way_out(letter, index, known, locale)
    if cleanup.holdout == 0:
        message = "without a holdout nobody will know what the cleanup did"
        yield warn(("holdout",), "holdout-size", message, "Write `holdout: 10%`.")
    elif cleanup.holdout > _MOST_HELD_OUT:
        message = f"{cleanup.holdout:.0%} of the people get nothing"
        yield warn(("holdout",), "holdout-size", message, "Ten per cent are enough to compare with.")
    if cleanup.canary == 0 or cleanup.canary > _LARGEST_CANARY:
        message = "without a canary everybody gets the first offer at once" if cleanup.canary == 0 else f"{cleanup.canary:.0%} is no trial"
        yield warn(("canary",), "canary-size", message, "Write `canary: 1%`: a stop then comes before the harm.")


def _way_out(letter: Letter, index: int, known: Known, locale: str | None) -> Iterator[Finding]:
    reading = read(letter, ("offers", index), known, locale)
    if reading.text is None or reading.language is None:
        return
    if "unsubscribe_url" not in reading.text and not reading.language.leave.search(reading.plain):
        message = f"the offer {letter.id} does not tell people that they may leave"
        advice = "Say it in the text, plainly: not interested? [Leave these letters]({{ unsubscribe_url }})."
        yield warn(reading.where, "leave-button", message, advice)

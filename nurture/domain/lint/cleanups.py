"""A cleanup: enough offers, each an offer, a last word to the silent, and figures that prove something.

The way out of each offer is no rule: every offer gets its button when it is compiled (render/choices.py).

Source: "make the uninterested leave by their own hand: three or four days of offers, with a plain `if this is not for you, please
unsubscribe`".
"""

from collections.abc import Iterator

from nurture.domain.documents import Cleanup
from nurture.domain.lint.findings import Finding, warn
from nurture.domain.words import Kind

_LEAST_OFFERS = 3
_MOST_HELD_OUT = 0.5
_LARGEST_CANARY = 0.2  # more is no trial any more


def lint_cleanup(cleanup: Cleanup) -> Iterator[Finding]:
    if len(cleanup.offers) < _LEAST_OFFERS:
        message = f"a cleanup with {len(cleanup.offers)} offer{'s' if len(cleanup.offers) > 1 else ''}"
        yield warn(("offers",), "few-offers", message, "Three or four daily offers wake people; one is overlooked.")
    for index, letter in enumerate(cleanup.offers):
        if letter.kind is not Kind.SALES:
            message = f"the offer {letter.id} is called {letter.kind.value}"
            yield warn(("offers", index, "kind"), "kind-against-words", message, "Write `kind: sales`.")
    if cleanup.holdout == 0:
        message = "without a holdout nobody will know what the cleanup did"
        yield warn(("holdout",), "holdout-size", message, "Write `holdout: 10%`.")
    elif cleanup.holdout > _MOST_HELD_OUT:
        message = f"{cleanup.holdout:.0%} of the people get nothing"
        yield warn(("holdout",), "holdout-size", message, "Ten per cent are enough to compare with.")
    if cleanup.canary == 0 or cleanup.canary > _LARGEST_CANARY:
        message = "without a canary everybody gets the first offer at once" if cleanup.canary == 0 else f"{cleanup.canary:.0%} is no trial"
        yield warn(("canary",), "canary-size", message, "Write `canary: 1%`: a stop then comes before the harm.")
    if cleanup.silent == "archive" and cleanup.closing is None:
        message = "the silent are archived without a last letter"
        advice = "Write `closing`, which says that the subscription will be closed and how to stay, or `silent: keep`."
        yield warn(("silent",), "no-closing-letter", message, advice)

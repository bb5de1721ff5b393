"""The mix of one person: what they were promised, what they got, and whether the next offer is earned or due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nurture.domain.mix import Earned, offer_asks, promises_on, sales_earned
from nurture.domain.mixes import Promise
from nurture.domain.words import Kinds

WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class PersonMix:
    """`promises`: (source, promise as written). `useful`, `others`: certain letters since the last offer, all that sell nothing among the
    others. `next_offer`: the first one their sequences still hold. `days_28`, `days_90`: accepted letters by kind.
    """

    promises: tuple[tuple[str, str], ...]
    useful: int
    others: int
    earned: Earned
    next_offer: str | None
    offer_due: bool
    days_28: Mapping[str, int]
    days_90: Mapping[str, int]


def mix_of(
    own: Sequence[tuple[str, Sequence[Promise]]],
    workspace: Sequence[Promise],
    counts: tuple[int, int],
    kinds: Kinds,
    offers: Sequence[str],
    delivered: tuple[Mapping[str, int], Mapping[str, int]],
) -> PersonMix:
    """`own`: the promises of each sequence they are in; `counts`: useful and others since the last offer; `offers`: those still to come."""
    useful, others = counts
    bound = promises_on([promises for _, promises in own], workspace)
    told = [(source, str(p)) for source, promises in own for p in promises if p in bound] or [(WORKSPACE, str(p)) for p in bound]
    asks = offer_asks(bound)
    given = bool(asks) and all({"useful": useful, "others": others}[what] >= number for what, number in asks)
    due = given and not offers and kinds is Kinds.ALL
    return PersonMix(
        tuple(told), useful, others, sales_earned(bound, useful, others), offers[0] if offers else None, due, *delivered
    )


def to_json(mix: PersonMix) -> dict[str, Any]:
    """What the API gives out."""
    return {
        "promises": [{"source": source, "promise": promise} for source, promise in mix.promises],
        "since_last_offer": {"useful": mix.useful, "others": mix.others},
        "next_offer": {
            "letter": mix.next_offer, "earned": mix.earned.allowed, "missing": mix.earned.missing,
            "reason": mix.earned.reason,
        },
        "offer_due": mix.offer_due,
        "days_28": dict(mix.days_28), "days_90": dict(mix.days_90),
    }  # fmt: skip

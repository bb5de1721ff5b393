"""Holdout, canary and ramp by a stable hash: who is drawn never depends on who else is there, on the order, or on the moment."""

import hashlib
import math
from typing import NamedTuple

CANARY_LEAST, CANARY_MOST = 200, 1000
RAMP = (0.05, 0.20, 1.0)  # shares of those who get offers, each with the ones before it


def rank(cleanup: str, subscriber_id: int) -> int:
    """A place in the drawing, 0 to 2^62: stable for this cleanup and person, unlike in the next cleanup."""
    digest = hashlib.blake2b(f"{cleanup}\0{subscriber_id}".encode(), digest_size=8, person=b"nurture-cleanup").digest()
    return int.from_bytes(digest, "big") >> 2


class Draw(NamedTuple):
    """How the audience is cut, in the order of their ranks: the first `held` get nothing, the next ones get offers, `steps` of them by the
    end of each step: canary, 5 %, 20 %, all.
    """

    held: int
    steps: tuple[int, ...]

    @property
    def treated(self) -> int:
        return self.steps[-1]

    @classmethod
    def of(cls, held: int, canary: int, treated: int) -> "Draw":
        """The steps that follow from the size of the canary."""
        return cls(held, (canary, *(max(canary, math.ceil(treated * share)) for share in RAMP)))


def draw(audience: int, holdout: float, canary: float) -> Draw:
    """The canary is the document's share, but 200 to 1,000 people; of fewer than 400 it is half. A share of 0 draws nobody."""
    held = min(math.ceil(audience * holdout), max(audience - 1, 0))
    treated = audience - held
    first = min(max(CANARY_LEAST, min(CANARY_MOST, math.ceil(treated * canary))), math.ceil(treated / 2)) if canary else 0
    return Draw.of(held, first, treated)

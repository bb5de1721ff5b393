"""A fair draw: the seed is fixed and its hash shown before anybody answers, and everybody can do the sum afterwards.

    commitment = SHA-256(seed)                    shown from the day the question is stored
    entry      = first 16 hex digits of SHA-256(commitment : number of the person)
    ticket     = SHA-256(seed : entry)            the lowest tickets win

All in lower-case hex, joined by a colon. The seed is published with all entries once the draw is made.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ENTRY_DIGITS = 16


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def commit(seed: str) -> str:
    """What is shown beforehand: nobody can look for another seed later."""
    return _sha(seed)


def entry_code(commitment: str, subscriber: int) -> str:
    """A person's number in one draw: always the same, so that nobody has two, and without a name in it."""
    return _sha(f"{commitment}:{subscriber}")[:ENTRY_DIGITS]


def ticket(seed: str, entry: str) -> str:
    return _sha(f"{seed}:{entry}")


def draw(seed: str, entries: Iterable[str], winners: int) -> tuple[str, ...]:
    """The winning entries, best ticket first; fewer where fewer took part. The order of `entries` does not matter."""
    return tuple(sorted(set(entries), key=lambda entry: ticket(seed, entry))[:winners])


@dataclass(frozen=True, slots=True)
class Check:
    """`honest`: the seed is the one that was promised, and it draws exactly these winners."""

    honest: bool
    reason: str


def verify(seed: str, commitment: str, entries: Sequence[str], winners: Sequence[str]) -> Check:
    if commit(seed) != commitment:
        return Check(False, "the seed is not the one whose hash was shown")
    if len(set(entries)) < len(entries):
        return Check(False, "an entry stands twice")
    if draw(seed, entries, len(winners)) != tuple(winners):
        return Check(False, "this seed draws other winners from these entries")
    return Check(True, "the seed fits its hash and draws these winners")

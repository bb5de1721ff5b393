"""The ledger row's life: states, allowed moves, open states, and the key that makes a letter happen once.

The moves are those of docs/concepts.md; `accepted` is absorbing, and the truth of an acceptance beats every fence.
"""

import re
from datetime import date, timedelta
from hashlib import blake2b

from nurture.domain.words import State

MOVES: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.CLAIMED, State.FAILED, State.CANCELLED}),
    State.CLAIMED: frozenset({State.SENDING, State.PENDING, State.FAILED, State.CANCELLED}),
    State.SENDING: frozenset({State.ACCEPTED, State.DEFERRED, State.REJECTED, State.UNKNOWN, State.PENDING}),
    State.DEFERRED: frozenset({State.CLAIMED, State.FAILED, State.CANCELLED}),
    State.UNKNOWN: frozenset({State.PENDING, State.HELD, State.ACCEPTED, State.CANCELLED}),
    State.HELD: frozenset({State.ACCEPTED, State.PENDING, State.CANCELLED}),
    State.CANCELLED: frozenset({State.PENDING}),
    State.REJECTED: frozenset(),
    State.FAILED: frozenset(),
    State.ACCEPTED: frozenset(),
}
OPEN = frozenset({State.PENDING, State.CLAIMED, State.SENDING, State.DEFERRED, State.UNKNOWN})
HORIZON = timedelta(hours=36)  # a row is written at most this far ahead; one whose next window is further off gives its place free
REOPENABLE = frozenset({"paused", "outranked", "missed"})  # reasons of a cancellation that the planner alone may take back


_OURS = re.compile(r"<1[0-9a-f]{32}\.([1-9][0-9]{0,17})@")


def may_move(old: State, new: State) -> bool:
    """Whether the ledger allows this step; an acceptance is recorded from anywhere, since truth beats fencing."""
    return new in MOVES[old] or (new is State.ACCEPTED and old is not State.ACCEPTED)


def letter_name(document: str, letter_id: str) -> str:
    """The key's letter: the same over all versions of the document."""
    return f"{document}/{letter_id}"


def dedup_key(letter: str, subscriber_id: int, occasion: str) -> bytes:
    """What is UNIQUE about a delivery, as bytes: used to derive the Message-ID, and to test the form once for ever."""
    return b"\x00".join((letter.encode(), str(subscriber_id).encode(), occasion.encode()))


def message_id(installation: bytes, letter: str, subscriber_id: int, occasion: str, domain: str) -> str:
    """`<1`, 32 hexadecimal digits, `.`, the subscriber's number, `@sender-domain>`: the same for ever for one delivery.

    The digits are 128 bits of keyed BLAKE2b over the dedup key. A receiver that gets the letter twice after a crash can drop the second one
    (RFC 7352); nobody outside can compute another's. The number finds the row among the person's own: an index on Message-IDs, which lie
    at random, would cost every letter of a long list more than all its other indexes.
    """
    key = dedup_key(letter, subscriber_id, occasion)
    return f"<1{blake2b(key, digest_size=16, key=installation, person=b'nurture-msgid-1').hexdigest()}.{subscriber_id}@{domain}>"


def whose_message_id(message_id: str) -> int | None:
    """The number of the subscriber in a Message-ID of this form, forged or not; None in others, and in those made before it."""
    found = _OURS.match(message_id)
    return int(found[1]) if found else None


# Occasions: the third part of the key, one form for each cause.


def enrolment_occasion(number: int) -> str:
    """A sequence letter: the person's 1st, 2nd ... enrolment there."""
    return str(number)


def campaign_occasion(nominal: date, resend: bool = False) -> str:
    """A campaign's nominal local date; a resend is the same date with `/2`."""
    return f"{nominal.isoformat()}/2" if resend else nominal.isoformat()


def greeting_occasion(day: date) -> str:
    return day.isoformat()


LIBRARY_OCCASION = "once"

"""What a person may ask for: all that is kept about them, and to be forgotten (GDPR 15, 17, 20).

Erasing: nothing more leaves to them, what is on the wire ends, then every trace of who they were is emptied.

What stays: keys and states of their letters, types and moments of their events, the consent log without addresses of machines - all of
nobody - and a keyed hash of the address, so that a list that still has it cannot mail it. Links in old letters lead on and record nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.remembering import forget_people
from nurture.domain.words import Status
from nurture.store import choices, erasure, outbox
from nurture.store.auditing import forget_address
from nurture.store.database import Database
from nurture.store.dialect_erasing import overwrite, scrub
from nurture.store.own_data import everything_of
from nurture.store.suppressions import last_erasure, suppress

PATIENCE = 20.0  # seconds that a letter on the wire is waited for
_LOOK = 0.2


async def own_data(db: Database, subscriber_id: int) -> dict[str, Any]:
    """Everything kept about one person (GDPR 15, 20). Raises NurtureError where nobody is there."""
    async with db.read() as tx:
        told = await everything_of(tx, subscriber_id)
    if told is None:
        raise NurtureError(f"there is no subscriber {subscriber_id}", ErrorKind.MISSING)
    return told


@dataclass(frozen=True, slots=True)
class Erased:
    """`letters`: ids of their deliveries, and of digests that quoted them, for whoever keeps files by them."""

    subscriber_id: int
    letters: tuple[int, ...]


async def erase(db: Database, subscriber_id: int, now: datetime, patience: float = PATIENCE) -> Erased:
    """Raises NurtureError where nobody is there, and UNAVAILABLE where a letter is on the wire for too long: call again.

    `patience`: seconds that such a letter is waited for.
    """
    async with db.write() as tx:
        person = await choices.stand_of(tx, subscriber_id, lock=True)
        if person is None:
            raise NurtureError(f"there is no subscriber {subscriber_id}", ErrorKind.MISSING)
        await choices.choose(tx, subscriber_id, now, status=Status.ARCHIVED.value)
        await choices.end_enrolments(tx, subscriber_id, "erased", now)
        await outbox.cancel_open(tx, "left", now, subscriber_id=subscriber_id)
        await outbox.cancel_open(tx, "left", now, subscriber_id=subscriber_id, kinds=["service"])
    end = asyncio.get_running_loop().time() + patience
    while True:
        async with db.write() as tx:
            await overwrite(tx)
            if not await erasure.on_the_wire(tx, subscriber_id):
                await suppress(tx, person.email, now)
                names = await erasure.addresses_of(tx, subscriber_id, person.email)
                await forget_address(tx, person.email)
                await erasure.forget_answers(tx, names)
                quoting = await erasure.forget_quotes(tx, subscriber_id, names)
                await erasure.empty_person(tx, subscriber_id, now)
                letters = [*await erasure.letters_of(tx, subscriber_id), *quoting]
                break
        if asyncio.get_running_loop().time() > end:
            message = "a letter to this person is being handed over; call again in a minute (no other will leave meanwhile)"
            raise NurtureError(message, ErrorKind.UNAVAILABLE)
        await asyncio.sleep(_LOOK)
    await scrub(db)
    forget_people()
    return Erased(subscriber_id, tuple(letters))


Mark = tuple[int, datetime | None]


async def forget_erased(db: Database, seen: Mark | None) -> Mark:
    """Empty what this process remembers of people where anybody was erased since `seen`, by whichever process. Returns the mark
    for the next look.
    """
    async with db.read() as tx:
        mark = await last_erasure(tx)
    if mark != seen:
        forget_people()
    return mark

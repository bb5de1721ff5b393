"""Hear a mail that came back: whose letter it is about, and what follows for the person. Once for each mail, however often it comes.

A report counts only against the letter that it is about: by the return address, which carries a MAC, or by the Message-ID of a letter of
ours, which nobody can guess. An address that a report merely names proves nothing: everybody can write such a report.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import NurtureError
from nurture.domain.feedback import Heard, HeardKind, Incoming, hear
from nurture.domain.replies import sort_reply
from nurture.domain.return_address import read_return
from nurture.domain.tokens import TokenKey
from nurture.domain.words import EventType, Evidence
from nurture.mail.address import normalise
from nurture.mail.inbound.providers import Told
from nurture.mail.inbound.reading import read_mail
from nurture.store.arrivals import prove_arrival
from nurture.store.bounces import Bounce, note_bounces
from nurture.store.database import Connection, Database
from nurture.store.events import add_events, event_by_uid
from nurture.store.inbound import Whose, note_complaint, whose_address, whose_delivery, whose_message
from nurture.store.replies import add_reply, kept_since
from nurture.store.standings import look_now

LONGEST_TEXT = 10_000
_ABOUT_A_LETTER = (HeardKind.BOUNCE, HeardKind.DELIVERED, HeardKind.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one finding. `subscriber` None: nobody of ours, nothing follows. `asked`: when the person asked for no more letters,
    the same moment however often the mail comes.
    """

    heard: Heard
    subscriber: int | None = None
    delivery: int | None = None
    new: bool = False
    asked: datetime | None = None


async def hear_mail(db: Database, raw: bytes, keys: Sequence[TokenKey], now: datetime, *, sent_to: str = "") -> list[Effect]:
    """Read the mail and do what follows, in one transaction. `sent_to`: the envelope's recipient, where a listener knows it.

    Who asks to leave is only named in the result: leaving is a step of its own.
    """
    mail = read_mail(raw)
    found = hear(mail)
    uid = "mail:" + hashlib.blake2b(raw, digest_size=16).hexdigest()
    async with db.write() as tx:
        whose = await _whose(tx, mail, keys, sent_to, found[0].kind)
        about = _about(found, whose)
        return [await take_in(tx, h, whose if h in about else None, f"{uid}:{n}", now, mail) for n, h in enumerate(found)]


async def hear_provider(db: Database, provider: str, told: Sequence[Told], now: datetime) -> list[Effect]:
    """What a provider told by a call that was proved to be theirs: so an address is believed too where the Message-ID is not ours."""
    effects = []
    async with db.write() as tx:
        for event in told:
            uid = f"{provider}:" + hashlib.blake2b(event.id.encode(), digest_size=16).hexdigest()
            whose = await whose_message(tx, event.message_ids) or await _by_address(tx, event.heard.recipient)
            effects.append(await take_in(tx, event.heard, whose, uid, now))
    return effects


async def _by_address(tx: Connection, address: str) -> Whose | None:
    try:
        return await whose_address(tx, normalise(address))
    except NurtureError:
        return None


async def _whose(tx: Connection, mail: Incoming, keys: Sequence[TokenKey], sent_to: str, kind: HeardKind) -> Whose | None:
    for address in (sent_to, *mail.addressed):
        token = read_return(address, keys)
        if token is not None:
            return await whose_delivery(tx, token.delivery, token.subscriber)
    found = await whose_message(tx, mail.answers)
    if found or kind in _ABOUT_A_LETTER:
        return found
    return await _by_address(tx, mail.sender)


def _about(found: Sequence[Heard], whose: Whose | None) -> Sequence[Heard]:
    """Those findings that are about this person: a report of many recipients names each."""
    if whose is None or len(found) == 1:
        return found
    return [h for h in found if h.recipient.lower() == whose.email]


async def take_in(tx: Connection, heard: Heard, whose: Whose | None, uid: str, now: datetime, mail: Incoming | None = None) -> Effect:
    """What follows from one finding. `uid` makes it count once."""
    if whose is None:
        new = heard.kind is HeardKind.REPLY and mail is not None and (await _keep(tx, heard, None, uid, now, mail))[0]
        return Effect(heard, new=new)
    if whose.delivery is not None and heard.kind in (HeardKind.BOUNCE, HeardKind.DELIVERED, HeardKind.COMPLAINT, HeardKind.REPLY):
        await prove_arrival(tx, [whose.delivery], now)
    new, kept_at = False, now
    if heard.kind is HeardKind.BOUNCE and not heard.reason.startswith("delayed"):
        bounce = Bounce(uid, whose.delivery, whose.subscriber, heard.suppress, heard.reason, now, counts=heard.suppress or heard.soft)
        new = await event_by_uid(tx, uid) is None
        await note_bounces(tx, [bounce], now)
    elif heard.kind is HeardKind.COMPLAINT and heard.suppress:
        new = await note_complaint(tx, uid, whose, heard.reason, now)
    elif heard.kind is HeardKind.REPLY and mail is not None:
        new, kept_at = await _keep(tx, heard, whose, uid, now, mail)
    if new:
        await look_now(tx, [whose.subscriber], now)
    return Effect(heard, whose.subscriber, whose.delivery, new, kept_at if heard.leaves else None)


async def _keep(tx: Connection, heard: Heard, whose: Whose | None, uid: str, now: datetime, mail: Incoming) -> tuple[bool, datetime]:
    """On the reply desk, and in the person's timeline; whether it is new, and since when it lies there."""
    row = {
        "uid": uid, "subscriber_id": whose.subscriber if whose else None, "delivery_id": whose.delivery if whose else None, "at": now,
        "sender": mail.sender[:320], "subject": mail.subject[:500], "text": mail.text[:LONGEST_TEXT],
        "sort": sort_reply(mail.text, leaves=heard.leaves).value,
    }  # fmt: skip
    if await add_reply(tx, row) is None:
        return False, await kept_since(tx, uid)
    if whose is not None:
        event = {
            "uid": uid, "subscriber_id": whose.subscriber, "delivery_id": whose.delivery, "type": EventType.REPLIED.value, "at": now,
            "settles_at": now, "evidence": Evidence.HUMAN.value, "reason": "answered by mail",
        }  # fmt: skip
        await add_events(tx, [event])
    return True, now

"""Join by a form: a person is asked by a letter, and their own POST makes them subscribed. Every step is in the consent log."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.forms import Form
from nurture.domain.joining import confirm_occasion, may_confirm, should_ask
from nurture.domain.recommending import same_mailbox
from nurture.domain.scalars import clean_line
from nurture.domain.words import EventType, Evidence, Status, Tracking, ZoneSource
from nurture.domain.zones import find_zone
from nurture.mail.address import normalise
from nurture.store import choices, events, referrals, subscribers
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.joining import asked_for, last_asked
from nurture.store.lowering import MAILS
from nurture.store.suppressions import lift

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wrote into a form. `topics`: those they ticked, None where the form asked for none.

    `recommender`: whose link led here.
    """

    email: str
    first_name: str = ""
    name: str = ""
    timezone: str = ""
    locale: str | None = None
    topics: frozenset[str] | None = None
    tracking: Tracking | None = None
    recommender: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """`subscriber` and `occasion` of the confirming letter that is to be queued now; None where nothing is to be sent."""

    form: Form
    subscriber: int | None = None
    occasion: str = ""


async def load_form(db: Database, name: str) -> Form:
    """Raises NurtureError where the policy has no such form."""
    async with db.read() as tx:
        form = (await load_policy(tx)).forms.get(name)
    if form is None:
        raise NurtureError("there is no such form", ErrorKind.MISSING)
    return form


async def ask_to_join(db: Database, name: str, wish: Wish, now: datetime, *, ip: str) -> Asked:
    """Take a wish in. Raises NurtureError for an address that is none, and where the form does not exist; says nothing of who is known."""
    form, email = await load_form(db, name), normalise(wish.email)
    source = f"form:{name}"
    async with db.write() as tx:
        known = await subscribers.find(tx, email)
        asked = await last_asked(tx, known.id) if known else None
        if not should_ask(known.status if known else None, asked, now):
            return Asked(form)
        person = known.id if known else (await subscribers.add(tx, [_newcomer(form, wish, email, source, now)]))[0]
        if not person:
            return Asked(form)  # another request for the same address was first
        await choices.add_consent(tx, person, "asked", granted=True, source=source, ip=ip, now=now, wording=form.text)
        if known is None:
            await _note_recommender(tx, person, wish, email, name, now)
        if known is None and (level := _permission(form, wish)):
            await choices.log_permissions(tx, {person: level.value}, source, now, ip=ip)
    stamp = hashlib.blake2b(f"{source} {now.isoformat()}".encode(), digest_size=6).hexdigest()
    return Asked(form, person, confirm_occasion(name, stamp))


async def _note_recommender(tx: Connection, person: int, wish: Wish, email: str, form: str, now: datetime) -> None:
    """Whose link led here, unless it was their own: it counts once the newcomer confirms."""
    theirs = await referrals.address_of(tx, wish.recommender) if wish.recommender else None
    if wish.recommender and theirs and not same_mailbox(theirs, email):
        await referrals.note_referral(tx, person, wish.recommender, form, now)


def _newcomer(form: Form, wish: Wish, email: str, source: str, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "email": email, "status": Status.PENDING.value, "status_at": now, "joined_at": now, "changed_at": now, "source": source,
        "tags": list(form.tags), "topics": _topics(form, wish),
    }  # fmt: skip
    row |= {n: clean_line(told)[:LONGEST] for n, told in (("first_name", wish.first_name), ("name", wish.name)) if told and n in form.ask}
    found = find_zone(wish.timezone, source=ZoneSource.FORM)
    if found.zone:
        row |= {"timezone": found.zone, "zone_source": found.source.value}
    level = _permission(form, wish)
    return row | ({"locale": wish.locale} if wish.locale else {}) | ({"tracking": level.value} if level else {})


def _permission(form: Form, wish: Wish) -> Tracking | None:
    """What a newcomer allows to be counted; of somebody known a form changes nothing, whoever fills it in."""
    return wish.tracking if "tracking" in form.ask else None


def _topics(form: Form, wish: Wish) -> dict[str, bool]:
    return {} if wish.topics is None else {topic: topic in wish.topics for topic in form.topics}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`known` False: erased. `subscribed`: they get letters now, by this press or before it."""

    known: bool
    subscribed: bool
    locale: str | None = None


async def standing(db: Database, subscriber_id: int) -> Confirmed:
    """How the person of a confirming link stands; changes nothing."""
    async with db.read() as tx:
        person = await subscribers.get(tx, subscriber_id)
    return Confirmed(True, person.status is Status.SUBSCRIBED, person.locale) if person else Confirmed(known=False, subscribed=False)


async def confirm(db: Database, subscriber_id: int, delivery_id: int, now: datetime, *, ip: str) -> Confirmed:
    """The person's own POST: subscribed from now on, with what they agreed to in the consent log. Twice is the same as once."""
    async with db.write() as tx:
        stand = await choices.stand_of(tx, subscriber_id, lock=True)
        person = await subscribers.get(tx, subscriber_id)
        if stand is None or person is None:
            return Confirmed(known=False, subscribed=False)
        if person.status is Status.SUBSCRIBED:
            return Confirmed(known=True, subscribed=True, locale=person.locale)
        asked = await asked_for(tx, delivery_id, subscriber_id)
        if not may_confirm(person.status, person.status_at, asked[1] if asked else None):
            return Confirmed(known=True, subscribed=False, locale=person.locale)
        source, form = await _source(tx, asked[0] if asked else "")
        await subscribers.add_tags(tx, {subscriber_id: form.tags if form else ()})
        await choices.add_consent(
            tx, subscriber_id, MAILS, granted=True, source=source, ip=ip, now=now, wording=form.text if form else ""
        )
        await subscribers.set_status(tx, subscriber_id, Status.SUBSCRIBED, now)
        await lift(tx, person.email)
        await events.add_events(tx, [_joined(subscriber_id, delivery_id, source, now)])
        await referrals.confirm_referral(tx, subscriber_id, now)
    return Confirmed(known=True, subscribed=True, locale=person.locale)


async def _source(tx: Connection, name: str) -> tuple[str, Form | None]:
    """Where the person joined, and the form as it is worded now."""
    return (f"form:{name}", (await load_policy(tx)).forms.get(name)) if name else ("confirmation", None)


def _joined(subscriber_id: int, delivery_id: int, source: str, now: datetime) -> dict[str, Any]:
    return {
        "uid": f"joined:{subscriber_id}:{delivery_id}", "subscriber_id": subscriber_id, "delivery_id": delivery_id,
        "type": EventType.JOINED.value, "at": now, "settles_at": now, "name": source, "evidence": Evidence.HUMAN.value,
        "reason": "confirmed by their own act",
    }  # fmt: skip

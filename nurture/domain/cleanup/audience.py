"""Whom a cleanup asks: the passive, the fading or both, less everybody who gave a reason to be left alone. Everyone with their reason."""

from datetime import datetime, timedelta
from typing import NamedTuple

from nurture.domain.cleanup.words import Exempt, Part
from nurture.domain.documents import Cleanup, letters_of
from nurture.domain.standing import FlagBit
from nurture.domain.words import Engagement, Kinds, Status, Temperature

AGAIN_AFTER = timedelta(days=183)  # nobody is cleaned twice in six months


class Facts(NamedTuple):
    """What decides about one person. `customer`: a purchase ever, or the tag. `cleaned_at`: their last letter of any cleanup; `elsewhere`:
    another cleanup has them now; `tagged`: they carry the tag that the cleanup asks for, where it asks for one.
    """

    subscriber_id: int
    status: Status
    engagement: Engagement
    flags: FlagBit
    customer: bool
    temperature: Temperature
    kinds: Kinds
    declined_topics: frozenset[str]
    paused_until: datetime | None
    cleaned_at: datetime | None
    elsewhere: bool
    tagged: bool = True


class Sorted(NamedTuple):
    """In, with the part they are in for, or out with the reason; both None: the audience's word does not fit them."""

    part: Part | None
    exempt: Exempt | None


NOT_MEANT = Sorted(None, None)


def is_meant(cleanup: Cleanup, facts: Facts) -> Part | None:
    """The part that the audience's word and the tag alone give a person; None where they do not fit them."""
    if not facts.tagged:
        return None
    passive, fading = cleanup.audience in ("passive", "both"), cleanup.audience in ("fading", "both")
    if passive and facts.engagement is Engagement.UNOBSERVABLE:
        return Part.REPERMISSION
    if (passive and facts.engagement is Engagement.PASSIVE) or (fading and facts.flags & FlagBit.FADING):
        return Part.OFFERS
    return None


def sort(cleanup: Cleanup, facts: Facts, now: datetime) -> Sorted:
    """Who is in, and who is out and why; the first reason counts."""
    part = is_meant(cleanup, facts)
    if part is None or facts.status is not Status.SUBSCRIBED:
        return NOT_MEANT
    exempt = _exempt(cleanup, facts, part, now)
    return Sorted(None, exempt) if exempt else Sorted(part, None)


def still(cleanup: Cleanup, facts: Facts, part: Part, now: datetime) -> Exempt | None:
    """Asked again when a person's turn has come, days after the audience was drawn: why they are left alone now, or None."""
    if facts.status is not Status.SUBSCRIBED:
        return Exempt.GONE
    meant = is_meant(cleanup, facts)
    return Exempt.AWAKE if meant is None else _exempt(cleanup, facts, part, now)


def _exempt(cleanup: Cleanup, facts: Facts, part: Part, now: datetime) -> Exempt | None:
    reasons = (
        (Exempt.ELSEWHERE, facts.elsewhere),
        (Exempt.RIPENING, facts.flags & FlagBit.RIPENING),
        (Exempt.CUSTOMER, facts.customer),
        (Exempt.REFUSER, facts.temperature is Temperature.REFUSER),
        (Exempt.DECLINED, _declines(cleanup, facts)),
        (Exempt.PAUSED, _pauses(facts, now)),
        (Exempt.CLEANED, facts.cleaned_at is not None and facts.cleaned_at > now - AGAIN_AFTER),
        (Exempt.UNSEEN, part is Part.REPERMISSION and cleanup.repermission is None),
    )
    return next((reason for reason, holds in reasons if holds), None)


def closing_refused(cleanup: Cleanup, facts: Facts, now: datetime) -> Exempt | None:
    """Why a silent person is not asked for the last time, and so is kept; None where they are asked."""
    reasons = (
        (Exempt.GONE, facts.status is not Status.SUBSCRIBED),
        (Exempt.ELSEWHERE, facts.elsewhere),
        (Exempt.CUSTOMER, facts.customer),
        (Exempt.DECLINED, _declines(cleanup, facts)),
        (Exempt.PAUSED, _pauses(facts, now)),
    )
    return next((reason for reason, holds in reasons if holds), None)


def _declines(cleanup: Cleanup, facts: Facts) -> bool:
    return facts.kinds is Kinds.USEFUL or bool(facts.declined_topics & topics_of(cleanup))


def _pauses(facts: Facts, now: datetime) -> bool:
    return facts.paused_until is not None and facts.paused_until > now


def topics_of(cleanup: Cleanup) -> frozenset[str]:
    return frozenset(letter.topic for letter in letters_of(cleanup) if letter.topic)

"""Flags beside the class: ripening, fading, lost; each with the facts that raise it or take it away."""

from datetime import timedelta

from nurture.domain.signs import Signs, Yardstick, day, whole
from nurture.domain.standing import FlagBit, unpack_peaks
from nurture.domain.words import Engagement

YEAR = whole(timedelta(days=365))
HALF_YEAR = whole(timedelta(days=183))
PEAK_MONTHS = 12


def flags_of(signs: Signs, engagement: Engagement, yard: Yardstick) -> int:
    """Bits of `FlagBit` by today's facts, for a person who stands in `engagement`.

    ripening: passive with any human sign in 12 months, or joined under 6 months ago. fading: active or fan, and the score is under half of
    its 12-month peak. lost: passive or unobservable, joined long ago, silent as long.
    """
    if engagement is Engagement.PASSIVE:
        return (FlagBit.RIPENING.value if _ripens(signs, yard) else 0) | (FlagBit.LOST.value if _is_lost(signs, yard) else 0)
    if engagement is Engagement.UNOBSERVABLE:
        return FlagBit.LOST.value if _is_lost(signs, yard) else 0
    if engagement is Engagement.NEW:
        return 0
    now, peak = scores(signs, yard)
    return FlagBit.FADING.value if now < peak / 2 else 0


def _ripens(signs: Signs, yard: Yardstick) -> bool:
    return (signs.last_sign is not None and yard.now - signs.last_sign <= YEAR) or yard.now - signs.joined < HALF_YEAR


def _is_lost(signs: Signs, yard: Yardstick) -> bool:
    silent = signs.last_sign is None or yard.now - signs.last_sign >= yard.lost_after
    return silent and yard.now - signs.joined >= yard.lost_after


def scores(signs: Signs, yard: Yardstick) -> tuple[float, float]:
    """(score of today, its peak in these twelve calendar months); nothing scored is (0, 0)."""
    if signs.scored is None:
        return 0.0, 0.0
    since = yard.month - PEAK_MONTHS
    peak = max((score for month, score in unpack_peaks(signs.peaks) if month > since), default=signs.score)
    return signs.score * 2.0 ** (-(yard.now - signs.scored) / yard.half_life), peak


def why(signs: Signs, engagement: Engagement, flag: FlagBit, yard: Yardstick, *, raised: bool) -> str:
    """The fact that raised this flag or took it away."""
    if flag is FlagBit.FADING:
        return _why_fading(signs, engagement, yard, raised=raised)
    carriers = (Engagement.PASSIVE,) if flag is FlagBit.RIPENING else (Engagement.PASSIVE, Engagement.UNOBSERVABLE)
    if not raised and engagement not in carriers:
        return f"is {engagement.value} now"
    sign = f"the last sign of life was on {day(signs.last_sign)}" if signs.last_sign is not None else "there was never a sign of life"
    if flag is FlagBit.RIPENING and raised and (signs.last_sign is None or yard.now - signs.last_sign > YEAR):
        return f"joined on {day(signs.joined)}, under 6 months ago"
    if flag is FlagBit.LOST and raised:
        return f"joined on {day(signs.joined)}, and {sign}"
    return sign if raised or flag is FlagBit.LOST else f"{sign}, and six months have passed since joining"


def _why_fading(signs: Signs, engagement: Engagement, yard: Yardstick, *, raised: bool) -> str:
    if not raised and engagement not in (Engagement.ACTIVE, Engagement.FAN):
        return f"is {engagement.value} now"
    now, peak = scores(signs, yard)
    return f"the score of {now:.1f} is {'under' if raised else 'not under'} half of its 12-month peak of {peak:.1f}"

"""Engagement classes from human signals only, with an honest "cannot tell", and when a class may move.

80 % passive, 17 % active, 3 % fans is what is usual in a list; interest decays over about eighteen months (the marketing practice).
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from nurture.domain.signs import ANSWERED, OPENED, OWN, PROXY, Signs, Yardstick, counted, day, having, instants, whole
from nurture.domain.standing import ENTRY_BYTES
from nurture.domain.words import Engagement, Tracking

EIGHTEEN_MONTHS = whole(timedelta(days=548))
BETWEEN_DOWNS = whole(timedelta(days=6))
RANK: dict[str, int] = {Engagement.NEW: 0, Engagement.UNOBSERVABLE: 0, Engagement.PASSIVE: 0, Engagement.ACTIVE: 1, Engagement.FAN: 2}
CLASSES: dict[str, Engagement] = {e.value: e for e in Engagement}
_TRACKINGS: dict[str, Tracking] = {t.value: t for t in Tracking}


class Verdict(NamedTuple):
    engagement: Engagement
    reason: str


class Moved(NamedTuple):
    """The class after hysteresis. `downs`: verdicts below the class in a row, weekly runs only; `downs_at`: when the first fell, in UTC
    seconds.
    """

    engagement: Engagement
    downs: int
    downs_at: int | None
    reason: str


_SILENT = Verdict(Engagement.PASSIVE, "no answer in the letters and days that count")


def judge(signs: Signs, yard: Yardstick) -> Verdict:
    """The class by today's facts; first match wins, so classes never overlap."""
    ats, marks = counted(signs, yard)
    last = marks[-yard.fan_of :]
    answered = having(last, ANSWERED)
    if answered >= yard.fan_answers:
        return Verdict(Engagement.FAN, f"answered {answered} of the last {len(last)} letters")
    active = _active(signs, ats, marks, yard)
    if active:
        bought = sum(yard.now - at <= EIGHTEEN_MONTHS for at in instants(signs.purchases)) if signs.purchases else 0
        if bought >= yard.fan_purchases:
            return Verdict(Engagement.FAN, f"active, and {bought} purchases or visits in 18 months")
        return Verdict(Engagement.ACTIVE, active)
    if len(ats) < yard.new_below and signs.received * ENTRY_BYTES <= len(signs.recent):
        return Verdict(Engagement.NEW, f"only {len(ats)} letters count so far")
    unseen = _unobservable(signs, last, yard)
    return Verdict(Engagement.UNOBSERVABLE, unseen) if unseen else _SILENT


def _unobservable(signs: Signs, last: bytes, yard: Yardstick) -> str | None:
    """Why nobody can tell whether this person reads, or None."""
    tracking = _TRACKINGS[signs.tracking] if signs.tracking else yard.tracking
    if tracking is not Tracking.INDIVIDUAL:
        return f"tracking is {tracking.value}"
    if having(last, PROXY) and not having(last, OWN):
        return f"a proxy opens for this person, and no sign of their own in the last {len(last)} letters"
    return None


def _active(signs: Signs, ats: tuple[int, ...], marks: bytes, yard: Yardstick) -> str | None:
    """An answer within the days or the letters, whichever reaches further back; or a share of the letters there opened."""
    since = yard.now - yard.active_for
    if ats:
        since = min(since, ats[max(0, len(ats) - yard.active_letters)])
    if signs.answers:
        answered = int.from_bytes(signs.answers[-4:], "big")
        if answered >= since:
            return f"answered on {day(answered)}"
    if not having(marks, OPENED):
        return None
    first = bisect_left(ats, since)
    opened, there = having(marks[first:], OPENED), len(ats) - first
    if opened >= max(yard.active_open_least, yard.active_open_share * there):
        return f"opened {opened} of {there} letters"
    return None


def move(signs: Signs, verdict: Verdict, now: int, *, weekly: bool) -> Moved:
    """Up as soon as a verdict has settled; down only by the weekly run, after two in a row at least six days apart."""
    old, new = CLASSES[signs.engagement], verdict.engagement
    rise = 0 if new is old else RANK[new] - RANK[old]
    if rise > 0 or (rise == 0 and weekly):
        return Moved(new, 0, None, verdict.reason)
    if not weekly:
        return Moved(old, signs.downs, signs.downs_at, verdict.reason)
    if signs.downs >= 1 and signs.downs_at is not None and now - signs.downs_at >= BETWEEN_DOWNS:
        return Moved(new, 0, None, verdict.reason)
    return Moved(old, 1, now if signs.downs_at is None else signs.downs_at, f"may move to {new.value} next week: {verdict.reason}")


def raised_from(moves: Iterable[tuple[str, str]]) -> str | None:
    """The class before the first rise among these moves ((old, new), oldest first); None: nothing rose."""
    return next((old for old, new in moves if RANK[new] > RANK[old]), None)


def undo(signs: Signs, verdict: Verdict, raised_from: str | None) -> Moved | None:
    """A withdrawn verdict undoes its own move at once: back to the class it raised the person from, or as far as other facts carry.

    `raised_from`: the class before the first rise since the withdrawn sign; None: it raised nobody. Returns None where nothing is undone.
    """
    if raised_from is None:
        return None
    floor = CLASSES[raised_from] if RANK[raised_from] >= RANK[verdict.engagement] else verdict.engagement
    if RANK[floor] >= RANK[signs.engagement]:
        return None
    return Moved(floor, 0, None, "a signal was withdrawn: it came from a machine")

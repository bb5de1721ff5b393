"""Engagement classes from human signals only, with an honest "cannot tell"; flags; and when a class may move.

80 % passive, 17 % active, 3 % fans is what is usual in a list; interest decays over about eighteen months (the marketing practice).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.documents import EngagementPolicy
from nurture.domain.folding import decayed, month_of
from nurture.domain.standing import Entry, FlagBit, Mark, Standing
from nurture.domain.words import Engagement, Tracking

USUAL = {Engagement.PASSIVE: 0.80, Engagement.ACTIVE: 0.17, Engagement.FAN: 0.03}
YEAR = timedelta(days=365)
EIGHTEEN_MONTHS = timedelta(days=548)
HALF_YEAR = timedelta(days=183)
BETWEEN_DOWNS = timedelta(days=6)
_RANK = {Engagement.NEW: 0, Engagement.UNOBSERVABLE: 0, Engagement.PASSIVE: 0, Engagement.ACTIVE: 1, Engagement.FAN: 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    engagement: Engagement
    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The class after hysteresis. `downs`: verdicts below the class in a row, weekly runs only."""

    engagement: Engagement
    downs: int
    downs_at: datetime | None
    reason: str


def counted(standing: Standing, policy: EngagementPolicy, now: datetime) -> list[Entry]:
    """A letter counts once accepted for three days, or answered; bounced and uncertain ones never."""
    return [
        e for e in standing.recent if not e.marks & (Mark.BOUNCED | Mark.UNCERTAIN) and (e.answered or now - e.at >= policy.counts_after)
    ]


def judge(standing: Standing, tracking: Tracking, policy: EngagementPolicy, now: datetime) -> Verdict:
    """The class by today's facts; first match wins, so classes never overlap."""
    letters = counted(standing, policy, now)
    last = letters[-policy.fan_of :]
    active = _active(standing, letters, policy, now)
    answered = sum(e.answered for e in last)
    if answered >= policy.fan_answers:
        return Verdict(Engagement.FAN, f"answered {answered} of the last {len(last)} letters")
    bought = sum(now - at <= EIGHTEEN_MONTHS for at in standing.purchases)
    if active and bought >= policy.fan_purchases:
        return Verdict(Engagement.FAN, f"active, and {bought} purchases or visits in 18 months")
    if active:
        return Verdict(Engagement.ACTIVE, active)
    if len(letters) < policy.new_below and standing.received <= len(standing.recent):
        return Verdict(Engagement.NEW, f"only {len(letters)} letters count so far")
    unseen = _unobservable(last, tracking)
    if unseen:
        return Verdict(Engagement.UNOBSERVABLE, unseen)
    return Verdict(Engagement.PASSIVE, "no answer in the letters and days that count")


def _unobservable(last: list[Entry], tracking: Tracking) -> str | None:
    """Why nobody can tell whether this person reads, or None."""
    if tracking is not Tracking.INDIVIDUAL:
        return f"tracking is {tracking.value}"
    signs = Mark.OPENED | Mark.CLICKED | Mark.ANSWERED
    if any(e.marks & Mark.PROXY for e in last) and not any(e.marks & signs for e in last):
        return f"a proxy opens for this person, and no sign of their own in the last {len(last)} letters"
    return None


def _active(standing: Standing, letters: list[Entry], policy: EngagementPolicy, now: datetime) -> str | None:
    back = now - policy.active_days
    since = min([back, *(e.at for e in letters[-policy.active_letters :])])
    if standing.answers and standing.answers[-1] >= since:
        return f"answered on {standing.answers[-1]:%d %b %Y}"
    there = [e for e in letters if e.at >= since]
    opened = sum(bool(e.marks & Mark.OPENED) for e in there)
    if opened >= max(policy.active_open_least, policy.active_open_share * len(there)):
        return f"opened {opened} of {len(there)} letters"
    return None


def move(standing: Standing, verdict: Verdict, now: datetime, *, weekly: bool) -> Moved:
    """Up as soon as a verdict has settled; down only by the weekly run, after two in a row at least six days apart."""
    old, new = standing.engagement, verdict.engagement
    same = Moved(old, standing.downs, standing.downs_at, verdict.reason)
    if new is old:
        return Moved(old, 0, None, verdict.reason) if weekly else same
    if _RANK[new] > _RANK[old]:
        return Moved(new, 0, None, verdict.reason)
    if _RANK[new] == _RANK[old]:
        return Moved(new, 0, None, verdict.reason) if weekly else same
    if not weekly:
        return same
    if standing.downs >= 1 and standing.downs_at and now - standing.downs_at >= BETWEEN_DOWNS:
        return Moved(new, 0, None, verdict.reason)
    return Moved(old, 1, standing.downs_at or now, f"may move to {new.value} next week: {verdict.reason}")


def undo(standing: Standing, verdict: Verdict, last_move: tuple[str, str] | None) -> Moved | None:
    """A withdrawn verdict undoes its own move at once: back to the class before, when the facts no longer carry the last rise. None:
    nothing to undo.
    """
    if last_move is None or last_move[1] != standing.engagement.value or _RANK[verdict.engagement] >= _RANK[standing.engagement]:
        return None
    before = Engagement(last_move[0])
    return Moved(before, 0, None, "a signal was withdrawn: it came from a machine") if _RANK[before] < _RANK[standing.engagement] else None


def flags_of(standing: Standing, engagement: Engagement, joined_at: datetime, policy: EngagementPolicy, now: datetime) -> FlagBit:
    """ripening: passive with any human sign in 12 months, or joined under 6 months ago. fading: the score is under half of its 12-month
    peak.
    """
    flags = FlagBit(0)
    sign = standing.last_sign_at
    if engagement is Engagement.PASSIVE and ((sign and now - sign <= YEAR) or now - joined_at < HALF_YEAR):
        flags |= FlagBit.RIPENING
    if engagement in (Engagement.ACTIVE, Engagement.FAN) and standing.score_at:
        peak = max((score for month, score in standing.peaks if month > month_of(now) - 12), default=standing.score)
        if decayed(standing.score, standing.score_at, now, policy.half_life) < peak / 2:
            flags |= FlagBit.FADING
    silent = sign is None or now - sign >= policy.lost_after
    if engagement in (Engagement.PASSIVE, Engagement.UNOBSERVABLE) and silent and now - joined_at >= policy.lost_after:
        flags |= FlagBit.LOST
    return flags

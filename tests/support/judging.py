"""The rules of classes asked about a standing as Python sees it; they read its packed form, which is made here."""

from datetime import UTC, datetime, timedelta

from nurture.domain import engagement, flags, temperature
from nurture.domain.documents import EngagementPolicy
from nurture.domain.engagement import Moved, Verdict
from nurture.domain.signs import Signs, Yardstick, seconds, yardstick
from nurture.domain.signs import counted as counted_signs
from nurture.domain.standing import FlagBit, Standing, pack_entries, pack_instants, pack_peaks, unpack_entries
from nurture.domain.temperature import Reading
from nurture.domain.words import Engagement, Tracking

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(moment: datetime | None) -> int | None:
    return None if moment is None else seconds(moment)


def instant(moment: int | None) -> datetime | None:
    return None if moment is None else EPOCH + timedelta(seconds=moment)


def signs_of(standing: Standing, joined: datetime = EPOCH, tracking: Tracking | None = None) -> Signs:
    """As the store would read it."""
    return Signs(
        subscriber_id=standing.subscriber_id, recent=pack_entries(standing.recent), received=standing.received,
        answers=pack_instants(standing.answers), purchases=pack_instants(standing.purchases), last_sign=at(standing.last_sign_at),
        bought=at(standing.bought_at), wanted=at(standing.wanted_at), asked=at(standing.asked_at), refused=at(standing.refused_at),
        score=standing.score, scored=at(standing.score_at), peaks=pack_peaks(standing.peaks), joined=seconds(joined),
        tracking=tracking.value if tracking else None, engagement=standing.engagement.value, downs=standing.downs,
        downs_at=at(standing.downs_at), flags=int(standing.flags), temperature=standing.temperature.value,
    )  # fmt: skip


def laid(policy: EngagementPolicy, now: datetime, tracking: Tracking = Tracking.INDIVIDUAL) -> Yardstick:
    return yardstick(policy, tracking, now)


def judge(standing: Standing, tracking: Tracking, policy: EngagementPolicy, now: datetime) -> Verdict:
    return engagement.judge(signs_of(standing, tracking=tracking), laid(policy, now))


def counted(standing: Standing, policy: EngagementPolicy, now: datetime) -> list[int]:
    """Numbers of the deliveries that count; letters are told apart by their moments and marks."""
    kept = list(zip(*counted_signs(signs_of(standing), laid(policy, now)), strict=True))
    entries = unpack_entries(pack_entries(standing.recent))
    return [e.delivery for e in entries if (seconds(e.at), int(e.marks)) in kept]


def move(standing: Standing, verdict: Verdict, now: datetime, *, weekly: bool) -> Moved:
    return engagement.move(signs_of(standing), verdict, seconds(now), weekly=weekly)


def undo(standing: Standing, verdict: Verdict, raised_from: Engagement | None) -> Moved | None:
    return engagement.undo(signs_of(standing), verdict, raised_from)


def flags_of(standing: Standing, stands: Engagement, joined: datetime, policy: EngagementPolicy, now: datetime) -> FlagBit:
    return FlagBit(flags.flags_of(signs_of(standing, joined), stands, laid(policy, now)))


def take(standing: Standing, now: datetime) -> Reading:
    return temperature.take(signs_of(standing), seconds(now))

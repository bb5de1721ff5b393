"""Watching campaigns: how each stands, when it goes on, what became of its newest occasion. Nothing here writes."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from nurture.domain.documents import Campaign, Policy, Segment, lane_name
from nurture.domain.occasions import Occasion
from nurture.store.database import Connection, Database
from nurture.store.documents import StoredDocument, load_documents, load_policy
from nurture.store.lanes import notices
from nurture.store.occasions import count_accepted, count_ways, newest_begun, occasion_of, to_come, unended_occasions

Standing: TypeAlias = Literal["draft", "running", "paused", "finished", "cancelled"]


@dataclass(frozen=True, slots=True)
class Turnout:
    """What became of the people whom one occasion took in: the letter left for `sent`, `skipped` ended without it, the others wait."""

    nominal: date
    people: int = 0
    sent: int = 0
    skipped: int = 0

    @property
    def under_way(self) -> int:
        return max(0, self.people - self.sent - self.skipped)


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """`coming`: its next occasion; of a draft the first one if it were started now. `last`: the newest that has begun somewhere.
    `because`: why it stands still; `segment`: what those are called who get it.
    """

    campaign: Campaign
    segment: str
    standing: Standing
    because: str = ""
    coming: Occasion | None = None
    last: Turnout | None = None


async def campaigns(db: Database, now: datetime) -> tuple[list[CampaignLine], str]:
    """Every campaign by name, and the zone of the workspace. A handful of statements, however many there are."""
    async with db.read() as tx:
        policy = await load_policy(tx)
        stopped = await notices(tx)
        stored = [(s, s.document) for s in await load_documents(tx, "campaign") if isinstance(s.document, Campaign)]
        titles = {s.name: s.document.title for s in await load_documents(tx, "segment") if isinstance(s.document, Segment)}
        last = await _turnouts(tx, {s.id: lane_name(campaign) for s, campaign in stored}, now)
        next_one = {row.campaign_id: row for row in await unended_occasions(tx) if row.filled_at is None}
    found = []
    for kept, campaign in stored:
        row = next_one.get(kept.id)
        coming = occasion_of(row, campaign, ZoneInfo(policy.timezone)) if row else _first(kept, campaign, policy, now)
        because = stopped.get(lane_name(campaign), "")
        called = titles.get(campaign.segment) or campaign.segment
        found.append(CampaignLine(campaign, called, _standing(kept.state, because), because, coming, last.get(kept.id)))
    return found, policy.timezone


def _standing(state: str, because: str) -> Standing:
    match state:
        case "running":
            return "paused" if because else "running"
        case "finished" | "cancelled":
            return state
    return "draft"


def _first(stored: StoredDocument, campaign: Campaign, policy: Policy, now: datetime) -> Occasion | None:
    """The first occasion of a draft that is started now; None where its moment has passed."""
    if stored.state in ("running", "finished", "cancelled"):
        return None
    first = next(to_come(campaign, None, now, policy), None)
    return None if first is None or first.is_over(now, policy.lateness) else first


async def _turnouts(tx: Connection, lane_names: dict[int, str], now: datetime) -> dict[int, Turnout]:
    begun = [row for row in await newest_begun(tx, now) if row.campaign_id in lane_names]
    ways, letters = await count_ways(tx, begun), await count_accepted(tx, begun, lane_names)
    found = {}
    for row in begun:
        people, active = ways.get(row.campaign_id, (0, 0))
        sent, fresh = letters.get(row.campaign_id, (0, 0))
        found[row.campaign_id] = Turnout(row.nominal, people, sent, max(0, people - active - (sent - fresh)))
    return found

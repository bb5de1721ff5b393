"""Campaigns: start one, and open each occasion when its date begins somewhere. The planner then treats each person's letter as any other.

An occasion takes in the people of its segment once, a chunk a transaction; what a crash left undone the next sweep goes on with. One whose
letter comes from a folder or a feed opens when drawing.py has found it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from nurture.domain.conditions import Condition
from nurture.domain.documents import Campaign, Policy
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.occasions import Occasion
from nurture.domain.variants import held_out
from nurture.store import occasions as store
from nurture.store.conditions import matching_query
from nurture.store.database import Connection, Database
from nurture.store.documents import ensure_lane, load_document, load_documents, load_policy, set_state
from nurture.store.lanes import set_lane
from nurture.store.occasions import OccasionRow
from nurture.store.programme import load_programme
from nurture.store.standings import look_now

CHUNK = 1_000
_EVERYWHERE = timedelta(days=2)  # until a date has passed in every zone
RUNNING, FINISHED = "running", "finished"
_ENDED = {"finished": "has run", "cancelled": "was cancelled"}


async def start(db: Database, name: str, now: datetime) -> Occasion:
    """Let a campaign run; returns its first occasion. Raises NurtureError when it is unknown, has begun, or has no moment to come."""
    async with db.write() as tx:
        stored = await load_document(tx, "campaign", name)
        if stored is None or not isinstance(stored.document, Campaign):
            raise NurtureError(
                f"There is no campaign {name!r}; apply its file first, or look at the names with: nurture campaign list", ErrorKind.MISSING
            )
        if stored.state == RUNNING:
            raise NurtureError(f"The campaign {name!r} runs already.", ErrorKind.CONFLICT)
        if stored.state in _ENDED:
            raise NurtureError(
                f"The campaign {name!r} {_ENDED[stored.state]}; write it under another name to send it again.", ErrorKind.CONFLICT
            )
        policy = await load_policy(tx)
        first = next(store.to_come(stored.document, None, now, policy), None)
        if first is None or first.is_over(now, policy.lateness):
            raise NurtureError(
                f"The schedule of {name!r} lies in the past; give it a moment to come and apply it again.", ErrorKind.CONFLICT
            )
        await set_state(tx, stored.id, RUNNING, now)
        await ensure_lane(tx, f"campaign:{name}", stored.document.priority)
        await set_lane(tx, f"campaign:{name}", "running")
        await store.set_coming(tx, stored.id, 1, first)
        return first


async def open_occasions(db: Database, now: datetime, chunk: int = CHUNK) -> int:
    """The sweep: take in the people of every occasion that has begun somewhere, and write down the next. Returns how many were taken in."""
    async with db.read() as tx:
        programme = await load_programme(db, tx)
    taken = 0
    for campaign_id, (campaign, live) in programme.campaigns.items():
        where = programme.segments.get(campaign.segment)
        while live and where is not None:
            async with db.write() as tx:
                some = await _open(tx, campaign_id, campaign, where, programme.policy, now, chunk)
            taken += some
            if some < chunk:
                break
    return taken


async def _open(tx: Connection, campaign_id: int, campaign: Campaign, where: Condition, policy: Policy, now: datetime, chunk: int) -> int:
    row = await store.coming_occasion(tx, campaign_id)
    if row is None:
        return 0
    if row.opens_at > now or not await store.has_ways(tx, row):
        row = await as_scheduled(tx, row, campaign, policy, now)
    if row is None or row.opens_at > now or (campaign.frozen and row.letter is None):
        return 0
    people: list[int] = []
    if not too_late(row, campaign, now):
        people = await store.not_taken_in(tx, row, matching_query(where, now, policy.timezone), chunk)
        without = {person for person in people if held_out(campaign.name, person, campaign.holdout)}
        await store.take_in(tx, row, people, now, without)
        await look_now(tx, people, now)
    if len(people) < chunk:
        await store.mark_filled(tx, row.id, now)
        await store.set_coming(tx, campaign_id, row.number + 1, next(store.to_come(campaign, row.nominal, now, policy), None))
    return len(people)


def too_late(row: OccasionRow, campaign: Campaign, now: datetime) -> bool:
    """Whether the occasion stood still, in a pause say, for longer than its letter is to wait: nobody is taken in any more."""
    return now >= row.opens_at + _EVERYWHERE + campaign.until


async def as_scheduled(tx: Connection, row: OccasionRow, campaign: Campaign, policy: Policy, now: datetime) -> OccasionRow | None:
    """The occasion to come as the schedule says now: an edit may have moved it, and after an outage only the newest one opens."""
    if campaign.schedule == "now":
        return row
    last = await store.last_occasion(tx, row.campaign_id)
    coming = store.to_come(campaign, last.nominal if last else None, min(row.opens_at, now), policy)
    await store.set_coming(tx, row.campaign_id, row.number, _newest_begun(coming, now))
    return await store.coming_occasion(tx, row.campaign_id)


def _newest_begun(coming: Iterator[Occasion], now: datetime) -> Occasion | None:
    """Of those to come the last one that has begun, else the first: a letter of the week before would be late."""
    found = next(coming, None)
    for later in coming:
        if later.opens_at > now:
            break
        found = later
    return found


async def close_occasions(db: Database, now: datetime) -> None:
    """Occasions whose last way has ended are over; a campaign with none left and none to come is finished."""
    async with db.write() as tx:
        await store.end_over(tx, now)
        going = {row.campaign_id for row in await store.unended_occasions(tx)}
        for stored in await load_documents(tx, "campaign"):
            if stored.state == RUNNING and stored.id not in going:
                await set_state(tx, stored.id, FINISHED, now)

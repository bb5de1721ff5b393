"""Judge: compare the variants of an occasion, and send the better one to those who waited for it."""

from datetime import datetime, timedelta

from nurture.domain.documents import Campaign, lane_name
from nurture.domain.trials import Verdict, judge
from nurture.domain.variants import FIRST, NAMES
from nurture.store import occasions as store
from nurture.store.audiences import look_again
from nurture.store.campaign_results import accepted_by_minute, answers_in_time, first_accepted
from nurture.store.database import Connection, Database
from nurture.store.lanes import notices
from nurture.store.occasions import OccasionRow
from nurture.store.programme import load_programme
from nurture.store.workspace import halted_because

_NEVER_BEGAN = timedelta(days=7)  # so long an occasion whose test never left is waited for, at least: the next hour may be after a weekend


async def verdict_of(tx: Connection, row: OccasionRow, campaign: Campaign, now: datetime) -> Verdict:
    """As things stand now; who got the winner afterwards took no part in the test."""
    letters = await accepted_by_minute(tx, row, row.decided_at)
    answers = await answers_in_time(tx, row, campaign.trial.outcome, row.decided_at, now)
    arms = {name: letters.get(name, []) for name in NAMES[: len(campaign.variants) + 1]}
    return judge(arms, [(at, name) for at, name in answers if name in arms])


async def decide_tests(db: Database, now: datetime) -> list[str]:
    """The sweep: of every occasion whose people wait for a test, whether it has a winner by now. Returns a sentence for each decided.

    While its lane stands still, or everything is halted, so does the clock of a test; a winner that the evidence names is named all the
    same.
    """
    async with db.read() as tx:
        programme = await load_programme(db, tx)
        waiting = [
            (row, programme.campaigns[row.campaign_id][0])
            for row in await store.unended_occasions(tx)
            if row.campaign_id in programme.campaigns and row.number > 0 and row.winner is None and row.opens_at <= now
        ]
        tried = [(row, campaign, await first_accepted(tx, row)) for row, campaign in waiting if campaign.trial.then]
        standing = await notices(tx) if tried else {}
        halted = await halted_because(tx) is not None
    said = []
    for row, campaign, began in tried:
        stands = halted or lane_name(campaign) in standing
        if stands == (row.paused_at is None):
            async with db.write() as tx:
                await (store.stand_still(tx, row, now) if stands else store.go_on(tx, row, began, now))
            continue  # the next sweep reads how long it stood
        async with db.read() as tx:
            decision = await _decision(tx, row, campaign, began, now, stands=stands)
        if decision is None:
            continue
        variant, sentence = decision
        async with db.write() as tx:
            if await store.set_winner(tx, row.id, variant, now, sentence):
                await look_again(tx, now, row.campaign_id)
                said.append(f"{campaign.name}: {sentence}")
    return said


async def _decision(
    tx: Connection, row: OccasionRow, campaign: Campaign, began: datetime | None, now: datetime, *, stands: bool
) -> tuple[str, str] | None:  # fmt: skip
    """(variant for the rest, why), None while the test goes on, or stands without a winner."""
    verdict = await verdict_of(tx, row, campaign, now)
    if verdict.winner:
        return verdict.winner, f"{verdict.sentence} It goes to the rest."
    if stands or now < _ends(row, campaign, began):
        return None
    return FIRST, f"{verdict.sentence} The time of the test is over, so the rest gets the letter as it was written."


def _ends(row: OccasionRow, campaign: Campaign, began: datetime | None) -> datetime:
    if began is None:
        return row.opens_at + max(_NEVER_BEGAN, campaign.until) + timedelta(seconds=row.paused_before or 0)
    return began + campaign.trial.within + timedelta(seconds=row.paused_for or 0)

"""Judge: compare the variants of an occasion, and send the better one to those who waited for it."""

from datetime import datetime, timedelta

from nurture.domain.documents import Campaign
from nurture.domain.trials import Verdict, judge
from nurture.domain.variants import FIRST, NAMES
from nurture.store import occasions as store
from nurture.store.audiences import look_again
from nurture.store.campaign_results import accepted_by_minute, answers_in_time, first_accepted
from nurture.store.database import Connection, Database
from nurture.store.occasions import OccasionRow
from nurture.store.programme import load_programme

_NEVER_BEGAN = timedelta(days=3)  # so long an occasion whose test never left is waited for


async def verdict_of(tx: Connection, row: OccasionRow, campaign: Campaign, now: datetime) -> Verdict:
    """As things stand now; who got the winner afterwards took no part in the test."""
    letters = await accepted_by_minute(tx, row, row.decided_at)
    answers = await answers_in_time(tx, row, campaign.trial.outcome, row.decided_at, now)
    arms = {name: letters.get(name, []) for name in NAMES[: len(campaign.variants) + 1]}
    return judge(arms, [(at, name) for at, name in answers if name in arms])


async def decide_tests(db: Database, now: datetime) -> list[str]:
    """The sweep: of every occasion whose people wait for a test, whether it has a winner by now. Returns a sentence for each decided."""
    async with db.read() as tx:
        programme = await load_programme(db, tx)
        waiting = [
            (row, programme.campaigns[row.campaign_id][0])
            for row in await store.unended_occasions(tx)
            if row.campaign_id in programme.campaigns and row.number > 0 and row.winner is None and row.opens_at <= now
        ]
        tried = [(row, campaign, await _decision(tx, row, campaign, now)) for row, campaign in waiting if campaign.trial.then]
    said = []
    for row, campaign, decision in tried:
        if decision is None:
            continue
        variant, sentence = decision
        async with db.write() as tx:
            if await store.set_winner(tx, row.id, variant, now, sentence):
                await look_again(tx, now, row.campaign_id)
                said.append(f"{campaign.name}: {sentence}")
    return said


async def _decision(tx: Connection, row: OccasionRow, campaign: Campaign, now: datetime) -> tuple[str, str] | None:
    """(variant for the rest, why), None while the test goes on."""
    verdict = await verdict_of(tx, row, campaign, now)
    if verdict.winner:
        return verdict.winner, f"{verdict.sentence} It goes to the rest."
    began = await first_accepted(tx, row)
    ends = began + campaign.trial.within if began else row.opens_at + _NEVER_BEGAN
    if now < ends:
        return None
    return FIRST, f"{verdict.sentence} The time of the test is over, so the rest gets the letter as it was written."

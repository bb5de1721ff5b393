"""Learn at which hours people act: the pull of the list and of each lane, from the newest letters. A person's own acts are folded."""

from datetime import datetime, timedelta

from nurture.domain.heat import tallies
from nurture.domain.rhythm import HOURS, learn_pulls
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.rhythms import Answered, save_pulls

LOOKS_BACK = timedelta(days=180)
NEWEST = 500_000  # letters are enough for any list's hours, and keep the run short on a long one


async def learn_hours(db: Database, now: datetime) -> int:
    """Learn anew and store; returns from how many acts. Nothing is stored while nobody has acted."""
    async with db.read() as tx:
        home = (await load_policy(tx)).timezone
        found, delays = tallies((), (), home), [0] * HOURS
        async for part in Answered.that_teach(tx, now - LOOKS_BACK, NEWEST):
            tallies(await part.letters(), await part.acts(credited=True), home, found)
            delays = [one + other for one, other in zip(delays, await part.delays(), strict=True)]
    everybody = found[""]
    acts = sum(everybody.acts)
    if not acts:
        return 0
    pulls = learn_pulls(everybody, {name: tally for name, tally in found.items() if name}, delays)
    async with db.write() as tx:
        await save_pulls(tx, pulls, found, now)
    return acts

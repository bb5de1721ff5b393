"""Measure the list's own figures of time: how fast interest decays, and how long people take to buy for the first time."""

from datetime import datetime

from nurture.domain.curves import Curves, decay_of, first_purchase_of
from nurture.store.curves import count_first_purchases, count_interest
from nurture.store.database import Database
from nurture.store.documents import load_policy


async def measure(db: Database, now: datetime) -> Curves:
    """Both curves as of `now`. Interest is over with its last sign when nobody saw another for the policy's `active_days`."""
    async with db.read() as tx:
        silence = (await load_policy(tx)).engagement.active_days
        spells, answered = await count_interest(tx, now, silence)
        return Curves(decay_of(spells, answered), first_purchase_of(await count_first_purchases(tx, now)))

"""Preview another policy: the whole list judged by both, and nothing written."""

from collections import Counter
from datetime import datetime

from nurture.domain.documents import Policy
from nurture.domain.engagement import CLASSES
from nurture.domain.previews import Preview, Shift, meant, shift
from nurture.domain.signs import yardstick_of
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.standings import stream_signs
from nurture.store.subscribers import emails_of


async def preview_policy(db: Database, now: datetime, given: Policy, named: int | None = None, chunk: int = 2000) -> Preview:
    """Who would move under `given`. `named`: how many people are named for each move, the first by id; None: all of them."""
    async with db.read() as tx:
        policy = await load_policy(tx)
    present, other = yardstick_of(policy, now), yardstick_of(meant(given, policy), now)
    found, names, after = Preview(), Counter[tuple[str, str]](), 0
    while True:
        async with db.read() as tx:
            people = await stream_signs(tx, after, chunk)
            leading = [(signs, shift(signs, present, other)) for signs in people]
            chosen = []
            for signs, verdict in leading:
                found.note(signs, verdict)
                if verdict and (named is None or names[signs.engagement, verdict.engagement] < named):
                    names[signs.engagement, verdict.engagement] += 1
                    chosen.append((signs, verdict))
            emails = await emails_of(tx, [signs.subscriber_id for signs, _ in chosen])
        found.shifts += [
            Shift(emails[s.subscriber_id], CLASSES[s.engagement], v.engagement, v.reason) for s, v in chosen if s.subscriber_id in emails
        ]
        if len(people) < chunk:
            return found
        after = people[-1].subscriber_id

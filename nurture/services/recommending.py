"""The report of recommenders: who brings people, how constantly, and what became of whom they brought."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nurture.domain.recommending import Recommending, standing
from nurture.store import referrals
from nurture.store.database import Database
from nurture.store.subscribers import emails_of

NAMES = 50


@dataclass(frozen=True, slots=True)
class Recommender:
    """`people`: who joined by them, ever; `last_at`: when the last of these did."""

    subscriber_id: int
    email: str
    standing: Recommending
    people: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Recommendations:
    """`standings`: people by how they recommend, `never` counting the subscribed. `asked`: who filled in a form, `joined`: who confirmed.

    `statuses`, `engagement`: what became of those who joined. `recommenders`: those who brought most first.
    """

    standings: Mapping[str, int]
    asked: int
    joined: int
    statuses: Mapping[str, int]
    engagement: Mapping[str, int]
    recommenders: tuple[Recommender, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def recommendations(db: Database, now: datetime, names: int = NAMES) -> Recommendations:
    """`names`: how many recommenders are named."""
    async with db.read() as tx:
        brought = await referrals.joined_by(tx)
        leading = sorted(brought, key=lambda i: (-len(brought[i]), i))[:names]
        emails = await emails_of(tx, leading)
        asked, fates = await referrals.count_asked(tx), await referrals.became(tx)
        everybody, among = await referrals.subscribed_among(tx), await referrals.subscribed_among(tx, brought)
    found = {i: standing(moments, now) for i, moments in brought.items()}
    counted = Counter(word.value for word in found.values())
    statuses: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for (status, engagement), number in fates.items():
        statuses[status] += number
        classes[engagement] += number
    standings = {word.value: counted[word.value] for word in Recommending} | {Recommending.NEVER.value: everybody - among}
    named = tuple(Recommender(i, emails[i], found[i], len(brought[i]), brought[i][-1]) for i in leading if i in emails)
    return Recommendations(standings, asked, sum(map(len, brought.values())), dict(statuses), dict(classes), named)

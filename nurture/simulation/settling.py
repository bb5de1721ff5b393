"""Invented people move into a database, and their life there begins."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from nurture.domain.documents import Policy
from nurture.domain.tokens import TokenKey
from nurture.services.sending import Desk, SendingRules, send_due
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.life import Life
from nurture.simulation.people import Person
from nurture.simulation.returns import Returns, Soul
from nurture.store.chronicle import Taken
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.subscribers import add
from nurture.store.workers import enlist


async def settle_people(db: Database, people: Sequence[Person], now: datetime) -> dict[str, int]:
    """Add them all; id by address."""
    rows = [
        {
            **person.columns, "email": person.email, "tags": person.tags, "fields": person.fields, "topics": person.topics,
            "zone_source": "explicit", "joined_at": person.joined_at, "status_at": person.joined_at, "changed_at": now,
        }
        for person in people
    ]  # fmt: skip
    async with db.write() as tx:
        ids = await add(tx, rows)
    return dict(zip((p.email for p in people), ids, strict=True))


async def start_life(
    db: Database, people: Sequence[Person], ids: Mapping[str, int], now: datetime, seed: int, *, leaving: bool,
    heard: Callable[[Sequence[Taken]], None],
) -> Life:  # fmt: skip
    """The clock at `now`, first letters planned. `leaving`: whether people may leave."""
    async with db.read() as tx:
        policy = await load_policy(tx)
    clock = Clock(now)
    sink = Sink(clock)
    souls = {ids[p.email]: Soul(p.temper, max(now, p.joined_at)) for p in people}
    life = Life(db, clock, sink, Returns(souls, seed, leaving=leaving), await _sender(db, sink, clock, seed), heard, _span(policy))
    await life.begin()
    return life


async def _sender(db: Database, sink: Sink, clock: Clock, seed: int) -> Callable[[], Awaitable[object]]:
    """The sending of production, over the sink."""
    async with db.write() as tx:
        lease = await enlist(tx, "simulation", clock.now)
    rules = SendingRules("https://letters.example.com", captures=True, connections=1)
    keys = (TokenKey.derive(f"simulation {seed}"),)
    desk = Desk()

    async def send() -> None:
        await send_due(db, sink, lease, rules, keys, clock, desk)

    return send


def _span(policy: Policy) -> timedelta:
    """Two hours, less where a short gap lets a person get letters in quick turn."""
    return min(timedelta(hours=2), policy.gap / 4)

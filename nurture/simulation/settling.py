"""Invented people move into a database, and their life there begins."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.tokens import TokenKey
from nurture.services.sending import Desk, SendingRules, send_due
from nurture.simulation.clock import Sink
from nurture.simulation.life import Life
from nurture.simulation.people import Person
from nurture.simulation.returns import Returns, Soul
from nurture.store.chronicle import Taken
from nurture.store.database import Database
from nurture.store.documents import load_policy
from nurture.store.subscribers import add
from nurture.store.workers import enlist

BATCH = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class House:
    """What letters carry of their installation: the address of their links, and the keys that sign these."""

    base_url: str
    keys: tuple[TokenKey, ...]


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


def souls(people: Iterable[Person], ids: Mapping[str, int], now: datetime) -> dict[int, Soul]:
    """How they feel, by id: interest fades from now on, or from their joining where that lies ahead."""
    return {ids[p.email]: Soul(p.temper, max(now, p.joined_at)) for p in people}


async def start_life(
    db: Database, sink: Sink, returns: Returns, house: House, heard: Callable[[Sequence[Taken]], None] = lambda _letters: None
) -> Life:
    """Life from the moment that the sink's clock shows. `heard` is told of the letters that were accepted."""
    async with db.read() as tx:
        policy = await load_policy(tx)
    return Life(db, sink.clock, sink, returns, await _sender(db, sink, house), heard, min(BATCH, policy.gap / 4), policy.gap / 2)


async def _sender(db: Database, sink: Sink, house: House) -> Callable[[], Awaitable[object]]:
    """The sending of production, over the sink."""
    async with db.write() as tx:
        lease = await enlist(tx, "simulation", sink.clock.now)
    rules = SendingRules(house.base_url, captures=True, connections=1)
    desk = Desk()

    async def send() -> None:
        await send_due(db, sink, lease, rules, house.keys, sink.clock, desk)

    return send

"""Months of history for a demonstration: lived through in memory by the same services, then written to the database at once."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from nurture.bootstrap import App
from nurture.definitions.loading import Placed, load_files
from nurture.domain.documents import Campaign
from nurture.services import campaigning
from nurture.services.classifying import classify_weekly
from nurture.services.defining import apply
from nurture.services.learning import learn_hours
from nurture.shipped import shipped
from nurture.simulation.arrivals import Arrival, arrivals
from nurture.simulation.clock import Clock, Sink
from nurture.simulation.life import Life
from nurture.simulation.returns import Returns
from nurture.simulation.settling import House, settle_people, souls, start_life
from nurture.store.chronicle import ids_by_email
from nurture.store.database import Database, connect
from nurture.store.pouring import pour
from nurture.store.schema import migrate
from nurture.store.subscribers import add_tags, page, touch
from nurture.store.workspace import ensure_workspace, load_workspace

MONTH = timedelta(days=30)
DAY = timedelta(days=1)
CAMPAIGNS = 4 * 7 * DAY  # so long before the end the campaigns are started
UNKNOWN = 0.006  # of all addresses: the mailbox is gone
KEPT = 400  # letters that can still be looked at
Progress = Callable[[int, int], None]


async def furnish(app: App, *, people: int = 1_000, months: int = 4, seed: int = 1, progress: Progress | None = None) -> bool:
    """Fill an empty installation with the shipped documents and invented people; False when it has people already."""
    async with app.db.read() as tx:
        if await page(tx, 0, 1):
            return False
    house = House(app.settings.base_url, app.keys)
    documents = load_files([shipped("sequences")]).documents
    sink = await fill(app.db, documents, people=people, months=months, now=app.clock(), seed=seed, house=house, progress=progress)
    for envelope in sink.kept:
        await app.relay.deliver(envelope)
    return True


async def fill(
    db: Database, documents: Sequence[Placed], *, people: int, months: int, now: datetime, seed: int, house: House,
    progress: Progress | None = None,
) -> Sink:  # fmt: skip
    """Replace what `db` (SQLite, freshly migrated) holds by `months` of invented life that ends at `now` and goes on from there.

    People join all along, leave, buy and bounce; in the last weeks the campaigns run too. `progress(days, of)` after each day. Returns the
    sink with the last letters.
    """
    start = _monday(now - months * MONTH)
    plain = [p.document for p in documents]
    coming = arrivals(people, plain, start, now, Random(f"history {seed}"))
    memory = connect("sqlite://")
    try:
        await migrate(memory)
        async with db.read() as tx:
            identity = (await load_workspace(tx)).identity
        async with memory.write() as tx:
            await ensure_workspace(tx, start, identity)
        await apply(memory, documents, start, templates=shipped("templates"))
        gone = {a.email for a in coming if a.person and Random(f"{seed} {a.email}").random() < UNKNOWN}
        sink = Sink(Clock(start), gone, KEPT)
        life = await start_life(memory, sink, Returns({}, seed, leaving=True), house)
        names = [d.name for d in plain if isinstance(d, Campaign)]
        await _live(life, coming, now, names, progress)
        await pour(memory, db)
        return sink
    finally:
        await memory.close()


async def _live(life: Life, coming: Sequence[Arrival], now: datetime, campaigns: Sequence[str], progress: Progress | None) -> None:
    """Day by day: those of the day come in together at the moment of its first, the list is judged every Monday."""
    start = life.clock.now
    days: dict[int, list[Arrival]] = defaultdict(list)
    for arrival in coming:
        days[(arrival.at - start) // DAY].append(arrival)
    total = (now - start) // DAY + 1
    for day in range(total):
        midnight = start + day * DAY
        if day and day % 7 == 0:
            await life.until(midnight)
            await classify_weekly(life.db, midnight)
            await learn_hours(life.db, midnight)
        if day == max(0, (now - CAMPAIGNS - start) // DAY):
            await life.until(midnight)
            for name in campaigns:
                await campaigning.start(life.db, name, midnight)
        if days[day]:
            await life.until(min(now, max(a.at for a in days[day])))
            await _take_in(life, days[day])
        if progress:
            progress(day + 1, total)
    await life.until(now)


async def _take_in(life: Life, today: Sequence[Arrival]) -> None:
    now = life.clock.now
    new = [a.person for a in today if a.person]
    ids = await settle_people(life.db, new, now) if new else {}
    life.returns.souls |= souls(new, ids, now)
    async with life.db.write() as tx:
        known = await ids_by_email(tx, [a.email for a in today if not a.person])
        await add_tags(tx, {known[a.email]: a.tags for a in today if not a.person})
        await touch(tx, known.values(), now)
    await life.begin()


def _monday(moment: datetime) -> datetime:
    """The Monday before, 00:00 UTC."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - day.weekday() * DAY

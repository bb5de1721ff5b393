"""Classify: rises as soon as verdicts settle, falls only by the weekly run; every move is a row; the weekly composition is kept for the
charts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from nurture.domain.classes import Classified, classify
from nurture.domain.engagement import raised_from
from nurture.domain.signs import Yardstick, yardstick_of
from nurture.store.classes import Lately, count_classes, moves_of_withdrawn, save_classes, save_composition, touched_people
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.facts import UNJUDGED, mark_judged, withdrawn_people
from nurture.store.ledger import pieces
from nurture.store.standings import load_signs, stream_signs

_NOBODY: Mapping[int, Lately] = {}


async def rise(db: Database, now: datetime, people: Iterable[int], chunk: int = 1000) -> int:
    """Judge these people, whose signs were just folded: up at once, never down but where a withdrawn signal had raised them.

    Returns how many moved.
    """
    async with db.write() as tx:  # first, so that what a fallen verdict takes back is told from all other moves
        withdrawn = await withdrawn_people(tx, UNJUDGED, chunk)
        risen = await moves_of_withdrawn(tx, withdrawn) if withdrawn else {}
        moved = await _judge(tx, withdrawn, await _yard(tx, now), now, risen=risen) if withdrawn else 0
        await mark_judged(tx, withdrawn)
    for ids in pieces(sorted(people), chunk):
        async with db.write() as tx:
            moved += await _judge(tx, ids, await _yard(tx, now), now)
    return moved


async def rise_since(db: Database, now: datetime, since: datetime, chunk: int = 1000) -> int:
    """The same for everybody with a sign since the moment: at a start, when a run may have ended between folding and judging."""
    moved = after = 0
    while True:
        async with db.read() as tx:  # the whole list is looked through for them
            ids = await touched_people(tx, since, after, chunk)
        async with db.write() as tx:
            moved += await _judge(tx, ids, await _yard(tx, now), now)
        if len(ids) < chunk:
            return moved
        after = ids[-1]


async def classify_weekly(db: Database, now: datetime, chunk: int = 2000) -> Counter[str]:
    """Judge everybody by one policy: down after two runs in a row, flags and temperatures anew; then write the week's composition.

    A chunk is read and judged without any lock; the few who move are read again under theirs, judged again and written. Returns the
    classes' sizes.
    """
    async with db.read() as tx:
        yard = await _yard(tx, now)
    after = 0
    while True:
        async with db.read() as tx:
            people = await stream_signs(tx, after, chunk)
        moving = [signs.subscriber_id for signs in people if classify(signs, yard, weekly=True)]
        if moving:
            async with db.write() as tx:
                await _judge(tx, moving, yard, now, weekly=True)
        if len(people) < chunk:
            break
        after = people[-1].subscriber_id
    year, week, _ = now.isocalendar()
    async with db.write() as tx:
        counts = await count_classes(tx)
        await save_composition(tx, f"{year}-W{week:02}", counts)
    return Counter(counts)


async def _yard(tx: Connection, now: datetime) -> Yardstick:
    return yardstick_of(await load_policy(tx), now)


async def _judge(
    tx: Connection, ids: Sequence[int], yard: Yardstick, now: datetime, *, weekly: bool = False, risen: Mapping[int, Lately] = _NOBODY
) -> int:  # fmt: skip
    """Judge these people and write what changes. `risen`: each one's moves since signs that are withdrawn now."""
    before = {i: raised_from((old, new) for what, old, new in moves if what == "engagement") for i, moves in risen.items()}
    judged = (classify(s, yard, weekly=weekly, raised_from=before.get(s.subscriber_id)) for s in await load_signs(tx, ids))
    decided: list[Classified] = [new for new in judged if new is not None]
    await save_classes(tx, decided, now, risen)
    return sum(new.moved("engagement") for new in decided)

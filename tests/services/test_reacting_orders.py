"""Whatever the order of sweeps: every cause of a person acts once, nothing of a machine stands in the end, nothing acts twice."""

import asyncio
from datetime import datetime, timedelta
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from nurture.services.classifying import rise
from nurture.services.folding import fold
from nurture.services.reacting import react
from nurture.store.database import Database, connect
from nurture.store.events import change_verdicts
from nurture.store.schema import migrate
from nurture.store.tables import Event
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter
from tests.support.rules import reactions, rule, tags, tasks, ways

SECOND = timedelta(seconds=1)
DOCUMENTS = (
    {"sequence": "s", "re_entry": "always", "letters": [letter("one", window="any")]},
    rule("each", {"did": "clicked"}, {"task": "Call"}, {"enter": "s"}),
    rule("first", {"did": "clicked"}, {"tag": "first"}, once="per person"),
    rule("inside", {"stage": "entered", "sequence": "s"}, {"tag": "inside"}),
    rule("hot", {"moved": "temperature", "to": "hot"}, {"tag": "hot"}),
)
STEPS = st.lists(st.one_of(
    st.tuples(st.just("click"), st.sampled_from(["human", "machine"])), st.tuples(st.just("verdict"), st.integers(1, 4)),
    st.sampled_from([("react", 1), ("react", 70), ("fold", 1), ("react", 2)]),
), min_size=3, max_size=14)  # fmt: skip


async def live(db: Database, steps: list[tuple[str, object]], start: datetime) -> None:
    now = start
    (person,) = await add_people(db, f"p{start.timestamp()}@example.com", now=start)
    for word, what in steps:
        now += SECOND
        if word == "click":
            await add_event(db, person, "clicked", now, settles_at=now + 600 * SECOND, evidence=what)
        elif word == "verdict":
            async with db.write() as tx:
                rows = (await tx.execute(select(Event.id, Event.evidence).where(Event.subscriber_id == person).order_by(Event.id))).all()
                if rows:
                    turned = rows[int(str(what)) % len(rows)]
                    await change_verdicts(tx, [(turned.id, "machine" if turned.evidence == "human" else "human", "", 1)])
        elif word == "fold":
            await sweep_standings(db, now)
        else:
            now += timedelta(seconds=float(str(what)))
            await react(db, now, chunk=2)
    await settle(db, now + timedelta(minutes=11), person)


async def sweep_standings(db: Database, now: datetime) -> None:
    signs: set[int] = set()
    await fold(db, now, signs=signs)
    await rise(db, now, signs)


async def settle(db: Database, now: datetime, person: int) -> None:
    for _ in range(2):
        await sweep_standings(db, now)
        await react(db, now)
    async with db.read() as tx:
        rows = await tx.execute(select(Event.id, Event.evidence).where(Event.subscriber_id == person))
        verdicts = {row.id: row.evidence for row in rows}
    found = await reactions(db, person)
    each = {r.source: r.state for r in found if r.rule == "each"}
    assert len(each) == sum(r.rule == "each" for r in found)
    for event, evidence in verdicts.items():
        state = each.get(f"event:{event}")
        assert state == "acted" if evidence == "human" and state != "undone" else state in (None, "undone")
    acted = {int(s.removeprefix("event:")) for s, state in each.items() if state == "acted"}
    assert all(verdicts[event] == "human" for event in acted)
    assert sum(t.state == "open" for t in await tasks(db, person)) == len(acted)
    assert sum(r.rule == "first" and r.state == "acted" for r in found) <= 1
    assert sum(state == "active" for _, state, _ in await ways(db, person)) <= 1
    if "human" not in verdicts.values():
        assert "first" not in await tags(db, person)
    if not acted:  # a cause that was undone is not done again, where once for a person the next human click may be
        assert "inside" not in await tags(db, person)
        assert all(state == "withdrawn" for _, state, _ in await ways(db, person))


def test_in_any_order_each_cause_acts_once_and_a_machine_never() -> None:
    with asyncio.Runner() as runner:
        db = connect("sqlite://")
        runner.run(migrate(db))
        runner.run(install(db, *DOCUMENTS))
        days = count(1)

        @settings(max_examples=10, deadline=None)
        @given(STEPS)
        def in_this_order(steps: list[tuple[str, object]]) -> None:
            runner.run(live(db, steps, NOW + timedelta(days=next(days))))

        try:
            in_this_order()
        finally:
            runner.run(db.close())

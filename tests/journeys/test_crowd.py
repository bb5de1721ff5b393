"""A crowd lives for eight weeks under three promises and two campaigns at once: no rule is broken, everybody is explained, nobody is stuck."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from nurture.services.explaining import why
from nurture.simulation.world import Simulated, simulate
from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.support.crowd_letters import campaign, documents, sequence

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday; clocks change on 8 and 29 March and on 5 April
WEEKS = 8
END = START + timedelta(weeks=WEEKS)
SEGMENT = "segment: everybody\nwhere: {status: subscribed}\n"
CROWD = documents(
    "policy: default\ntimezone: Europe/Berlin\n",
    SEGMENT,
    sequence("three-to-one", ["useful", "long", "useful", "sales"], mix="3:1", cadence="2 per week"),
    sequence("thirds", ["useful", "news", "sales"] * 2, mix="thirds", cadence="1 per week"),
    sequence("two-promises", ["useful", "about", "useful", "sales"] * 2, mix="[2:1, thirds]", cadence="1 per week", exit_on="[purchase]"),
    campaign("weekly-news", "{weekly: tue, zone: reader}", "news"),
    campaign("spring-sale", '{at: "2026-03-25 10:00", zone: reader}', "sales"),
    "letter: book\nkind: useful\nsubject: \"{{ first_name | default('Hello') }}, a book\"\ncall_to_action: https://example.com/b\n"
    'body: "Hello, see [it](https://example.com/b)."\n',
)
_d, _e = METADATA.tables["deliveries"].c, METADATA.tables["enrolments"].c
_doc, _l = METADATA.tables["documents"].c, METADATA.tables["letters"].c


async def explained(db: Database) -> None:
    """`why` has a reason for every letter and every way, and no letter that is due lies about."""
    async with db.read() as tx:
        letters = (await tx.execute(select(_d.subscriber_id, _l.name).join(_l.id.table, _l.id == _d.letter_id))).all()
        ways = select(_e.subscriber_id, _doc.type, _doc.name).join(_doc.id.table, _doc.id == _e.sequence_id)
        entered = (await tx.execute(ways)).all()
        late = (await tx.execute(select(func.count()).where(_d.state == "pending", _d.due_at < END - timedelta(minutes=30)))).scalar_one()
    assert late == 0
    owed: dict[int, Counter[str]] = {}
    for person, name in letters:
        owed.setdefault(person, Counter())[name] += 1
    sources: dict[int, set[str]] = {}
    for person, kind, name in entered:
        sources.setdefault(person, set()).add(f"{kind}:{name}")
    for person, known in sources.items():
        found = await why(db, person)
        assert all(w.reason and w.source for w in found)
        assert not owed.get(person, Counter()) - Counter(w.letter for w in found)
        assert known <= {w.source for w in found}, person


async def live(people: int) -> Simulated:
    lived = await simulate(CROWD, weeks=WEEKS, people=people, seed=5, start=START, look=explained)
    assert lived.notes == []
    assert lived.violations() == []
    kinds = Counter(d["sequence"] for d in lived.deliveries)
    assert set(kinds) == {"three-to-one", "thirds", "two-promises", "weekly-news", "spring-sale"}
    assert kinds["weekly-news"] > people * (WEEKS - 3)
    assert len(lived.deliveries) > people * 10
    assert len({d["timezone"] for d in lived.deliveries}) == 30
    assert all(h["reason"] for h in lived.held)
    return lived


@pytest.mark.timeout(600)  # it takes under a minute where nothing else runs
async def test_five_hundred_people_three_sequences_two_campaigns_eight_weeks() -> None:
    lived = await live(500)
    assert lived.left
    assert any(len(p["zones"]) > 1 for p in lived.people)
    assert {d["act"] for p in lived.people for d in p["deeds"]} >= {"click", "reply", "visit", "buy", "leave"}


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_ten_thousand_people_the_same() -> None:
    start = time.perf_counter()
    lived = await live(10_000)
    print(f"\n  10,000 people: {len(lived.deliveries):,} letters, {len(lived.violations())} violations, {time.perf_counter() - start:,.0f} s")

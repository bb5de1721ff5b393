"""Invented history: people come, stay, buy, leave and bounce; it keeps every rule of pacing and goes on from now."""

from datetime import timedelta
from random import Random

from sqlalchemy import func, select

from nurture.definitions.loading import load_files
from nurture.domain.tokens import TokenKey
from nurture.shipped import shipped
from nurture.simulation.arrivals import FOUNDERS, arrivals
from nurture.simulation.checker import check
from nurture.simulation.history import fill
from nurture.simulation.settling import House
from nurture.simulation.world import _delivery, as_json
from nurture.store.chronicle import taken
from nurture.store.database import Database
from nurture.store.rhythms import load_pulls
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace, load_workspace
from tests.support.people import NOW

_d = METADATA.tables["deliveries"].c
_s = METADATA.tables["subscribers"].c
DOCUMENTS = load_files([shipped("sequences")]).documents
START = NOW - timedelta(days=70)


def test_people_arrive_all_along_and_some_take_up_more():
    plain = [p.document for p in DOCUMENTS]
    found = arrivals(300, plain, START, NOW, Random(1))
    assert found == arrivals(300, plain, START, NOW, Random(1))
    assert [a.at for a in found] == sorted(a.at for a in found)
    assert all(START <= a.at < NOW for a in found)
    joined = [a for a in found if a.person]
    assert len({a.email for a in joined}) == 300
    early = sum(a.at < START + timedelta(days=15) for a in joined)
    assert FOUNDERS * 300 <= early < 0.7 * 300
    assert 20 < len(found) - len(joined) < 600
    assert all(a.tags for a in found)
    readers = {a.person.columns["locale"] for a in joined if "apple-trees" in a.tags}
    assert readers <= {"ru"}


async def test_history_keeps_the_rules_and_is_under_way_at_its_end(sqlite_db: Database):
    async with sqlite_db.write() as tx:
        await ensure_workspace(tx, NOW, b"i" * 16)
    steps: list[int] = []
    house = House("https://letters.example.com", (TokenKey.derive("x"),))
    sink = await fill(
        sqlite_db, DOCUMENTS, people=25, months=1, now=NOW, seed=3, house=house, progress=lambda day, _of: steps.append(day)
    )
    assert steps == list(range(1, len(steps) + 1))
    async with sqlite_db.read() as tx:
        assert (await load_workspace(tx)).identity == b"i" * 16
        ids = (await tx.execute(select(_d.id))).scalars().all()
        letters = await taken(tx, ids)
        people = (await tx.execute(select(func.count()).select_from(_s.id.table))).scalar_one()
        coming = (await tx.execute(select(func.count()).where(_d.state == "pending", _d.due_at > NOW))).scalar_one()
        late = (await tx.execute(select(func.count()).where(_d.state == "pending", _d.due_at < NOW - timedelta(minutes=30)))).scalar_one()
        learned = await load_pulls(tx)
    assert people == 25
    assert learned is not None
    assert {"sequence:thirds-company", "sequence:three-three-three"} & set(learned.groups)
    assert len(letters) > 25
    assert coming > 0
    assert late == 0
    assert max(x.at for x in letters) <= NOW
    found = check([_delivery(x) for x in letters], as_json(DOCUMENTS))
    assert [v for v in found if v.rule not in ("mix", "thirds")] == []  # those two ask that all were enrolled from the start
    assert len(sink.kept) > 25
    assert b"List-Unsubscribe: <https://letters.example.com/" in sink.kept[-1].message

"""Verdicts computed again over what is stored: nothing moves while the rules stay, all that follows moves when they change."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nurture.domain import evidence
from nurture.domain.evidence import Hit
from nurture.services.erasing import erase
from nurture.services.folding import fold
from nurture.services.rejudging import rejudge
from nurture.services.tracking import Received, record_hits
from nurture.store.database import Database
from nurture.store.workspace import ensure_workspace
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people

LATER = NOW + timedelta(hours=4)
AGENTS = ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0", "python-requests/2.31", "Mozilla/5.0", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "")


async def letters(db: Database, people: int) -> list[tuple[int, int]]:
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    letter = await add_letter(db)
    return [(p, await add_delivery(db, p, letter)) for p in await add_people(db, *(f"p{n}@example.com" for n in range(people)))]


def hits(seed: int, sent: list[tuple[int, int]], count: int) -> list[Received]:
    """Anything that may come in, of any order and kind."""
    chance = random.Random(seed)
    found = []
    for n in range(count):
        person, delivery = chance.choice(sent)
        link, page = chance.choice([(None, None), (0, None), (1, None), (2, None), (None, "leave")])
        at = NOW + timedelta(seconds=chance.choice([1, 5, 12, 600, 3600]) + chance.random() * 4)
        hit = Hit(at, chance.choice(["GET", "GET", "GET", "HEAD"]), link, page, chance.choice(AGENTS), f"192.0.2.{chance.randrange(4)}", prefetch=chance.random() < 0.05)
        found.append(Received(f"{seed}-{n}", delivery, person, 1, hit))
    return sorted(found, key=lambda r: r.hit.at)


async def verdicts(db: Database) -> list[tuple[Any, ...]]:
    return [(e["uid"], e["evidence"], e["reason"], e["rule_version"]) for e in await rows_of(db, "events")]


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_rules_over_what_is_stored_say_the_same(db: Database, seed: int) -> None:
    """However the hits came in: all at once, or one by one with verdicts that fell on the way."""
    sent = await letters(db, 4)
    coming = hits(seed, sent, 60)
    for start in range(0, len(coming), 7):
        await record_hits(db, coming[start : start + 7], LATER)
    before = await verdicts(db)
    assert len({v for _, v, _, _ in before}) == 3
    told = await rejudge(db)
    assert (told.hits, sum(told.changed.values())) == (60, 0), told.changed
    assert [v[:2] for v in await verdicts(db)] == [v[:2] for v in before]


async def test_other_rules_change_verdicts_standings_and_say_so_first(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    [(person, delivery), (other, elsewhere)] = await letters(db, 2)
    agent, ordinary = "Mozilla/5.0 (compatible; NewScanner/1.0)", AGENTS[0]
    await record_hits(db, [
        Received("a", delivery, person, 1, Hit(LATER, "GET", 0, None, agent, "192.0.2.1")),
        Received("b", elsewhere, other, 1, Hit(LATER, "GET", 0, None, ordinary, "192.0.2.2")),
    ], LATER)  # fmt: skip
    done = LATER + timedelta(minutes=11)
    await fold(db, done)

    async def clicks() -> list[Any]:
        return [s["last_sign_at"] for s in sorted(await rows_of(db, "standings"), key=lambda s: s["subscriber_id"])]

    known = await clicks()
    assert None not in known
    scanners, judge_all = evidence._SCANNERS.pattern, evidence.judge_all
    monkeypatch.setattr(evidence, "_SCANNERS", evidence.re.compile(scanners + "|newscanner", evidence.re.IGNORECASE))
    monkeypatch.setattr("nurture.services.rejudging.judge_all", lambda *a: [replace(v, rule_version=99) for v in judge_all(*a)])
    looked = await rejudge(db, dry_run=True)
    assert dict(looked.changed) == {("human", "machine", "the agent names itself: newscanner"): 1}
    assert [v[1] for v in await verdicts(db)] == ["human", "human"]
    assert (await rejudge(db, since=done)).hits == 0
    told = await rejudge(db)
    assert (told.changed, told.restated) == (looked.changed, 1)
    assert [(v[1], v[3]) for v in await verdicts(db)] == [("machine", 99), ("human", 99)]
    await fold(db, done)
    now = await clicks()
    assert (now[0], now[1]) == (None, known[1])
    assert sum((await rejudge(db)).changed.values()) == 0


async def test_what_is_forgotten_keeps_the_verdict_of_its_time(db: Database) -> None:
    sent = await letters(db, 2)
    for (person, delivery), uid in zip(sent, "ab", strict=True):
        await record_hits(db, [Received(uid, delivery, person, 1, Hit(LATER, "GET", 0, None, AGENTS[0], "192.0.2.1"))], LATER)
    async with db.write() as tx:
        await tx.exec_driver_sql("UPDATE events SET ip = NULL, agent = NULL WHERE uid = 'a'")
    await erase(db, sent[1][0], LATER)
    before = await verdicts(db)
    told = await rejudge(db)
    assert (told.kept, sum(told.changed.values()), told.restated) == (1, 0, 0)
    assert await verdicts(db) == before

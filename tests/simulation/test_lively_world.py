"""A world in which people leave, bounce, buy, move and ask for less: its figures are those of small lists, and the engine sees them."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from nurture.simulation.checker import check
from nurture.simulation.world import Simulated, simulate
from tests.support.crowd_letters import documents, sequence

START = datetime(2026, 3, 2, tzinfo=UTC)
SEASON = sequence("season", ["useful", "long", "useful", "sales"] * 6, mix="3:1", cadence="2 per week")


@pytest.fixture(scope="module")
def season() -> Simulated:
    """Thirteen weeks of two letters each: about four thousand."""
    return asyncio.run(simulate(documents(SEASON), weeks=13, people=180, seed=3, start=START))


def test_figures_are_those_of_small_lists(season: Simulated) -> None:
    done = Counter(d["act"] for p in season.people for d in p["deeds"])
    assert 0.04 <= (done["click"] + done["reply"]) / len(season.deliveries) <= 0.15
    buyers = sum(any(d["act"] == "buy" for d in p["deeds"]) for p in season.people)
    assert 0.01 <= buyers / 180 <= 0.07
    hearts = Counter(p["heart"] for p in season.people)
    assert (hearts["passive"] + hearts["ripening"]) / 180 == pytest.approx(0.80, abs=0.08)
    assert hearts["active"] / 180 == pytest.approx(0.17, abs=0.08)
    assert 0 < hearts["fan"] <= 12
    assert 0 < len(season.left) < 0.1 * 180
    assert any(len(p["zones"]) > 1 for p in season.people)


def test_the_engine_sees_hearts_as_far_as_they_can_be_seen(season: Simulated) -> None:
    seen = Counter((p["heart"], p["engagement"]) for p in season.people)
    assert seen["passive", "fan"] == seen["ripening", "fan"] == seen["fan", "passive"] == 0
    fans = [p for p in season.people if p["heart"] == "fan"]
    assert all(p["engagement"] in ("fan", "active", "new") for p in fans)
    passive = [p["engagement"] for p in season.people if p["heart"] == "passive"]
    assert sum(e in ("passive", "unobservable", "new") for e in passive) > 0.85 * len(passive)
    active = [p["engagement"] for p in season.people if p["heart"] == "active"]
    assert sum(e in ("active", "fan") for e in active) > 0.7 * len(active)


def test_no_rule_is_broken_and_every_departure_ends_the_letters(season: Simulated) -> None:
    assert season.violations() == []
    last = {d["email"]: d["at"] for d in season.deliveries}
    for row in season.left:
        assert row["why"]
        assert last.get(row["email"], "") <= row["at"]
    assert sum(row["letters"] for row in season.load) == len(season.deliveries)
    broken = [d | {"timezone": "Asia/Tokyo"} for d in season.deliveries[:1]]
    assert {v.rule for v in check(broken, season.documents, start=START, people=season.people)} >= {"zone", "local"}


def test_a_mover_gets_each_letter_on_the_clock_of_where_they_live(season: Simulated) -> None:
    movers = [p for p in season.people if len(p["zones"]) > 1]
    assert movers
    for person in movers:
        moved, there = person["zones"][1]["at"], person["zones"][1]["timezone"]
        after = [d for d in season.deliveries if d["email"] == person["email"] and d["at"] > moved]
        until = person["zones"][2]["at"] if len(person["zones"]) > 2 else "9999"
        assert {d["timezone"] for d in after if d["at"] < until} <= {there}


async def test_staying_people_are_seen_to_the_end() -> None:
    short = documents(sequence("short", ["useful", "useful"], cadence="2 per week"))
    lived = await simulate(short, weeks=3, people=40, seed=3, start=START, stay=True)
    assert len(lived.deliveries) == 80
    assert lived.left == []
    assert all(len(p["zones"]) == 1 for p in lived.people)
    assert not {d["act"] for p in lived.people for d in p["deeds"]} & {"leave", "bounce", "less", "useful", "pause"}

"""Every trade's policy and sequence, lived through: the pace is kept, dates are met, and nobody waits for ever."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from nurture.definitions.loading import load_files
from nurture.shipped import shipped
from nurture.simulation.checker import check
from nurture.simulation.world import Simulated, simulate

MARCH, EARLY, LATE = (datetime(2026, m, d, tzinfo=UTC) for m, d in ((3, 2), (3, 23), (4, 27)))  # Mondays
COLLECTION = {"in-a-week": date(2026, 3, 8), "it-is-here": date(2026, 3, 15), "one-coat-three-days": date(2026, 3, 22)}
BY_MONTH = {  # letters of each person in each calendar month of a few weeks
    "information": (MARCH, 2, {"2026-03": 4}),
    "clothes": (MARCH, 4, {"2026-03": 4}),  # two, and two more by the burst
    "salon": (MARCH, 3, {"2026-03": 3}),
    "building": (EARLY, 4, {"2026-03": 1, "2026-04": 2}),  # twice in season
    "windows": (MARCH, 2, {"2026-03": 1}),
    "travel": (LATE, 2, {"2026-04": 1, "2026-05": 2}),  # the monthly one and that for families
}
WHOLE = {"building": 10, "windows": 15, "travel": 31}


async def live(trade: str, start: datetime, weeks: int, people: int) -> Simulated:
    loaded = load_files([shipped("trades") / f"{trade}.yaml"])
    assert not loaded.errors
    return await simulate(loaded.documents, weeks=weeks, people=people, seed=7, start=start)


@pytest.mark.parametrize("trade", BY_MONTH)
async def test_a_trade_keeps_every_rule_and_its_pace(trade: str) -> None:
    start, weeks, months = BY_MONTH[trade]
    lived = await live(trade, start, weeks, people=4)
    assert check(lived.deliveries, lived.documents, start=start) == []
    counts = Counter((d["email"], d["local"][:7]) for d in lived.deliveries)
    for month, most in months.items():
        found = {n for (_, m), n in counts.items() if m == month}
        assert max(found) == most, month
    for d in lived.deliveries:
        name = d["letter"].split("/")[1]
        if name in COLLECTION:
            assert timedelta(0) <= date.fromisoformat(d["local"][:10]) - COLLECTION[name] < timedelta(days=7)


@pytest.mark.soak
@pytest.mark.parametrize("trade", WHOLE)
async def test_a_slow_trade_comes_to_its_last_letter(trade: str) -> None:
    lived = await live(trade, MARCH, WHOLE[trade], people=60)
    assert check(lived.deliveries, lived.documents, start=MARCH) == []
    letters = next(d["letters"] for d in lived.documents if "sequence" in d)
    assert {d["letter"].split("/")[1] for d in lived.deliveries} >= {x["id"] for x in letters if "only_if" not in x}

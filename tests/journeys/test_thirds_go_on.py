"""A sequence of thirds goes on in every company: alone, in a 3:1 workspace, beside a 3:1 sequence, and for readers of useful letters only."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from nurture.simulation.world import Simulated, simulate
from tests.support.crowd_letters import documents, sequence

START = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE = 5
THIRDS = sequence("thirds", ["useful", "news", "sales"] * 3, mix="thirds", cadence="2 per week")
BESIDE = sequence("beside", ["useful", "useful", "useful", "sales"], mix="3:1", cadence="1 per week")


async def live(*texts: str, weeks: int = 6, **columns: str) -> Simulated:
    lived = await simulate(documents(*texts), weeks=weeks, people=PEOPLE, seed=2, start=START, stay=True, columns=columns)
    assert lived.violations() == []
    return lived


def kinds(lived: Simulated, name: str = "thirds") -> list[list[str]]:
    """Of the sequence's letters, by person."""
    emails = sorted({d["email"] for d in lived.deliveries})
    return [[d["kind"] for d in lived.deliveries if (d["email"], d["sequence"]) == (email, name)] for email in emails]


@pytest.mark.parametrize("mix", ["none", "3:1"])
async def test_alone_and_in_a_workspace_that_promises_more(mix: str) -> None:
    lived = await live(f"policy: default\nmix: {mix}\n", THIRDS)
    assert kinds(lived) == [["useful", "news", "sales"] * 3] * PEOPLE  # the workspace's mix binds those who are promised nothing else
    assert lived.held == []


async def test_beside_a_sequence_that_promises_three_to_one() -> None:
    """Its offers wait for the useful letters of both, at least one is carried, and no other letter waits for them."""
    lived = await live(THIRDS, BESIDE, weeks=7)
    assert all(Counter(k) - Counter(sales=3) == Counter(useful=3, news=3) for k in kinds(lived))
    assert all(Counter(k)["useful"] == 3 for k in kinds(lived, "beside"))
    assert all(1 <= k.count("sales") <= 3 for k in kinds(lived))


async def test_for_readers_of_useful_letters_only() -> None:
    lived = await live(THIRDS, kinds="useful")
    assert kinds(lived) == [["useful"] * 3] * PEOPLE
    assert lived.held == []

"""Every shipped file, lived through for eight weeks by 200 people over the world's zones while the clocks change: no rule is broken."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from nurture.definitions.loading import load_files
from nurture.shipped import shipped
from nurture.simulation.world import Simulated, simulate

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday; clocks change on 8 and 29 March and on 5 April
LONG = {"ripening-year.yaml": (50, 16)}  # weeks and people of those that eight weeks do not see to their end
STAY = {"ripening-year.yaml": 0.7}  # of all letters; in a year more people buy and go
FILES = sorted(shipped("sequences").glob("*.yaml"))


async def live(*files: str, people: int = 200, weeks: int = 8) -> Simulated:
    """Nobody leaves or moves, so that everybody's letters are seen to the end."""
    loaded = load_files([shipped("sequences") / f for f in files] or FILES)
    assert not loaded.errors
    return await simulate(loaded.documents, weeks=weeks, people=people, seed=7, start=START, stay=True)


@pytest.mark.parametrize("file", [f.name for f in FILES])
async def test_every_shipped_file_keeps_every_rule(file):
    weeks, people = LONG.get(file, (8, 200))
    lived = await live(file, people=people, weeks=weeks)
    assert lived.violations() == []
    letters = sum(len(d["letters"]) for d in lived.documents if "sequence" in d)
    if letters:
        assert len({d["timezone"] for d in lived.deliveries}) >= 12
        assert len(lived.deliveries) > STAY.get(file, 0.9) * people * letters  # few buy and go
    if any(d.get("mix") == "3:1" and d.get("cadence") == "2 per week" and len(d["letters"]) == 4 for d in lived.documents if "sequence" in d):
        _two_weeks(lived)
    if any(d.get("campaign") == "weekly-news" for d in lived.documents):
        _every_tuesday(lived)
    if any(d.get("campaign") == "roof-survey" for d in lived.documents):
        _asked_once(lived)


def _every_tuesday(lived: Simulated) -> None:
    """Eight Tuesdays for everybody, in the letter's own hours where they live."""
    assert Counter(Counter(d["email"] for d in lived.deliveries).values()) == {8: 200}
    moments = Counter(datetime.fromisoformat(d["local"]).strftime("%a %H") for d in lived.deliveries)
    assert set(moments) == {"Tue 10", "Tue 11"}


def _asked_once(lived: Simulated) -> None:
    """Eight Mondays, and each person is asked on one of them: the next time is half a year away."""
    asked = [d["email"] for d in lived.deliveries if d["letter"] == "roof-survey/one-question"]
    assert Counter(Counter(asked).values()) == {1: 200}


def _two_weeks(lived: Simulated) -> None:
    """Joined on a Monday, the cycle ends within 14 days for everybody, two letters in each week."""
    zones = {d["email"]: d["timezone"] for d in lived.deliveries}
    assert len(zones) == 200
    for email in zones:
        own = [d for d in lived.deliveries if d["email"] == email]
        assert [(d["kind"], d["size"]) for d in own[:3]] == [("useful", "short"), ("useful", "long"), ("useful", "short")]
        assert own[3]["kind"] == "sales"
        assert len(own) == 4
        assert datetime.fromisoformat(own[3]["at"]) < START + timedelta(days=14)
        weeks = Counter(datetime.fromisoformat(d["local"]).isocalendar()[:2] for d in own)
        assert list(weeks.values()) == [2, 2], email


async def test_all_shipped_files_together_keep_every_rule():
    lived = await live(people=40, weeks=4)
    assert lived.violations() == []
    assert len({d["sequence"] for d in lived.deliveries}) == sum(bool({"sequence", "campaign", "cleanup"} & d.keys()) for d in lived.documents)

""" "Tuesday 10:00" is the reader's own: in Auckland, Sydney and Los Angeles, in summer and in winter, for campaigns and sequences."""

from datetime import UTC, datetime

import pytest

from nurture.simulation.world import simulate
from tests.support.crowd_letters import campaign, documents, letter

ZONES = ("Pacific/Auckland", "Australia/Sydney", "America/Los_Angeles")
SEGMENT = f"segment: everybody\nwhere: {{field: timezone, in: [{', '.join(ZONES)}]}}\n"
HOUSE = "policy: default\ntimezone: Europe/Berlin\n"
WINDOW = '[{days: [tue], from: "10:00", until: "10:30"}]'


@pytest.mark.parametrize(
    ("start", "tuesday"), [(datetime(2026, 1, 12, tzinfo=UTC), "2026-01-13"), (datetime(2026, 7, 13, tzinfo=UTC), "2026-07-14")]
)
@pytest.mark.parametrize("way", ["at", "cron", "sequence"])
async def test_on_their_own_clock(way: str, start: datetime, tuesday: str) -> None:
    told = {
        "at": campaign("c", f'{{at: "{tuesday} 10:00", zone: reader}}', "news"),
        "cron": campaign("c", '{cron: "0 10 * * 2", zone: reader}', "news"),
        "sequence": f"sequence: c\naudience: {{field: timezone, in: [{', '.join(ZONES)}]}}\nletters:\n"
        f"  - {letter('one', 'news', window=WINDOW)}\n",
    }[way]
    lived = await simulate(documents(HOUSE, SEGMENT, told), weeks=2, people=6, seed=1, start=start, stay=True)
    assert lived.violations() == []
    first = {d["email"]: d for d in reversed(lived.deliveries)}
    assert {d["timezone"] for d in first.values()} == set(ZONES)
    assert len(first) == 6
    for row in first.values():
        local = datetime.fromisoformat(row["local"])
        assert local.date().isoformat() == tuesday
        assert (local.hour, local.weekday()) == (10, 1)
        assert way == "sequence" or (local.minute, local.second) == (0, 0)
    assert len(lived.deliveries) == (12 if way == "cron" else 6)
    assert {datetime.fromisoformat(d["at"]).day for d in first.values()} == {int(tuesday[-2:]), int(tuesday[-2:]) - 1}

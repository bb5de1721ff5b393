"""A cleanup among sequences in the simulated world, and the checker that holds its letters to their own rules."""

from datetime import UTC, datetime
from typing import Any

import pytest

from nurture.simulation.checker import check
from nurture.simulation.world import simulate
from tests.support.crowd_letters import documents, letter

START = datetime(2026, 3, 2, tzinfo=UTC)
OFFERS = [{"id": f"day-{n}", "kind": "sales", "subject": "s", "body": "b"} for n in (1, 2, 3)]
SPRING = {"cleanup": "spring", "offers": OFFERS, "event": "2026-03-06", "closing": {"id": "closing", "kind": "about", "subject": "s", "body": "b"}}
NEWS = {"letter": "news", "kind": "useful", "subject": "s", "body": "b"}
TEXT = "cleanup: spring\nsilent: archive\nclosing: " + letter("closing", "about") + "\noffers:\n" + "".join(f"  - {letter(f'day-{n}', 'sales')}\n" for n in (1, 2, 3))
SCHOOL = "sequence: school\nmix: 1:1\ncadence: 2 per week\nletters:\n" + "".join(f"  - {letter(f'l{n}', 'sales' if n % 2 else 'useful')}\n" for n in range(6))


async def test_a_cleanup_lives_among_sequences_and_the_checker_finds_nothing() -> None:
    lived = await simulate(documents(SCHOOL, TEXT), weeks=5, people=60, seed=5, start=START)
    assert not lived.notes
    assert lived.violations() == []
    mine = [d for d in lived.deliveries if d["sequence"] == "spring"]
    assert {d["letter"] for d in mine} == {"spring/day-1", "spring/day-2", "spring/day-3", "spring/closing"}
    assert {d["sequence"] for d in lived.deliveries} == {"spring", "school"}
    asked = {d["email"] for d in mine}
    assert 10 < len(asked) < 50, "those who sleep, and nobody else"


def sent(name: str, at: str, kind: str = "sales", sequence: str = "spring") -> dict[str, Any]:
    return {"email": "a@example.com", "timezone": "UTC", "sequence": sequence, "letter": name, "kind": kind, "size": "short", "at": f"{at}+00:00", "local": f"{at}+00:00"}


@pytest.mark.parametrize(
    ("rows", "rules"),
    [
        ([sent("spring/day-1", "2026-03-02T10:30:00"), sent("spring/day-2", "2026-03-03T10:30:00"), sent("spring/day-3", "2026-03-04T10:30:00")], set()),
        ([sent("spring/day-1", "2026-03-02T10:30:00"), sent("spring/day-2", "2026-03-02T11:30:00")], {"cleanup", "gap"}),
        ([sent("spring/day-2", "2026-03-02T10:30:00"), sent("spring/day-1", "2026-03-03T10:30:00")], {"cleanup"}),
        ([sent("spring/day-1", "2026-03-06T10:30:00"), sent("spring/day-2", "2026-03-07T10:30:00")], {"cleanup"}),
        ([sent("spring/day-1", "2026-03-01T10:30:00")], {"window"}),
        ([sent("spring/day-1", "2026-03-02T12:30:00")], {"window"}),
        ([sent("spring/day-1", "2026-03-02T10:30:00"), sent("news", "2026-03-03T10:30:00", "useful", ""), sent("spring/day-2", "2026-03-04T10:30:00")], {"cleanup"}),
        ([sent("spring/day-1", "2026-03-02T10:30:00"), sent("spring/day-1", "2026-03-03T10:30:00")], {"cleanup", "once"}),
        ([sent("spring/day-1", "2026-03-02T10:30:00"), sent("spring/closing", "2026-03-10T10:30:00", "about")], set()),
    ],
)  # fmt: skip
def test_the_checker_names_what_a_cleanup_may_not(rows: list[dict[str, Any]], rules: set[str]) -> None:
    found = check([r | {"sequence": r["sequence"] or None} for r in rows], [{"policy": "default", "cap": 2}, SPRING, NEWS])
    assert {v.rule for v in found} - {"library"} == rules

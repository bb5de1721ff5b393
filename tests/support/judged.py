"""Documents and deliveries as plain rows, for the checker of simulations: the tests break one rule at a time in them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.simulation.checker import check

START = datetime(2026, 3, 2, tzinfo=UTC)
BODY = {"subject": "x", "body": "x"}
POLICY = {"policy": "default", "blackout": ["2026-04-03", "01-01"]}
CYCLE = {
    "sequence": "cycle",
    "mix": "3:1",
    "cadence": "2 per week",
    "letters": [
        {"id": "recipe", "kind": "useful", **BODY},
        {"id": "long", "kind": "useful", "size": "long", **BODY},
        {"id": "second", "kind": "useful", **BODY},
        {"id": "offer", "kind": "sales", **BODY},
    ],
}


def row(
    letter: str,
    local: str,
    kind: str = "useful",
    size: str = "short",
    email: str = "a@example.com",
    zone: str = "Europe/Berlin",
    fold: int = 0,
) -> dict:
    wall = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return {
        "email": email, "timezone": zone, "sequence": letter.partition("/")[0], "letter": letter, "kind": kind, "size": size,
        "at": wall.astimezone(UTC).isoformat(), "local": wall.isoformat(),
    }  # fmt: skip


def cycle(zone: str = "Europe/Berlin", email: str = "a@example.com") -> list[dict]:
    where = {"zone": zone, "email": email}
    return [
        row("cycle/recipe", "2026-03-02 10:30", **where),
        row("cycle/long", "2026-03-06 11:00", size="long", **where),
        row("cycle/second", "2026-03-09 10:05", **where),
        row("cycle/offer", "2026-03-11 11:59:59", kind="sales", **where),
    ]


def rules(deliveries: list[dict], *documents: dict, start: datetime | None = None, **more: Any) -> set[str]:
    """The names of the rules that are broken; `more` as `check` takes it."""
    return {v.rule for v in check(deliveries, documents or (CYCLE, POLICY), start=start, **more)}


def sequence(*letters: dict, **more: Any) -> dict:
    return {"sequence": "s", "letters": [{"size": "short", **BODY, **x} for x in letters], **more}


def anytime(n: int, kind: str = "useful", **more: Any) -> dict:
    return {"id": f"{kind}-{n}", "kind": kind, "window": "any", **more}

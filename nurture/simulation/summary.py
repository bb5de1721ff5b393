"""A simulation in words: what a marketer wants to see at one glance."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from nurture.simulation.checker import Violation
from nurture.simulation.world import Simulated

_BAR = 40
_SHOWN = 20


def summary(simulated: Simulated, violations: Sequence[Violation]) -> str:
    """Tables of composition, letters, load and held letters, and what the checker says, as plain text."""
    sent = simulated.deliveries
    people = {d["email"] for d in sent}
    zones = {d["timezone"] for d in sent}
    head = f"{len(sent)} letters to {len(people)} of {simulated.count} people in {len(zones)} zones"
    parts = [
        f"{head}, {simulated.weeks} weeks from {simulated.start:%A %d %B %Y}, seed {simulated.seed}",
        _section("People by class at the end of each week", _composition(simulated.composition)),
        _section("Letters by kind", _kinds(sent)),
        _section("Letters by hour on the reader's clock", _hours(sent)),
        _section("Held", _held(simulated.held)),
        _section("Held against the rules", _violations(violations)),
    ]
    return "\n\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _table(rows: Sequence[Sequence[object]]) -> list[str]:
    """Columns as wide as their widest cell; words to the left, numbers to the right."""
    cells = [[str(c) for c in row] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(cells[0]))]
    return ["  ".join(c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))) for row in cells]


def _composition(weeks: Sequence[dict[str, Any]]) -> list[str]:
    if not weeks:
        return ["no week was completed"]
    names = list(weeks[0])
    return _table([names, *([week[n] for n in names] for week in weeks)])


def _kinds(sent: Sequence[dict[str, Any]]) -> list[str]:
    if not sent:
        return ["no letter left"]
    counts = Counter((d["sequence"] or "-", d["kind"]) for d in sent)
    return _table([("sequence", "kind", "letters", "share")] + [(s, k, n, f"{n / len(sent):.0%}") for (s, k), n in sorted(counts.items())])


def _hours(sent: Sequence[dict[str, Any]]) -> list[str]:
    counts = Counter(datetime.fromisoformat(d["local"]).hour for d in sent)
    most = max(counts.values(), default=1)
    return [f"{hour:02}:00 {'#' * max(1, n * _BAR // most)} {n}" for hour, n in sorted(counts.items())]


def _held(held: Sequence[dict[str, Any]]) -> list[str]:
    if not held:
        return ["nothing waits for its mix"]
    lines = []
    for letter, rows in groupby(sorted(held, key=lambda h: (h["letter"], h["reason"])), key=lambda h: (h["letter"], h["reason"])):
        group = list(rows)
        lines.append(f"{letter[0]}: {len(group)} people; {letter[1]}")
    return lines


def _violations(violations: Sequence[Violation]) -> list[str]:
    if not violations:
        return ["the independent checker found 0 violations"]
    counts = ", ".join(f"{rule} {n}" for rule, n in sorted(Counter(v.rule for v in violations).items()))
    rest = len(violations) - _SHOWN
    return [f"{len(violations)} violations: {counts}", *(str(v) for v in violations[:_SHOWN]), *([f"and {rest} more"] if rest > 0 else [])]

"""A simulation in words: what a marketer wants to see at one glance."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from nurture.domain.words import Engagement
from nurture.simulation.behaviour import Type
from nurture.simulation.checker import Violation
from nurture.simulation.world import Simulated

_BAR = 40
_SHOWN = 20


def summary(simulated: Simulated, violations: Sequence[Violation]) -> str:
    """Tables of people, letters, load and held letters, and what the checker says, as plain text."""
    sent = simulated.deliveries
    people = {d["email"] for d in sent}
    zones = {d["timezone"] for d in sent}
    head = f"{len(sent)} letters to {len(people)} of {simulated.count} people in {len(zones)} zones"
    parts = [
        f"{head}, {simulated.weeks} weeks from {simulated.start:%A %d %B %Y}, seed {simulated.seed}",
        _section("People by class at the end of each week, and how many had left by then", _composition(simulated)),
        _section("What people did", _deeds(simulated)),
        _section("What they are at heart, and the class they were given", _hearts(simulated.people)),
        _section("Letters by kind", _kinds(sent)),
        _section("Letters by hour on the reader's clock", _hours(sent)),
        _section("Load by hour of the day (UTC)", _load(simulated)),
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


def _composition(simulated: Simulated) -> list[str]:
    weeks = simulated.composition
    if not weeks:
        return ["no week was completed"]
    left = [datetime.fromisoformat(row["at"]) for row in simulated.left]
    ends = [simulated.start + timedelta(weeks=n + 1) for n in range(len(weeks))]
    rows = [[*week.values(), sum(at < end for at in left)] for week, end in zip(weeks, ends, strict=True)]
    return _table([(*weeks[0], "left"), *rows])


def _deeds(simulated: Simulated) -> list[str]:
    """Responses are clicks and replies, held against the letters; people are counted once for each thing they did."""
    done = [d["act"] for p in simulated.people for d in p["deeds"]]
    did = Counter(act for p in simulated.people for act in {d["act"] for d in p["deeds"]})
    answers = sum(act in ("click", "reply") for act in done)
    gone = Counter(row["why"] for row in simulated.left)
    lines: list[tuple[str, int, str]] = [
        ("clicks and replies", answers, _share(answers, len(simulated.deliveries), "of all letters; 5 to 15 % is usual")),
        ("buyers", did["buy"], _share(did["buy"], simulated.count, "of all people; about 3 % in a season is usual")),
        ("asked for less", sum(did[act] for act in ("less", "useful", "pause")), "less often, only useful letters, or a pause"),
        ("moved", sum(len(p["zones"]) > 1 for p in simulated.people), "to another time zone"),
        *((f"gone: {why}", n, _share(n, simulated.count, "of all people")) for why, n in sorted(gone.items())),
    ]
    width = max(len(name) for name, _, _ in lines)
    return [f"{name.ljust(width)}  {n:>6}  {words}" for name, n, words in lines]


def _share(part: int, whole: int, words: str) -> str:
    return f"{part / whole:.1%} {words}" if whole else "-"


def _hearts(people: Sequence[dict[str, Any]]) -> list[str]:
    counts = Counter((p["heart"], p["engagement"]) for p in people)
    classes = [c.value for c in Engagement if any(c.value == given for _, given in counts)]
    hearts = [h.value for h in Type if any(h.value == heart for heart, _ in counts)]
    return _table([("at heart", *classes), *((h, *(counts[h, c] for c in classes)) for h in hearts)])


def _kinds(sent: Sequence[dict[str, Any]]) -> list[str]:
    if not sent:
        return ["no letter left"]
    counts = Counter((d["sequence"] or "-", d["kind"]) for d in sent)
    return _table([("sequence", "kind", "letters", "share")] + [(s, k, n, f"{n / len(sent):.0%}") for (s, k), n in sorted(counts.items())])


def _hours(sent: Sequence[dict[str, Any]]) -> list[str]:
    return _bars(Counter(datetime.fromisoformat(d["local"]).hour for d in sent))


def _load(simulated: Simulated) -> list[str]:
    """The fullest hour and minute of the whole time, then all days laid on each other."""
    if not simulated.load:
        return ["no letter left"]
    fullest = max(simulated.load, key=lambda row: (row["letters"], row["hour"]))
    minute, most = Counter(d["at"][:16] for d in simulated.deliveries).most_common(1)[0]
    peak = f"the fullest hour began {fullest['hour'][:16]} with {fullest['letters']} letters, {fullest['letters'] / 3600:.3f} a second"
    day: Counter[int] = Counter()
    for row in simulated.load:
        day[datetime.fromisoformat(row["hour"]).hour] += row["letters"]
    return [peak, f"the fullest minute was {minute} with {most}, {most / 60:.2f} a second", *_bars(day)]


def _bars(hours: Mapping[int, int]) -> list[str]:
    most = max(hours.values(), default=1)
    return [f"{hour:02}:00 {'#' * max(1, n * _BAR // most)} {n}" for hour, n in sorted(hours.items())]


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

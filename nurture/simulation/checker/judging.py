"""`check`: all rules over all people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.simulation.checker.hours import broken_hours
from nurture.simulation.checker.pace import broken_pace
from nurture.simulation.checker.promises import broken_mix
from nurture.simulation.checker.reading import House, Sent, read_house, read_sent


@dataclass(frozen=True)
class Violation:
    """A rule that one letter broke for one person; `at` is its acceptance, aware UTC."""

    rule: str
    email: str
    letter: str
    at: datetime
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.letter} to {self.email} at {self.at:%Y-%m-%d %H:%M}Z: {self.message}"


def check(
    deliveries: Iterable[Mapping[str, Any]], documents: Iterable[Mapping[str, Any]], *, start: datetime | None = None
) -> list[Violation]:
    """Every broken rule, in order of time.

    `deliveries` are rows as `simulate --json` gives them, `documents` the JSON of what was simulated. `start` is the moment at which all
    were enrolled in all sequences; without it a first letter's `after` and the one hour of a `now` window are not asked.
    """
    house = read_house(documents)
    people: dict[str, list[Sent]] = defaultdict(list)
    for raw in deliveries:
        sent = read_sent(house, raw)
        people[sent.email].append(sent)
    found: list[Violation] = []
    for letters in people.values():
        letters.sort(key=lambda x: x.at)
        found.extend(Violation(rule, x.email, x.letter, x.at, message) for x, rule, message in _person(house, letters, start))
    return sorted(found, key=lambda v: (v.at, v.email, v.letter, v.rule))


def _person(house: House, letters: list[Sent], start: datetime | None) -> Iterator[tuple[Sent, str, str]]:
    for sent in letters:
        for rule, message in _row(sent):
            yield sent, rule, message
        for rule, message in broken_hours(house, sent, start):
            yield sent, rule, message
        if start is not None and sent.at < start:
            yield sent, "start", "left before anybody was enrolled"
    yield from broken_pace(house, letters, start)
    yield from broken_mix(house, letters)


def _row(sent: Sent) -> Iterator[tuple[str, str]]:
    """What a row says of itself must be true: its letter exists, its kind and size are the document's, its local time is its instant."""
    if sent.text is None:
        yield "unknown", "no document holds this letter"
    else:
        if sent.said_kind != sent.text.kind:
            yield "kind", f"reported as {sent.said_kind}, written as {sent.text.kind}"
        if sent.said_size != sent.text.size:
            yield "kind", f"reported as {sent.said_size}, written as {sent.text.size}"
    said = datetime.fromisoformat(sent.said_local)
    if said != sent.at or said.utcoffset() != sent.local.utcoffset():
        yield "local", f"reported as {sent.said_local}, on the wall it was {sent.local.isoformat()}"

"""`check`: all rules over all people."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nurture.simulation.checker.cleanups import broken_cleanups
from nurture.simulation.checker.hours import broken_hours
from nurture.simulation.checker.occasions import broken_occasions
from nurture.simulation.checker.order import broken_order
from nurture.simulation.checker.pace import broken_pace
from nurture.simulation.checker.promises import broken_mix
from nurture.simulation.checker.reading import House, read_house
from nurture.simulation.checker.rows import Facts, Sent, read_facts, read_sent
from nurture.simulation.checker.stuck import stuck
from nurture.simulation.checker.wishes import broken_wishes

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Violation:
    """A rule that one letter broke for one person; `at` is its acceptance, aware UTC, or when it should have gone."""

    rule: str
    email: str
    letter: str
    at: datetime
    message: str

    def as_json(self) -> dict[str, str]:
        return {"rule": self.rule, "email": self.email, "letter": self.letter, "at": self.at.isoformat(), "message": self.message}

    def __str__(self) -> str:
        return f"{self.rule}: {self.letter} to {self.email} at {self.at:%Y-%m-%d %H:%M}Z: {self.message}"


def check(
    deliveries: Rows, documents: Rows, *, start: datetime | None = None, end: datetime | None = None, people: Rows = (), left: Rows = (),
    held: Rows = (),
) -> list[Violation]:  # fmt: skip
    """Every broken rule, in order of time.

    `deliveries`, `people`, `left` and `held` are rows as `simulate --json` gives them, `documents` the JSON of what was simulated. `start`:
    when all were enrolled in all sequences and every campaign was started; without it a first letter's `after`, the one hour of a `now`
    window and the `until` of a campaign that goes `now` are not asked. `end`: until when was watched; without it nobody is found stuck.
    Birthdays, wishes, purchases and moves are asked of the people who are given.
    """
    house = read_house(documents)
    facts = read_facts(people, left)
    letters: dict[str, list[Sent]] = {email: [] for email, known in facts.items() if known.told}
    for raw in deliveries:
        sent = read_sent(house, raw)
        letters.setdefault(sent.email, []).append(sent)
    found = [
        Violation("held", h["email"], h["letter"], _until(h), f"only sales letters are held by a mix; {h['reason']}")
        for h in _wrongly(house, held)
    ]
    for email, own in letters.items():
        own.sort(key=lambda x: x.at)
        known = facts.get(email, Facts())
        found += [Violation(rule, x.email, x.letter, x.at, message) for x, rule, message in _person(house, own, known, start)]
        zone = own[0].zone if own else known.zones[0][1] if known.zones else None
        if start and end and zone and len({x.zone for x in own}) <= 1:
            found += [
                Violation(rule, email, letter, at, message) for letter, at, rule, message in stuck(house, own, known, zone, start, end)
            ]
    return sorted(found, key=lambda v: (v.at, v.email, v.letter, v.rule))


def _wrongly(house: House, held: Rows) -> Iterator[Mapping[str, Any]]:
    for row in held:
        text = house.letters.get(row["letter"])
        if text is None or text.kind != "sales":
            yield row


def _until(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["until"]) if row.get("until") else datetime.min.replace(tzinfo=UTC)


def _person(house: House, letters: list[Sent], facts: Facts, start: datetime | None) -> Iterator[tuple[Sent, str, str]]:
    for sent in letters:
        for rule, message in _row(sent):
            yield sent, rule, message
        for rule, message in broken_hours(house, sent, facts, start):
            yield sent, rule, message
        if start is not None and sent.at < start:
            yield sent, "start", "left before anybody was enrolled"
    yield from broken_pace(house, letters, facts, start)
    yield from broken_mix(house, letters, facts)
    yield from broken_order(house, letters, facts)
    yield from broken_occasions(house, letters, facts, start)
    yield from broken_cleanups(house, letters)
    yield from broken_wishes(house, letters, facts)


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

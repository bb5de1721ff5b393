"""The mix: every promise the person is under, counted over all they accepted from everywhere."""

from collections.abc import Iterator, Sequence
from typing import Any

from nurture.simulation.checker.cleanups import of_a_cleanup
from nurture.simulation.checker.reading import House, Source
from nurture.simulation.checker.rows import Facts, Sent

MIXED = ("useful", "news", "about", "sales")
Promise = tuple[str, Any]


def broken_mix(house: House, letters: Sequence[Sent], facts: Facts) -> Iterator[tuple[Sent, str, str]]:
    """`letters`: everything one person accepted, oldest first."""
    mixed = [x for x in letters if x.kind in MIXED]
    for i, letter in enumerate(mixed):
        if letter.kind == "sales" and not of_a_cleanup(house, letter):
            for promise, message in unkept(promises_over(house, mixed, i, facts), mixed[:i]):
                yield letter, promise, message
    yield from _nines(house, mixed)


def unkept(promises: Sequence[Promise], before: Sequence[Sent]) -> Iterator[tuple[str, str]]:
    """(rule, message) for each promise that a sales letter would break after `before`: all the mixed letters so far."""
    since = before[max((n + 1 for n, x in enumerate(before) if x.kind == "sales"), default=0) :]
    useful = sum(x.kind == "useful" for x in since)
    for promise, figure in promises:
        if promise == "ratio" and useful < figure:
            yield "mix", f"{useful} useful letters since the last sales letter, {figure}:1 was promised"
        if promise == "thirds" and len(since) < 2:
            yield "thirds", f"{len(since)} other letters since the last sales letter, two were promised"


def any_promises(house: House, way: Source) -> list[Promise]:
    """Every promise that may bind one who is on this way: what keeps all of these is earned for certain."""
    silent = way.type != "sequence" or not way.promises
    return [*(house.promises if silent else ()), *(p for s in house.sequences for p in s.promises)]


def promises_over(house: House, mixed: Sequence[Sent], i: int, facts: Facts) -> list[Promise]:
    """The promises of every sequence the person is in when letter `i` leaves; the workspace's for campaigns and where these are silent."""
    found = [p for s in house.sequences if _is_in(s, mixed, i, facts) for p in s.promises]
    text = mixed[i].text
    silent = not any(s.promises and _may_be_in(s, mixed, i) for s in house.sequences)
    if (silent and not found) or (text is not None and house.source(text).type == "campaign"):
        found.extend(house.promises)
    return found


def _is_in(sequence: Source, mixed: Sequence[Sent], i: int, facts: Facts) -> bool:
    """All are enrolled from the start, so whoever gets one of its letters now or later is in it, and so is whoever still has some to come.

    A letter that may be skipped proves nothing: the rule is then asked of the letters that did leave.
    """
    if any(x.text in sequence.letters and x.way in (None, sequence.name) for x in mixed[i:]):
        return True
    gone = facts.exited(sequence)
    if (gone and gone <= mixed[i].at) or sequence.unseen or (sequence.exits and not facts.told):
        return False
    had = {x.letter for x in mixed}
    wanted = ("useful",) if facts.wished("useful") else ("useful", "news", "about")
    return any(x.kind in wanted and x.name not in had and not x.conditional for x in sequence.letters)


def _may_be_in(sequence: Source, mixed: Sequence[Sent], i: int) -> bool:
    """Whether any of its letters is still to come: nobody can tell from outside whether that was skipped already."""
    had = {x.letter for x in mixed[:i]}
    return any(x.name not in had for x in sequence.letters)


def _nines(house: House, mixed: Sequence[Sent]) -> Iterator[tuple[Sent, str, str]]:
    """For a person in one sequence alone: nine in a row hold three of each group while each group still has a letter to give."""
    if len(house.sequences) != 1:
        return
    (source,) = house.sequences
    thirds = [groups for promise, groups in source.promises if promise == "thirds"]
    if len(source.promises) != 1 or not thirds or any(x.conditional for x in source.letters):
        return
    groups = thirds[0]
    left = [sum(x.kind in g for x in source.letters) for g in groups]
    taken: list[int] = []
    for letter in mixed:
        if letter.text not in source.letters:
            continue
        if not all(left):
            return
        group = next(n for n, g in enumerate(groups) if letter.kind in g)
        left[group] -= 1
        taken.append(group)
        nine = taken[-9:]
        if len(nine) == 9 and any(nine.count(n) != 3 for n in range(3)):
            counts = ", ".join(f"{nine.count(n)} {'/'.join(g)}" for n, g in enumerate(groups))
            yield letter, "thirds", f"the last nine letters hold {counts}; three of each were promised"

"""The mix: every promise the person is under, counted over all they accepted from everywhere."""

from collections.abc import Iterator, Sequence
from typing import Any

from nurture.simulation.checker.reading import House, Sent, Source

MIXED = ("useful", "news", "about", "sales")


def broken_mix(house: House, letters: Sequence[Sent]) -> Iterator[tuple[Sent, str, str]]:
    """`letters`: everything one person accepted, oldest first."""
    mixed = [x for x in letters if x.kind in MIXED]
    useful = others = 0
    for i, letter in enumerate(mixed):
        if letter.kind != "sales":
            useful += letter.kind == "useful"
            others += 1
            continue
        for promise, figure in promises_over(house, mixed, i):
            if promise == "ratio" and useful < figure:
                yield letter, "mix", f"{useful} useful letters since the last sales letter, {figure}:1 was promised"
            if promise == "thirds" and others < 2:
                yield letter, "thirds", f"{others} other letters since the last sales letter, two were promised"
        useful = others = 0
    yield from _nines(house, mixed)


def promises_over(house: House, mixed: Sequence[Sent], i: int) -> list[tuple[str, Any]]:
    """The promises of every sequence the person is in when letter `i` leaves; the workspace's for campaigns and where these are silent."""
    found = [p for s in house.sequences if _is_in(s, mixed, i) for p in s.promises]
    text = mixed[i].text
    silent = not any(s.promises and _may_be_in(s, mixed, i) for s in house.sequences)
    if (silent and not found) or (text is not None and house.source(text).type == "campaign"):
        found.extend(house.promises)
    return found


def _is_in(sequence: Source, mixed: Sequence[Sent], i: int) -> bool:
    """All are enrolled from the start, so whoever gets one of its letters now or later is in it, and so is whoever still has some to come.

    A letter that may be skipped proves nothing: the rule is then asked of the letters that did leave.
    """
    if any(x.text in sequence.letters for x in mixed[i:]):
        return True
    had = {x.letter for x in mixed}
    to_come = [x for x in sequence.letters if x.name not in had and x.kind in MIXED]
    return not sequence.exits and any(not x.conditional and x.kind != "sales" for x in to_come)


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

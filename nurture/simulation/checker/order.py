"""Whose turn it was in a sequence, and when the library may step in: judged where no letter can have been skipped unseen."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from nurture.simulation.checker.promises import MIXED, any_promises, promises_over, unkept
from nurture.simulation.checker.reading import House, LetterText, Source
from nurture.simulation.checker.rows import Facts, Sent

Finding = tuple[Sent, str, str]
LAST = 8


def broken_order(house: House, letters: Sequence[Sent], facts: Facts) -> Iterator[Finding]:
    """`letters`: everything one person accepted, oldest first."""
    mixed = [x for x in letters if x.kind in MIXED]
    for source in house.sequences:
        if source.plain and facts.wished("useful") is None:
            yield from _turns(house, source, letters, mixed, facts)
    for i, letter in enumerate(mixed):
        before = {x.letter for x in letters if x.at < letter.at}
        yield from _lent(house, mixed[:i], before, letter, facts)


def _turns(house: House, source: Source, letters: Sequence[Sent], mixed: Sequence[Sent], facts: Facts) -> Iterator[Finding]:
    own = own_letters(source, letters)
    if len({x.letter for x in own}) < len(own):
        return  # on a second way
    for n, letter in enumerate(own):
        i = sum(x.at < letter.at for x in mixed)
        possible = next_letters(house, source, own[:n], mixed, i, facts)
        if letter.text not in possible:
            names = " or ".join(x.name for x in possible)
            yield letter, "order", f"the turn was with {names or 'none of its sequence'}"


def own_letters(source: Source, letters: Sequence[Sent]) -> list[Sent]:
    """What the person got on their way through this sequence, yearly greetings and letters of the library left out."""
    return [x for x in letters if x.text in source.letters and x.way in (None, source.name) and not (x.text and x.text.day)]


def next_letters(
    house: House, source: Source, own: Sequence[Sent], mixed: Sequence[Sent], i: int, facts: Facts
) -> list[LetterText]:  # fmt: skip
    """The letter whose turn comes after `own`; two where it hangs on a promise of which nobody can tell from outside whether it binds.

    `mixed[:i]` is what the person had by then.
    """
    had = {x.letter for x in own}
    rest = [x for x in source.letters if x.name not in had and not x.day]
    if not rest:
        return []
    found = []
    bound = promises_over(house, mixed, i, facts) if i < len(mixed) else []
    if not list(unkept(bound, mixed[:i])):
        found.append(_first(source, rest, own, held=False))
    if list(unkept(any_promises(house, source), mixed[:i])):
        found.append(_first(source, rest, own, held=True))
    return list(dict.fromkeys(found))


def _first(source: Source, rest: Sequence[LetterText], own: Sequence[Sent], *, held: bool) -> LetterText:
    free = [x for x in rest if not (held and x.kind == "sales")]
    if not free:
        return rest[0]
    groups = next((g for promise, g in source.promises if promise == "thirds"), None)
    if groups is None:
        passing = rest[0] not in free
        return next((x for x in free if x.kind == "useful"), free[0]) if passing else free[0]
    kinds = [x.kind for x in own if x.kind != "greeting"]
    there = [g for g in groups if any(x.kind in g for x in free)]
    if not there:
        return free[0]
    least = min(there, key=lambda g: (sum(k in g for k in kinds[-LAST:]), max((n for n, k in enumerate(kinds) if k in g), default=-1)))
    return next(x for x in free if x.kind in least)


def _lent(house: House, mixed: Sequence[Sent], had: AbstractSet[str], letter: Sent, facts: Facts) -> Iterator[Finding]:
    """A letter of the library goes on the way of another document: only a useful one, only for a sales letter that is due and unearned.

    `had`: the names of all the person had by then, `mixed` those among them that count for a mix.
    """
    way = next((s for s in house.sources.values() if s.name == letter.way and s.type in ("sequence", "campaign")), None)
    if letter.text is None or way is None or letter.text in way.letters:
        return
    if not letter.text.evergreen:
        yield letter, "library", f"it belongs to {letter.text.document} and left on the way of {way.name}"
        return
    if letter.kind != "useful":
        yield letter, "library", f"a {letter.kind} letter of the library repays nothing"
    if way.lends:
        return
    if not way.repays:
        yield letter, "library", f"{way.name} waits and draws nothing from the library"
    rest = [x for x in way.letters if x.name not in had and not x.day]
    if way.type == "sequence" and not any(x.kind == "sales" for x in rest):
        yield letter, "library", f"{way.name} has no sales letter left to repay for"
    elif way.type == "sequence" and way.plain and not facts.wished("useful") and any(x.kind != "sales" for x in rest):
        yield letter, "library", f"{way.name} still has letters of its own that pass the held one"
    elif not list(unkept(any_promises(house, way), mixed)):
        yield letter, "library", "nothing was owed: every promise allowed a sales letter"

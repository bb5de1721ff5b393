"""Cleanups by their own rules: offers in order, one letter a local date, none after the event, and nothing else between them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from nurture.simulation.checker.reading import House, Source
from nurture.simulation.checker.rows import Sent

Finding = tuple[Sent, str, str]


def broken_cleanups(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    """`letters`: everything one person accepted, oldest first."""
    for source in house.sources.values():
        if source.type == "cleanup":
            yield from _broken(source, [x for x in letters if x.kind != "service"])


def of_a_cleanup(house: House, letter: Sent) -> bool:
    return letter.text is not None and house.source(letter.text).type == "cleanup"


def _broken(source: Source, letters: Sequence[Sent]) -> Iterator[Finding]:
    own = [x for x in letters if x.text in source.letters]
    offers = [x for x in own if x.text in source.letters[: source.offers]]
    written = [x.name for x in source.letters]
    for before, after in pairwise(offers):
        if written.index(after.letter) <= written.index(before.letter):
            yield after, "cleanup", f"left after {before.letter}, which is written behind it"
    for letter in own:
        if sum(x.day == letter.day for x in letters) > 1:
            yield letter, "cleanup", f"is not the only letter of {letter.day}"
        if source.event and letter in offers and letter.day.isoformat() > source.event:
            yield letter, "cleanup", f"left on {letter.day}, after the event of {source.event}"
    for letter in letters:
        if offers and letter not in own and offers[0].at < letter.at < offers[-1].at:
            yield letter, "cleanup", f"left between the offers of {source.name}, while everything else is to wait"

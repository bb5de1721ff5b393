"""What the person said or did: leaving, only useful letters, a pause, a purchase that ends a sequence, the zone they lived in."""

from collections.abc import Iterator, Sequence

from nurture.simulation.checker.reading import House
from nurture.simulation.checker.rows import Facts, Sent

_OPTIONAL = ("sales", "news", "about")


def broken_wishes(house: House, letters: Sequence[Sent], facts: Facts) -> Iterator[tuple[Sent, str, str]]:
    """`letters`: everything one person accepted, oldest first; those accepted before a wish are none of its business."""
    exits = {s.name: at for s in house.sequences if (at := facts.exited(s))}
    useful = facts.wished("useful")
    for letter in letters:
        if facts.left and letter.at > facts.left:
            yield letter, "left", f"the person left on {facts.left:%Y-%m-%d %H:%M}Z"
        if letter.kind == "service":
            continue
        if useful and letter.at > useful and letter.kind in _OPTIONAL:
            yield letter, "declined", f"only useful letters were wanted since {useful:%Y-%m-%d %H:%M}Z"
        if pause := next((until for begin, until in facts.pauses if begin < letter.at < until), None):
            yield letter, "paused", f"the person had asked for a pause until {pause:%Y-%m-%d %H:%M}Z"
        ended = exits.get(letter.way or "")
        if ended and letter.at > ended:
            yield letter, "exit", f"a purchase had ended {letter.way} on {ended:%Y-%m-%d %H:%M}Z"
        if facts.zones and letter.zone not in _zones_at(facts, letter):
            yield letter, "zone", f"reported in {letter.zone}, the person lived in {_zones_at(facts, letter)[-1]}"


def _zones_at(facts: Facts, letter: Sent) -> list[str]:
    """The zone then; two at the very moment of a move."""
    before = [zone for since, zone in facts.zones if since is None or since < letter.at]
    return before[-1:] + [zone for since, zone in facts.zones if since == letter.at]

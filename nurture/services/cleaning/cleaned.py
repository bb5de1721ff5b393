"""What a sweep over the cleanups did."""

from dataclasses import dataclass


@dataclass(slots=True)
class Cleaned:
    """What a sweep did: people drawn, judged, taken in, let go, archived; moves made."""

    drawn: int = 0
    judged: int = 0
    taken: int = 0
    released: int = 0
    archived: int = 0
    moves: int = 0

    @property
    def news(self) -> bool:
        return any((self.drawn, self.judged, self.taken, self.released, self.archived, self.moves))

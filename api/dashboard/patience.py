"""How many wrong passwords are borne: per account and per visitor's address, in the memory of this process."""

from collections import OrderedDict
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

TRIES = 10
WITHIN = timedelta(minutes=15)
_REMEMBERED = 10_000
T = TypeVar("T")


class Patience:
    """Ten wrong tries in a quarter of an hour; then the door stays shut until the oldest of them is that old."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[datetime]] = OrderedDict()

    def ended(self, who: Iterable[str], now: datetime) -> bool:
        """Whether one of these names has used up its tries."""
        return any(len(self._recent(name, now)) >= TRIES for name in who)

    def note(self, who: Iterable[str], now: datetime) -> None:
        """A wrong try by these names. The longest forgotten ones make room."""
        for name in who:
            self._failed[name] = [*self._recent(name, now), now]
            self._failed.move_to_end(name)
        while len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)

    async def bear(self, who: Sequence[str], now: datetime, trying: Awaitable[T | None]) -> T | None:
        """What comes of a try by these names; None: a wrong one. It counts from its beginning: of a hundred at once ten are borne."""
        self.note(who, now)
        wrong = False
        try:
            found = await trying
            wrong = found is None
            return found
        finally:
            if not wrong:
                self._take_back(who, now)

    def _take_back(self, who: Iterable[str], at: datetime) -> None:
        for name in who:
            if at in (tries := self._failed.get(name, [])):
                tries.remove(at)

    def _recent(self, name: str, now: datetime) -> list[datetime]:
        return [at for at in self._failed.get(name, []) if now - at < WITHIN]

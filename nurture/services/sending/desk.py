"""What one sending process keeps between sweeps: compiled templates, the letter book, whose turn it is, how fast, which errors repeat."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.errors import NurtureError
from nurture.render.rendering import LetterTemplate, prepare
from nurture.services.sending.gate import Gate
from nurture.services.sending.pace import Pace, Turns
from nurture.store.documents import load_letter_versions
from nurture.store.letterbook import BookShelf
from nurture.store.mark import Mark, write_mark

KEEP_TEMPLATES = 300


@dataclass(frozen=True, slots=True)
class Prepared:
    """A letter version ready to be written, or the reason why it cannot be. `asks_back`: it names letters that the reader `received`."""

    name: str
    template: LetterTemplate | None
    fault: str = ""
    asks_back: bool = True


@dataclass(slots=True)
class Desk:
    """`errors`: equal faults in a row, by lane. `mark`: what `ledger.mark` holds."""

    pace: Pace = field(default_factory=Pace)
    gate: Gate = field(default_factory=Gate)
    turns: Turns = field(default_factory=Turns)
    shelf: BookShelf = field(default_factory=BookShelf)
    errors: Counter[tuple[int, str]] = field(default_factory=Counter)
    mark: Mark | None = None
    _prepared: OrderedDict[int, Prepared] = field(default_factory=OrderedDict)
    _marking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def write_mark(self, folder: Path) -> None:
        """What it holds now goes into `ledger.mark`; a claim and a hand-off may ask for it at once."""
        async with self._marking:
            if self.mark:
                await asyncio.to_thread(write_mark, folder, self.mark)

    async def versions(self, tx: AsyncConnection, ids: Collection[int]) -> dict[int, Prepared]:
        """The compiled versions by id; versions never change, so each is compiled once."""
        missing = set(ids) - self._prepared.keys()
        for version, row in (await load_letter_versions(tx, missing)).items() if missing else ():
            try:
                self._prepared[version] = Prepared(row.name, prepare(row.content, row.links), asks_back="received" in str(row.content))
            except (NurtureError, KeyError) as error:
                self._prepared[version] = Prepared(row.name, None, str(error))
        found = {i: self._prepared[i] for i in ids if i in self._prepared}
        for version in found:
            self._prepared.move_to_end(version)
        while len(self._prepared) > KEEP_TEMPLATES:
            self._prepared.popitem(last=False)
        return found

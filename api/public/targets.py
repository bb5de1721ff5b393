"""Where the links of each letter version lead: in memory, in the database, in a file beside the spool, asked in that order.

A version never changes, so what this process knows once it knows for ever; with the file, old links lead on while the database restarts.
The file never goes before the database: after a backup was restored, the same number may be another letter's.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import RedirectResponse

from nurture.domain.tokens import Token
from nurture.render.linking import reader_names, target
from nurture.store.documents import load_letter_versions
from nurture.store.subscribers import readers

if TYPE_CHECKING:
    from nurture.bootstrap import App

WITHIN = 0.08  # seconds for what can be done without; a redirect answers in under 100 ms
LOOK_WITHIN = 2.0


class DatabaseAwayError(Exception):
    """The version is not known here and the database does not answer."""


class Targets:
    def __init__(self, app: "App") -> None:
        self._app = app
        self._path = app.settings.data_dir / "spool" / "targets.jsonl"
        self._links: dict[int, list[str]] = {}
        self._same: dict[tuple[int, int], tuple[bytes, str]] = {}
        self._kept: dict[int, list[str]] | None = None

    def known(self, version: int, number: int) -> tuple[bytes, str] | None:
        """What `find` would say, as it stands in a Location header, where this process knows it already and it is the same for all."""
        if (version, number) not in self._same:
            links = self._links.get(version, ())
            if not 0 <= number < len(links) or "{" in links[number]:
                return None
            filled = target(links, number, None)
            if not filled:
                return None
            self._same[version, number] = (RedirectResponse(filled).headers["location"].encode("latin-1"), links[number])
        return self._same[version, number]

    async def find(self, token: Token, number: int) -> tuple[str, str] | None:
        """(where the link leads for this person, the link as written); None when the letter has no such link."""
        links = await self._of(token.version)
        if not 0 <= number < len(links):
            return None
        names = await self._names(token.subscriber) if "{" in links[number] else None
        filled = target(links, number, names)
        return (filled, links[number]) if filled else None

    async def _of(self, version: int) -> list[str]:
        if version in self._links:
            return self._links[version]
        if self._kept is None:
            self._kept = await asyncio.to_thread(_read, self._path)
        kept = self._kept.get(version)
        try:
            async with asyncio.timeout(LOOK_WITHIN if kept is None else WITHIN), self._app.db.read() as tx:
                row = (await load_letter_versions(tx, [version])).get(version)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if kept is None:
                raise DatabaseAwayError from error
            return kept
        if row is None:
            return kept or []
        self._links[version] = row.links
        if row.links != kept:
            with contextlib.suppress(OSError):  # the file is a convenience: without it, links wait for the database after a restart
                await asyncio.to_thread(_add, self._path, version, row.links)
        return row.links

    async def _names(self, subscriber: int) -> dict[str, object] | None:
        with contextlib.suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(WITHIN), self._app.db.read() as tx:
                reader = (await readers(tx, [subscriber], self._app.clock())).get(subscriber)
            return reader_names(reader) if reader else None
        return None


def _read(path: Path) -> dict[int, list[str]]:
    known: dict[int, list[str]] = {}
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a torn line: the database knows it
                row = json.loads(line)
                known[int(row["version"])] = list(row["links"])
    return known


def _add(path: Path, version: int, links: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"version": version, "links": links}) + "\n")

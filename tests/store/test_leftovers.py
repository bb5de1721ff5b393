"""Jobs that go through a whole list hold no chunk of it any longer than they work on it."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import BindParameter

from nurture.services import importing
from nurture.services.enrolling import enrol
from nurture.services.folding import fold, rebuild
from nurture.services.importing import import_csv
from nurture.services.planning import plan
from nurture.store.database import Database
from tests.support.people import NOW, add_people
from tests.support.programme import end_row, install, letter

CHUNK, CHUNKS = 10, 6


@pytest.fixture
def no_collector() -> Iterator[None]:
    """It comes by too seldom to count on; here it never does by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.garbage.clear()
    gc.enable()


def left_behind() -> list[object]:
    """The lists of a chunk's length that nobody has any more and that are not freed."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    return [o.value for o in gc.garbage if isinstance(o, BindParameter) and isinstance(o.value, list | tuple) and len(o.value) == CHUNK]


@pytest.mark.usefixtures("no_collector")
async def test_an_import_holds_no_rows_that_are_in(sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", CHUNK)
    file = tmp_path / "people.csv"
    file.write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(CHUNK * CHUNKS)))
    assert (await import_csv(sqlite_db, file, now=NOW)).added == CHUNK * CHUNKS
    assert left_behind() == []


@pytest.mark.usefixtures("no_collector")
async def test_folding_holds_nobody_who_is_done(sqlite_db: Database) -> None:
    school = {"sequence": "school", "mix": "3:1", "cadence": "2 per week", "letters": [letter("one"), letter("two"), letter("three")]}
    await install(sqlite_db, school)
    people = await add_people(sqlite_db, *(f"p{n}@example.com" for n in range(CHUNK * CHUNKS)))
    await enrol(sqlite_db, "school", people, NOW, "hand")
    assert (await plan(sqlite_db, NOW)).counts["sends"] == CHUNK * CHUNKS
    await end_row(sqlite_db, NOW)
    gc.collect()
    for job in (fold, rebuild):
        assert await job(sqlite_db, NOW, CHUNK) == CHUNK * CHUNKS
        assert left_behind() == []

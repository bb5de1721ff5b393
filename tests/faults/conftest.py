"""What every test of faults stands on: an installation on either database, a far side with a script, workers that can be killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import both_urls
from tests.support.household import Household, Houses
from tests.support.scripted_sink import FarSide
from tests.support.worker_process import Crew


@pytest.fixture
async def house(db_url: str, far_side: FarSide, crew: Crew, tmp_path: Path) -> AsyncIterator[Household]:
    """One installation; the test says on which database, or runs once on each."""
    opened = Household(db_url, far_side(), tmp_path, crew)
    yield opened
    await opened.close()


@pytest.fixture
async def houses(request: pytest.FixtureRequest, far_side: FarSide, crew: Crew, tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Houses]:
    """An installation on each database, which live at the same time: most of a fault is waiting."""
    try:
        server = request.getfixturevalue("postgres")
    except pytest.skip.Exception:
        server = None  # SQLite alone, where the machine has no PostgreSQL and that is allowed
    opened = Houses()
    for name, url in (await both_urls(sqlite_template, tmp_path, server)).items():
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        opened.append(Household(url, far_side(), folder, crew))
    yield opened
    for house in opened:
        await house.close()

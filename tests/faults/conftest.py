"""What every test of faults stands on: an installation on either database, a far side with a script, workers that can be killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.household import Household
from tests.support.scripted_sink import FarSide
from tests.support.worker_process import Crew


@pytest.fixture
async def house(db_url: str, far_side: FarSide, crew: Crew, tmp_path: Path) -> AsyncIterator[Household]:
    opened = Household(db_url, far_side(), tmp_path, crew)
    yield opened
    await opened.close()

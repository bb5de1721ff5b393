"""`serve --demo` fills an empty installation once, and its pages show what was lived."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from nurture.bootstrap import App
from nurture.cli import demo
from nurture.services.reporting import report
from nurture.store.database import Database
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace
from tests.support.desk import browser, open_desk
from tests.support.people import NOW


@pytest.fixture
def app(sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setattr(demo, "PEOPLE", 12)
    monkeypatch.setattr(demo, "MONTHS", 1)
    return open_desk(sqlite_db, tmp_path / "data")


async def count(db: Database, table: str) -> int:
    async with db.read() as tx:
        return int((await tx.execute(select(func.count()).select_from(METADATA.tables[table]))).scalar_one())


async def test_the_demo_is_furnished_once_and_its_pages_show_it(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    async with app.db.write() as tx:
        await ensure_workspace(tx, NOW, b"0" * 16)
    await demo.furnish(app)
    said = capsys.readouterr().out
    assert said.startswith("Inventing 12 people")
    assert "Done in" in said
    letters = await count(app.db, "deliveries")
    assert letters > 12
    found = await report(app.db, NOW)
    assert found.mix.kept
    assert all(p.inside == p.letters for p in found.windows.kinds.values())
    async with browser(app, demo=True) as desk:
        for path in ("/", "/letters", "/letters?view=coming", "/people", "/people/1", "/sequences"):
            assert (await desk.get(path)).status_code == 200, path
        newest = (await desk.get("/letters")).text.split('href="/letters/')[1].split('"')[0]
        assert (await desk.get(f"/letters/{newest}/preview")).status_code == 200
    await demo.furnish(app)
    assert capsys.readouterr().out == ""
    assert await count(app.db, "deliveries") == letters


@pytest.mark.parametrize(
    ("day", "of", "spent", "text"),
    [(1, 120, 0.5, "[" + "." * 30 + "] day 1 of 120, about 60 s left"), (120, 120, 9.0, "[" + "#" * 30 + "] day 120 of 120, about 0 s left")],
)
def test_the_bar_tells_how_long_it_takes(day: int, of: int, spent: float, text: str) -> None:
    assert demo.line(day, of, spent) == text

"""Out and in again: the same people, the same bytes; and nothing that a spreadsheet would run."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from nurture.domain.errors import NurtureError
from nurture.services.exporting import export_csv
from nurture.services.importing import import_csv
from nurture.store import subscribers
from nurture.store.database import Database
from nurture.store.tables import Document, Standing, Subscriber, SubscriberTag
from tests.support.crowd import make_crowd
from tests.support.people import NOW, add_people

NASTY: dict[str, Any] = {
    "formula": "=cmd|' /C calc'!A0", "plus": "+49 89", "minus": -5, "at": "@x", "guarded": "'=1", "tab": "\tx", "lines": 'a\r\nb"c",\rd',
    "number": 5, "text number": "5", "true": True, "text true": "true", "empty": "", "list": [1, "a", None], "deep": {"b": {"a": 1.5}},
    "float": 0.1, "big": 10**18, "spaces": "  x  ", "quote": '"', "Ёж, ;": "ёж", "=head": "x", "two  spaces": "y",
}  # fmt: skip


async def written(db: Database, segment: str | None = None) -> str:
    out = io.StringIO(newline="")
    await export_csv(db, out, segment, now=NOW)
    return out.getvalue()


async def empty(db: Database) -> None:
    async with db.write() as tx:
        for table in (SubscriberTag, Standing, Subscriber):
            await tx.execute(delete(table))


async def test_out_in_and_out_again_gives_the_same_bytes(db: Database, tmp_path: Path) -> None:
    await add_people(
        db, "a@x.test", name="-Anna", first_name="Anna", patronymic="Петровна", timezone="Europe/Berlin", zone_source="explicit", locale="de",
        country="DE", status="unsubscribed", status_at=NOW - timedelta(microseconds=1), source="", topics={"roofs": False, "walls": True},
        fields=NASTY, frequency="less", kinds="useful", tracking="none", paused_until=NOW + timedelta(days=3),
        joined_at=datetime(2019, 5, 1, 10, 0, 0, 123, tzinfo=UTC), tags=("a,b", 'c"d', "=e", "plain"),
    )  # fmt: skip
    for number, status in enumerate(["pending", "subscribed", "bounced", "complained", "archived"]):
        await add_people(db, f"p{number}@x.test", status=status, zone_source="guessed", timezone="America/Chicago", fields={"n": number})
    first = await written(db)
    cells = [cell for row in csv.reader(io.StringIO(first, newline="")) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "\0")] == []
    assert {"'=cmd|' /C calc'!A0", "'+49 89", "'-5", "'@x", "''=1", "'-Anna"} <= set(cells)
    async with db.read() as tx:
        before = [p async for people in subscribers.stream(tx) for p in people]
    await empty(db)
    path = tmp_path / "out.csv"
    path.write_bytes(first.encode())
    result = await import_csv(db, path, now=NOW + timedelta(days=1))
    assert (result.added, result.refused, result.warnings) == (6, 0, [])
    assert await written(db) == first
    async with db.read() as tx:
        after = [p async for people in subscribers.stream(tx) for p in people]
    for old, new in zip(before, after, strict=True):
        assert [getattr(new, n) for n in Known] == [getattr(old, n) for n in Known]
        assert {k: type(v) for k, v in new.fields.items()} == {k: type(v) for k, v in old.fields.items()}


Known = [n for n in subscribers.Person.__dataclass_fields__ if n not in ("id", "changed_at")]


async def test_a_crowd_comes_back(db: Database, tmp_path: Path) -> None:
    crowd = await make_crowd(db)
    async with db.write() as tx:  # no door stores a field that is null, or a country code in small letters
        for person in crowd:
            fields = {k: v for k, v in person.columns["fields"].items() if v is not None}
            country = person.columns["country"] and person.columns["country"].upper()
            await subscribers.change(tx, {person.id: {"fields": fields, "country": country}}, NOW)
    first = await written(db)
    path = tmp_path / "out.csv"
    path.write_bytes(first.encode())
    again = await import_csv(db, path, now=NOW)
    assert (again.added, again.updated, again.refused) == (0, 0, 0)  # over the same people it changes nothing


async def test_no_cell_can_be_run(sqlite_db: Database) -> None:
    await add_people(sqlite_db, "a@x.test", name="=1+1", source="@SUM(1)", fields=NASTY, tags=("-x",))
    for row in csv.reader(io.StringIO(await written(sqlite_db), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_only_a_segment(db: Database) -> None:
    await add_people(db, "a@x.test", tags=("roof",))
    await add_people(db, "b@x.test")
    stamp = {"version": 1, "created_at": NOW, "changed_at": NOW, "state": "live"}
    async with db.write() as tx:
        await tx.execute(insert(Document).values(type="segment", name="s", content={"segment": "s", "where": {"tag": "roof"}}, **stamp))
    rows = list(csv.DictReader(io.StringIO(await written(db, "s"))))
    assert [r["email"] for r in rows] == ["a@x.test"]
    with pytest.raises(NurtureError, match="no segment"):
        await written(db, "t")


async def test_an_empty_list_is_a_header(sqlite_db: Database) -> None:
    assert (await written(sqlite_db)).startswith("email,name,")
    assert len((await written(sqlite_db)).splitlines()) == 1

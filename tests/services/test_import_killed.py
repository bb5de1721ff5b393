"""100,000 rows with three bad ones, a BOM and semicolons; the process is killed half-way and run again: the same result, in flat memory."""

import csv
import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select

from nurture.store import subscribers
from nurture.store.database import Database
from nurture.store.tables import Standing, SubscriberTag

ROWS = 100_000
BAD = {1_000: "not-an-address;X;;;", 50_500: "p50500@x.test;too;many;values;in;it", 99_990: 'p99990@x.test;"open;;;'}
ROOT = Path(__file__).parents[2]


def write_rows(path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write("email;name;timezone;tags;Lieblingsfarbe\r\n")
        for n in range(ROWS):
            file.write(BAD.get(n, f'p{n}@x{n % 40}.test;"Jürgen {n}";Europe/Berlin;"roof,wall";blau {n}') + "\r\n")


def start(db: Database, path: Path, errors: Path) -> "subprocess.Popen[str]":
    url = db.engine.url.set(drivername="sqlite").render_as_string()
    command = [sys.executable, "-m", "tests.support.import_run", url, str(path), str(errors)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_a_killed_import_of_a_hundred_thousand_rows(sqlite_db: Database, tmp_path: Path) -> None:
    path, errors = tmp_path / "people.csv", tmp_path / "errors.csv"
    write_rows(path)
    sizes: list[int] = []
    with start(sqlite_db, path, errors) as first:
        assert first.stdout is not None
        for line in first.stdout:
            told = json.loads(line)
            sizes.append(told["rss"])
            if told["rows"] >= ROWS // 2:
                first.kill()  # SIGKILL: it has no say in it
                break
        assert first.wait() == -9
    with start(sqlite_db, path, errors) as second:
        assert second.stdout is not None
        lines = [json.loads(line) for line in second.stdout]
        assert second.wait() == 0
    result = lines[-1]["result"]
    assert result["resumed_at"] >= ROWS // 2
    assert [result[name] for name in ("added", "updated", "unchanged", "refused")] == [ROWS - 3, 0, 0, 3]
    assert [note["line"] for note in result["errors"]] == [n + 2 for n in BAD]
    assert [
        "not an e-mail address" in r["reason"] or "values" in r["reason"] or "never closed" in r["reason"] for r in result["errors"]
    ] == [True] * 3
    with errors.open(newline="", encoding="utf-8") as file:
        assert [(int(row["line"]), row["row"]) for row in csv.DictReader(file)] == [(n + 2, text) for n, text in BAD.items()]

    # Flat: beyond the first chunk nothing grows with the rows. Held in memory, half of them would take over a hundred MiB.
    assert sizes[-1] - sizes[1] < 40
    assert lines[-1]["rss"] - lines[1]["rss"] < 40
    assert lines[-1]["rss"] < 300

    async with sqlite_db.read() as tx:
        number = 0
        async for people in subscribers.stream(tx, size=10_000):
            for person in people:
                n = int(person.name.removeprefix("Jürgen "))
                assert (person.email, person.fields) == (f"p{n}@x{n % 40}.test", {"Lieblingsfarbe": f"blau {n}"})
                number += 1
        assert number == ROWS - 3
        assert (await tx.execute(select(func.count()).select_from(Standing))).scalar_one() == ROWS - 3
        assert (await tx.execute(select(func.count()).select_from(SubscriberTag))).scalar_one() == 2 * (ROWS - 3)

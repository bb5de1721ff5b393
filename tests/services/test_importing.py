"""People come in from CSV files: whatever the file, whoever they were before, and however often the run is broken off."""

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from nurture.domain.errors import NurtureError
from nurture.domain.words import Status
from nurture.services import importing
from nurture.services.enrolling import enrol_matching
from nurture.services.importing import ImportResult, import_csv
from nurture.store import subscribers
from nurture.store.database import Database
from nurture.store.documents import ensure_lane
from nurture.store.subscribers import Person
from nurture.store.tables import Consent, Document, Enrolment, Import, Match, Standing, Subscriber
from tests.support.people import NOW, add_people

LATER = NOW + timedelta(days=1)


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "people.csv"
    path.write_bytes(text.encode(encoding))
    return path


async def bring(db: Database, path: Path, now: datetime = NOW, **options: Any) -> ImportResult:
    return await import_csv(db, path, now=now, **options)


async def everybody(db: Database) -> dict[str, Person]:
    async with db.read() as tx:
        return {p.email: p async for people in subscribers.stream(tx) for p in people}


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.added, result.updated, result.unchanged, result.refused


async def test_people_come_in_and_a_second_time_nothing_changes(db: Database, tmp_path: Path) -> None:
    path = write(tmp_path, 'email,name,tags,timezone,city\nA@x.test,Anna,"roof,wall",Europe/Kiev,Bonn\nb@x.test,Bob,,,\n')
    assert counts(await bring(db, path)) == (2, 0, 0, 0)
    people = await everybody(db)
    anna = people["a@x.test"]
    assert (anna.name, anna.tags, anna.timezone, anna.zone_source) == ("Anna", ("roof", "wall"), "Europe/Kyiv", "import")
    assert (anna.fields, anna.source, anna.status, anna.joined_at) == ({"city": "Bonn"}, "import", Status.SUBSCRIBED, NOW)
    assert (people["b@x.test"].fields, people["b@x.test"].zone_source) == ({}, "default")
    assert counts(await bring(db, path, LATER)) == (0, 0, 2, 0)
    assert (await everybody(db))["a@x.test"].changed_at == NOW
    async with db.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(Standing))).scalar_one() == 2


async def test_a_known_person_is_added_to_and_nothing_is_wiped(db: Database, tmp_path: Path) -> None:
    await add_people(db, "a@x.test", name="Anna", tags=("old",), fields={"n": 1}, source="fair", joined_at=NOW - timedelta(days=9))
    path = write(tmp_path, "email,name,first_name,tags,source,town\na@x.test,,Anna,new,list,Bonn\n")
    assert counts(await bring(db, path, LATER)) == (0, 1, 0, 0)
    anna = (await everybody(db))["a@x.test"]
    assert (anna.name, anna.first_name, anna.tags, anna.source) == ("Anna", "Anna", ("new", "old"), "fair")
    assert (anna.fields, anna.joined_at, anna.changed_at) == ({"n": 1, "town": "Bonn"}, NOW - timedelta(days=9), LATER)


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED, Status.ARCHIVED])
async def test_nobody_who_is_gone_is_brought_back(db: Database, tmp_path: Path, status: Status) -> None:
    await add_people(db, "a@x.test", status=status.value)
    for text in ("email,name\na@x.test,New\n", "email,name,status\na@x.test,New,subscribed\n"):
        result = await bring(db, write(tmp_path, text))
        assert counts(result) == (0, 0, 0, 1)
        assert result.errors[0].line == 2
        assert "this person" in result.errors[0].reason
    person = (await everybody(db))["a@x.test"]
    assert (person.status, person.name) == (status, "")


async def test_a_row_may_lower(db: Database, tmp_path: Path) -> None:
    await add_people(db, "a@x.test", "b@x.test")
    text = "email,status,status_at\na@x.test,unsubscribed,2026-01-01\nb@x.test,Bounced,\nc@x.test,complained,\nd@x.test,stopped,\n"
    result = await bring(db, write(tmp_path, text), LATER)
    assert counts(result) == (1, 2, 0, 1)
    people = await everybody(db)
    assert [people[f"{who}@x.test"].status.value for who in "abc"] == ["unsubscribed", "bounced", "complained"]
    assert people["a@x.test"].status_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert "'stopped' is not known" in result.errors[0].reason
    async with db.read() as tx:
        assert (await tx.execute(select(Consent.granted, Consent.source))).all() == [(False, "import")] * 2


async def test_who_must_still_confirm_stays_pending(db: Database, tmp_path: Path) -> None:
    await add_people(db, "a@x.test", status="pending")
    assert counts(await bring(db, write(tmp_path, "email,name\na@x.test,Anna\n"))) == (0, 1, 0, 0)
    result = await bring(db, write(tmp_path, "email,status\na@x.test,subscribed\n"))
    assert counts(result) == (0, 0, 0, 1)
    assert "has not confirmed yet" in result.errors[0].reason


async def test_a_later_row_of_the_same_address_updates(db: Database, tmp_path: Path) -> None:
    path = write(tmp_path, "email,name,tags\na@x.test,One,x\nA@X.test,Two,y\na@x.test,Two,\nb@x.test,B,\nb@x.test,B,\n")
    assert counts(await bring(db, path)) == (2, 1, 2, 0)
    anna = (await everybody(db))["a@x.test"]
    assert (anna.name, anna.tags) == ("Two", ("x", "y"))


async def test_a_row_that_leaves_and_one_that_returns(db: Database, tmp_path: Path) -> None:
    path = write(tmp_path, "email,status\na@x.test,unsubscribed\na@x.test,subscribed\n")
    rehearsed = await bring(db, path, dry_run=True)
    result = await bring(db, path)
    assert counts(result) == counts(rehearsed) == (1, 0, 0, 1)
    assert result.errors == rehearsed.errors


async def test_a_dry_run_changes_nothing_and_tells_the_same(db: Database, tmp_path: Path) -> None:
    await add_people(db, "old@x.test", name="Old")
    await add_people(db, "gone@x.test", status="unsubscribed")
    text = "email,name\nold@x.test,New\nnew@x.test,N\nnew@x.test,N\nnew@x.test,M\ngone@x.test,G\nbad,B\nold@x.test,New\n"
    path = write(tmp_path, text)
    rehearsed = await bring(db, path, dry_run=True)
    assert (await everybody(db)).keys() == {"old@x.test", "gone@x.test"}
    async with db.read() as tx:
        assert (await tx.execute(select(Import.id))).all() == []
    assert counts(rehearsed) == counts(await bring(db, path)) == (1, 2, 2, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_encodings_and_delimiters(sqlite_db: Database, tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [["email", "name", "Город"], ["a@x.test", "Żółć, Ёж; | \t", "Томск"]]
    text = "\r\n".join(delimiter.join('"' + cell + '"' for cell in row) for row in rows)
    assert counts(await bring(sqlite_db, write(tmp_path, text, encoding))) == (1, 0, 0, 0)
    person = (await everybody(sqlite_db))["a@x.test"]
    assert person.name == "Żółć, Ёж; |"
    assert person.fields == {"Город": "Томск"}


async def test_the_old_western_code_page(sqlite_db: Database, tmp_path: Path) -> None:
    await bring(sqlite_db, write(tmp_path, "email;name\r\na@x.test;Jürgen “Müller” €\r\n", "cp1252"))
    assert (await everybody(sqlite_db))["a@x.test"].name == "Jürgen “Müller” €"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
async def test_line_endings_and_true_line_numbers(sqlite_db: Database, tmp_path: Path, ending: str) -> None:
    lines = ["sep=;", "email;notes", 'a@x.test;"one', "two", 'three"', "", "=bad", ";;", 'b@x.test;"4', '5"', "worse;x"]
    path = write(tmp_path, ending.join(lines))
    result = await bring(sqlite_db, path, errors_path=tmp_path / "errors.csv")
    assert [e.line for e in result.errors] == [7, 11]
    assert counts(result) == (2, 0, 0, 2)
    assert (await everybody(sqlite_db))["a@x.test"].fields == {"notes": f"one{ending}two{ending}three"}
    with (tmp_path / "errors.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(r["line"], r["row"]) for r in rows] == [("7", "'=bad"), ("11", "worse;x")]


async def test_a_quote_never_closed_costs_its_own_line_only(sqlite_db: Database, tmp_path: Path) -> None:
    text = 'email,name\na@x.test,"Anna\nb@x.test,B\nc@x.test,"C ""quoted"" C"\nd@x.test,"D" careless\ne@x.test,"E\n'
    result = await bring(sqlite_db, write(tmp_path, text))
    assert [e.line for e in result.errors] == [2, 6]
    assert all("never closed" in e.reason for e in result.errors)
    people = await everybody(sqlite_db)
    assert {e: p.name for e, p in people.items()} == {"b@x.test": "B", "c@x.test": 'C "quoted" C', "d@x.test": "D careless"}


async def test_hostile_rows_are_explained_and_the_rest_comes_in(sqlite_db: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = [
        b"email,name,note", b"a@x.test,A,", b"nul@x.test,N\0,", b"bytes@x.test,\xff\xfe,", b"long@x.test," + b"x" * 200_000 + b",",
        b"endless@x.test," + b"y" * 3_000_000, "b@x.test,Bjørn Ærø,".encode(), b"c@x.test,C,'=cmd|x", b"many@x.test" + b",z" * 50,
    ]  # fmt: skip
    path.write_bytes(b"\n".join(rows))
    result = await bring(sqlite_db, path, errors_path=tmp_path / "errors.csv")
    reasons = {e.line: e.reason for e in result.errors}
    assert reasons.keys() == {3, 4, 5, 6, 9}
    assert "NUL" in reasons[3]
    assert "UTF-8" in reasons[4]
    assert "more than 131,072 characters" in reasons[5]
    assert "more than 1,000,000 characters" in reasons[6]
    assert "52 values" not in reasons[9]
    assert "51 values but the header 3" in reasons[9]
    people = await everybody(sqlite_db)
    assert people.keys() == {"a@x.test", "b@x.test", "c@x.test"}
    assert people["c@x.test"].fields == {"note": "=cmd|x"}
    assert (tmp_path / "errors.csv").stat().st_size < 10_000


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"PK\x03\x04rest", "zip archive or a spreadsheet"),
        (b"\x1f\x8brest", "gzip"),
        (b"name,city\nAnna,Bonn\n", "--map"),
        (b"a@x.test,Anna\n", "first line must name the columns"),
        (b"x" * 2_000_000, "first line must name the columns"),
        (b'"email,name\n', "first line must name the columns"),
    ],
)
async def test_files_that_cannot_be_read(sqlite_db: Database, tmp_path: Path, content: bytes, advice: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(NurtureError, match=advice):
        await bring(sqlite_db, path)


async def test_a_missing_file_and_a_folder(sqlite_db: Database, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(NurtureError, match="cannot be read"):
            await bring(sqlite_db, path)


async def test_the_errors_file_never_eats_another(sqlite_db: Database, tmp_path: Path) -> None:
    path = write(tmp_path, "email\nbad\n")
    with pytest.raises(NurtureError, match="--errors"):
        await bring(sqlite_db, path, errors_path=path)
    other = tmp_path / "errors.csv"
    other.write_text("my own notes")
    with pytest.raises(NurtureError, match="holds something else"):
        await bring(sqlite_db, path, errors_path=other)
    other.unlink()
    await bring(sqlite_db, path, errors_path=other)
    assert other.exists()
    await bring(sqlite_db, write(tmp_path, "email\ngood@x.test\n"), errors_path=other)
    assert not other.exists()  # the errors of the last import are gone with it


def sequence(name: str, audience: dict[str, Any] | None, state: str = "live") -> dict[str, Any]:
    letter = {"id": "one", "kind": "useful", "size": "short", "subject": "S", "body": "B"}
    content: dict[str, Any] = {"sequence": name, "state": state, "letters": [letter]}
    return content if audience is None else content | {"audience": audience}


async def store_sequences(db: Database, *documents: dict[str, Any]) -> None:
    async with db.write() as tx:
        for number, content in enumerate(documents, 1):
            await ensure_lane(tx, f"sequence:{content['sequence']}", 50)
            stamp = {"version": 1, "created_at": NOW, "changed_at": NOW, "state": content["state"]}
            await tx.execute(insert(Document).values(id=number, type="sequence", name=content["sequence"], content=content, **stamp))


async def enrolled(db: Database) -> set[tuple[int, str]]:
    async with db.read() as tx:
        query = select(Enrolment.sequence_id, Subscriber.email).join(Subscriber, Subscriber.id == Enrolment.subscriber_id)  # type: ignore[arg-type]
        return {(row[0], row[1]) for row in await tx.execute(query)}


async def test_an_import_starts_no_sequence(db: Database, tmp_path: Path) -> None:
    await store_sequences(db, sequence("roof", {"tag": "roof"}), sequence("draft", {"tag": "roof"}, "draft"))
    await add_people(db, "known@x.test")
    await add_people(db, "waits@x.test", tags=("roof",))  # came to match by the API a moment ago
    path = write(
        tmp_path, "email,tags,name,status\nnew@x.test,roof,,\nknown@x.test,roof,,\nwaits@x.test,,Changed,\nasked@x.test,roof,,pending\n"
    )
    assert counts(await bring(db, path)) == (2, 2, 0, 0)
    await enrol_matching(db, NOW)
    assert await enrolled(db) == {(1, "waits@x.test")}
    async with db.write() as tx:  # one who had to confirm comes in by their own act
        person = await subscribers.find(tx, "asked@x.test")
        assert person is not None
        await subscribers.set_status(tx, person.id, Status.SUBSCRIBED, NOW)
    await enrol_matching(db, NOW)
    assert await enrolled(db) == {(1, "waits@x.test"), (1, "asked@x.test")}


async def test_who_does_not_match_by_the_import_may_come_to_match_later(db: Database, tmp_path: Path) -> None:
    await store_sequences(db, sequence("roof", {"tag": "roof"}))
    await bring(db, write(tmp_path, "email\na@x.test\n"))
    async with db.write() as tx:
        assert (await tx.execute(select(Match.subscriber_id))).all() == []
        person = await subscribers.find(tx, "a@x.test")
        assert person is not None
        await subscribers.add_tags(tx, {person.id: ["roof"]})
    await enrol_matching(db, NOW)
    assert await enrolled(db) == {(1, "a@x.test")}


async def test_enrol_opens_the_named_sequences(db: Database, tmp_path: Path) -> None:
    await store_sequences(db, sequence("roof", {"tag": "roof"}), sequence("wall", {"tag": "roof"}), sequence("hand", None))
    text = "email,tags,status\na@x.test,roof,\nb@x.test,,\nc@x.test,roof,unsubscribed\n"
    path = write(tmp_path, text)
    await bring(db, path)
    assert await enrolled(db) == set()
    result = await bring(db, path, enrol=["roof", "hand"])  # nobody changes, and yet they enter now
    assert (counts(result), result.enrolled) == ((0, 0, 3, 0), 3)
    assert await enrolled(db) == {(1, "a@x.test"), (3, "a@x.test"), (3, "b@x.test")}
    async with db.read() as tx:
        rows = (await tx.execute(select(Enrolment.by, Enrolment.now_until))).all()
    assert set(rows) == {("import", NOW + timedelta(hours=1))}
    await bring(db, path, enrol="hand")
    await enrol_matching(db, NOW)
    assert len(await enrolled(db)) == 3


async def test_enrol_names_what_is_not_there(sqlite_db: Database, tmp_path: Path) -> None:
    await store_sequences(sqlite_db, sequence("roof", None, "draft"))
    for name in ("roof", "nothing"):
        with pytest.raises(NurtureError, match="no live sequence"):
            await bring(sqlite_db, write(tmp_path, "email\na@x.test\n"), enrol=name)
    assert await everybody(sqlite_db) == {}


async def test_when_and_where_the_person_agreed_is_kept(db: Database, tmp_path: Path) -> None:
    text = "Email Address,OPTIN_TIME,OPTIN_IP,LEID\na@x.test,2019-05-27 10:11:12,192.0.2.1,1\nb@x.test,,,2\n"
    await bring(db, write(tmp_path, text))
    async with db.read() as tx:
        rows = (await tx.execute(select(Consent.granted, Consent.ip, Consent.at, Consent.source))).all()
    assert rows == [(True, "192.0.2.1", datetime(2019, 5, 27, 10, 11, 12, tzinfo=UTC), "import")]


async def test_two_imports_of_the_same_people_at_once(db: Database, tmp_path: Path) -> None:
    one = write(tmp_path, "email,name\n" + "".join(f"p{n}@x.test,One\n" for n in range(500)))
    two = tmp_path / "two.csv"
    two.write_text("email,city\n" + "".join(f"p{n}@x.test,Bonn\n" for n in range(500)))
    results = await asyncio.gather(bring(db, one), bring(db, two))
    assert sum(r.added for r in results) == 500
    assert sum(r.updated for r in results) == 500
    people = await everybody(db)
    assert {(p.name, p.fields["city"]) for p in people.values()} == {("One", "Bonn")}


class BrokenOffError(Exception):
    pass


async def test_a_broken_run_goes_on_and_ends_the_same(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    names = [f"p{n}@x.test" if n % 7 else "bad" for n in range(95)]
    path = write(tmp_path, "email,timezone\n" + "".join(f"{name},{'Mars/X' if n % 10 == 3 else ''}\n" for n, name in enumerate(names)))
    errors = tmp_path / "errors.csv"

    def stop(progress: importing.Progress) -> None:
        if progress.rows >= 40:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        await bring(db, path, errors_path=errors, progress=stop)
    assert len(await everybody(db)) == len([n for n in names[:40] if n != "bad"])
    with errors.open("ab") as file:  # written, but never committed
        file.write(b"99,torn,half a li")
    result = await bring(db, path, LATER, errors_path=errors)
    assert result.resumed_at == 41
    assert counts(result) == (len(set(names) - {"bad"}), 0, 0, names.count("bad"))
    expected = [n + 2 for n, name in enumerate(names) if name == "bad"]
    assert [e.line for e in result.errors] == expected
    assert [w.line for w in result.warnings] == [n + 2 for n, name in enumerate(names) if n % 10 == 3 and name != "bad"]
    with errors.open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == [str(n) for n in expected]
    again = await bring(db, path, LATER)  # it is finished: a third run begins anew
    assert (again.resumed_at, again.unchanged) == (0, result.added)


async def test_another_file_or_another_mapping_is_another_import(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 1)
    path = write(tmp_path, "email,x\na@x.test,1\nb@x.test,2\n")

    def stop(_: importing.Progress) -> None:
        raise BrokenOffError

    with pytest.raises(BrokenOffError):
        await bring(sqlite_db, path, progress=stop)
    result = await bring(sqlite_db, path, mapping={"x": "name"})
    assert (result.resumed_at, result.updated, result.added) == (0, 1, 1)


async def test_lists_of_errors_are_bounded_and_the_file_has_all(sqlite_db: Database, tmp_path: Path) -> None:
    path = write(tmp_path, "email\n" + "bad\n" * 5_000)
    result = await bring(sqlite_db, path, errors_path=tmp_path / "errors.csv")
    assert (result.refused, len(result.errors)) == (5_000, 1_000)
    assert sum(1 for _ in (tmp_path / "errors.csv").open()) == 5_001


async def test_progress_tells_bytes_and_rows(sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 3)
    path = write(tmp_path, "email\n" + "".join(f"p{n}@x.test\n" for n in range(8)))
    seen: list[importing.Progress] = []
    await bring(sqlite_db, path, progress=seen.append)
    assert [p.rows for p in seen] == [3, 6, 8]
    assert all(0 < p.done <= p.total == path.stat().st_size for p in seen)
